/** Parity peers, which the Python server's clients are, and full sessions on different nodes. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Scene, signal, topologies, upTo, type Place } from '../support/topology.js';
import type { Frame } from '../support/test-peer.js';

const offer = (sender: string, target: string, n: number): Frame => ({ type: 'offer', sender, target, n });

describe.each(topologies)('$name', ({ start }) => {
  let place: Place;
  beforeAll(async () => {
    place = await start();
  });
  afterAll(() => place.stop());

  test('[C1] [P3] parity peers get each other’s very bytes', async () => {
    const { room, owner } = await Scene.open(place.left);
    const worker = await place.left.register(room, 'worker', owner);
    const client = await place.right.register(room, 'client', owner);
    const frame =
      '{"zeta":1.0,"type":"offer","dup":1,"dup":2,"sender":"client" , "target":"worker","x":"\\u00dc"}';
    client.send(frame);
    expect(await worker.nextRaw()).toBe(frame);
    const answer = '{"type": "answer", "sender": "worker", "target": "client", "n": 12345678901234567890}';
    worker.send(answer);
    expect(await client.nextRaw()).toBe(answer);
    worker.send({ type: 'peer_message', from_peer_id: 'worker', to_peer_id: 'client', payload: 1, extra: 1 });
    expect(await client.next()).toEqual({
      type: 'peer_message',
      from_peer_id: 'worker',
      to_peer_id: 'client',
      payload: 1,
    });
  });

  test('[C1] [P2] an offer pipelined behind register reaches the other node, and its answer comes back', async () => {
    for (const round of upTo(10)) {
      const { room, owner } = await Scene.open(place.left);
      const worker = await place.left.register(room, 'worker', owner);
      const client = await place.right.connect();
      client.send({ type: 'register', peer_id: 'client', ...room, id_token: owner.id_token });
      client.send(offer('client', 'worker', round));
      await worker.expect({ type: 'offer', n: round });
      // At once: whoever is heard can be answered.
      worker.send({ type: 'answer', sender: 'worker', target: 'client', n: round });
      await client.expect({ type: 'registered_auth' });
      await client.expect({ type: 'answer', n: round });
    }
  });

  test('[C1] [F9] [P2] the same to a full session, which hears of the arrival first', async () => {
    for (const round of upTo(10)) {
      const scene = await Scene.open(place.left);
      const anna = await scene.join(place.left, 'anna');
      const client = await place.right.connect();
      client.send({ type: 'register', peer_id: 'client', ...scene.room, id_token: scene.owner.id_token });
      client.send(offer('client', 'anna', round));
      await anna.expect(
        { type: 'user_joined', peer_id: 'client' },
        { type: 'host_changed', host: 'client' },
        { type: 'offer', n: round },
      );
      anna.send(signal('answer', 'client', round, 'a'));
      await client.expect({ type: 'registered_auth' });
      await client.expect({ type: 'answer', sender: 'anna', n: round });
      await anna.expect({ type: 'accepted', reply_to: 'a' });
    }
  });

  test('[C1] [F9] [P4] a full session calls a parity peer, which hears of nothing else', async () => {
    const scene = await Scene.open(place.left);
    const worker = await place.right.register(scene.room, 'worker', scene.owner);
    const anna = await scene.join(place.left, 'anna');
    for (const n of upTo(20)) anna.send(signal('candidate', 'worker', n, n % 2 === 0 ? `c${n}` : undefined));
    for (const n of upTo(20)) await worker.expect({ type: 'candidate', sender: 'anna', n });
    await anna.expect(...upTo(10).map((n) => ({ type: 'accepted', reply_to: `c${2 * n}` })));
    worker.send({ type: 'answer', sender: 'worker', target: 'anna', sdp: 's' });
    await anna.expect({ type: 'answer', sender: 'worker', sdp: 's' });
    anna.cut();
    await anna.resume(place.left);
    anna.send({ type: 'leave_room' });
    await anna.until({ type: 'room_left' });
    await worker.expectNothing();
  });

  test('[C1] [P5] what is for a peer that is not there vanishes', async () => {
    const { room, owner } = await Scene.open(place.left);
    const worker = await place.left.register(room, 'worker', owner);
    const client = await place.right.register(room, 'client', owner);
    client.send(offer('client', 'nobody', 1));
    await client.expectNothing();
    client.send(offer('client', 'worker', 2));
    await worker.expect({ n: 2 });
  });

  test('[C2] [P6] a parity peer that registers again on another node is reached there', async () => {
    const { room, owner } = await Scene.open(place.left);
    const client = await place.left.register(room, 'client', owner);
    for (const [n, when] of ['its socket is open', 'its socket is gone', 'its socket is open'].entries()) {
      const old = await place.left.register(room, 'worker', owner);
      if (when.endsWith('gone')) {
        old.socket.close();
        await old.closed;
      }
      const worker = await place.right.register(room, 'worker', owner);
      expect((await old.closed).code).toBe(when.endsWith('gone') ? 1005 : 4409);
      // Its own word tells the other node, if nothing did before.
      worker.send(offer('worker', 'client', n));
      await client.expect({ n });
      client.send({ type: 'answer', sender: 'client', target: 'worker', n });
      await worker.expect({ type: 'answer', n });
    }
  });

  test('[C1] [F3] full sessions hear once of each change of a parity peer that changes nodes', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    await place.left.register(scene.room, 'worker', scene.owner);
    await place.right.register(scene.room, 'worker', scene.owner);
    for (const peer of [anna, bert]) {
      await peer.expect(
        { type: 'user_joined', peer_id: 'worker' },
        { type: 'host_changed', host: 'worker', previous: 'anna' },
        { type: 'user_left', peer_id: 'worker', reason: 'replaced' },
        { type: 'user_joined', peer_id: 'worker' },
      );
      expect(await scene.settle(place, peer)).toEqual([]);
    }
  });
});
