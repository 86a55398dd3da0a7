/** Peers meet in a room, whichever node each of them came to. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RoamingPeer } from '../support/roaming-peer.js';
import { Scene, signal, topologies, upTo, type Place } from '../support/topology.js';

const seats = 4;

describe.each(topologies)('$name', ({ start }) => {
  let place: Place;
  beforeAll(async () => {
    place = await start({ MAX_PEERS_PER_ROOM: String(seats) });
  });
  afterAll(() => place.stop());

  test('[C1] [F5] [S5] a call: each step is accepted, delivered when it was acknowledged, and in order', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    anna.send({ ...signal('offer', 'bert', 1, 'o'), sdp: 'v=0' });
    await bert.expect({ type: 'offer', sender: 'anna', target: 'bert', sdp: 'v=0', id: 'o' });
    await anna.expect({ type: 'accepted', reply_to: 'o' });
    await anna.expectNothing();
    bert.acknowledge();
    await anna.expect({ type: 'delivered', reply_to: 'o' });
    bert.send({ ...signal('answer', 'anna', 1, 'a'), sdp: 'v=0' });
    await anna.expect({ type: 'answer', sender: 'bert', id: 'a' });
    await bert.expect({ type: 'accepted', reply_to: 'a' });
    anna.acknowledge();
    await bert.expect({ type: 'delivered', reply_to: 'a' });
    for (const n of upTo(20)) {
      anna.send(signal('candidate', 'bert', n));
      bert.send(signal('candidate', 'anna', n));
    }
    await bert.expect(...upTo(20).map((n) => ({ type: 'candidate', sender: 'anna', n })));
    await anna.expect(...upTo(20).map((n) => ({ type: 'candidate', sender: 'bert', n })));
    expect(await scene.settle(place, anna)).toEqual([]);
    expect(await scene.settle(place, bert)).toEqual([]);
  });

  test('[C1] [S10] candidates with ids and without keep one order between them, both ways at once', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const idOf = (n: number): string | undefined => (n % 2 === 0 ? `c${n}` : undefined);
    for (const n of upTo(100)) {
      anna.send(signal('candidate', 'bert', n, idOf(n)));
      bert.send(signal('candidate', 'anna', n, idOf(n)));
    }
    for (const peer of [anna, bert]) {
      const got: unknown[] = [];
      let accepted = 0;
      while (got.length < 100 || accepted < 50) {
        const { type, n } = await peer.next();
        if (type === 'candidate') got.push(n);
        else if (type === 'accepted') accepted += 1;
      }
      expect(got).toEqual(upTo(100));
    }
  });

  test('[C1] [F1] [A1] [X4] three peers: one roster, one order and one host wherever one asks, and each arrival told once', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const carl = new RoamingPeer(scene.room, 'carl', scene.owner);
    expect(await carl.join(place.right, { role: 'viewer' })).toMatchObject({
      host: 'carl',
      peers: [
        { peer_id: 'anna', polite: true },
        { peer_id: 'bert', polite: true },
      ],
    });
    for (const other of [anna, bert]) {
      await other.expect(
        { type: 'user_joined', peer_id: 'carl', role: 'viewer', polite: false },
        { type: 'host_changed', host: 'carl', previous: 'anna' },
      );
      expect(await scene.settle(place, other)).toEqual([]);
    }
    carl.send({ type: 'leave_room' });
    await carl.until({ type: 'room_left' });
    // Without the creator it is who has been there longest.
    for (const other of [anna, bert]) {
      await other.until({ type: 'user_left', peer_id: 'carl', reason: 'left' });
      await other.expect({ type: 'host_changed', host: 'anna', previous: 'carl' });
    }
    const dora = new RoamingPeer(scene.room, 'dora', await place.left.signIn());
    expect(await dora.join(place.right)).toMatchObject({
      host: 'anna',
      peers: [{ peer_id: 'anna' }, { peer_id: 'bert' }],
    });
  });

  test('[C1] [F4] [S6] a signal to everybody reaches everybody else once, and again is answered only', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const carl = await scene.join(place.left, 'carl');
    for (const sender of [anna, bert]) {
      const { name } = sender;
      const others = [anna, bert, carl].filter((peer) => peer !== sender);
      for (let again = 0; again < 2; again += 1) {
        sender.send({ type: 'candidate', n: 1, id: `all-${name}` });
        await sender.expect({ type: 'accepted', reply_to: `all-${name}` });
      }
      sender.send({ type: 'candidate', n: 2 });
      for (const other of others) {
        await other.expect(
          { type: 'candidate', sender: name, n: 1 },
          { type: 'candidate', sender: name, n: 2 },
        );
      }
    }
  });

  test('[C1] [P10] discovery finds peers of every node, and their metadata as it is now', async () => {
    const scene = await Scene.open(place.left);
    const anna = await scene.join(place.left, 'anna');
    const bert = await scene.join(place.right, 'bert', { role: 'worker', metadata: { tags: ['gpu'] } });
    const ask = { type: 'discover_peers', from_peer_id: 'anna', filters: { role: 'worker' } };
    anna.send(ask);
    await anna.expect({
      type: 'peer_list',
      count: 1,
      peers: [{ peer_id: 'bert', role: 'worker', metadata: { tags: ['gpu'] } }],
    });
    bert.send({ type: 'update_metadata', peer_id: 'bert', metadata: { tags: ['busy'] } });
    await bert.expect({ type: 'metadata_updated', metadata: { tags: ['gpu', 'busy'] } });
    // The other node hears of it a moment later.
    for (let tags: unknown = []; JSON.stringify(tags) !== '["gpu","busy"]';) {
      anna.send(ask);
      const { peers } = await anna.next();
      [{ tags }] = (peers as { metadata: { tags: unknown } }[]).map(({ metadata }) => metadata) as [
        { tags: unknown },
      ];
    }
    const carl = new RoamingPeer(scene.room, 'carl', scene.owner);
    expect(await carl.join(place.left)).toMatchObject({
      peers: [{ peer_id: 'anna' }, { peer_id: 'bert', metadata: { tags: ['gpu', 'busy'] } }],
    });
  });

  test('[C1] [P10] peer_message reaches its peer with its payload, with an id and without', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const message = { type: 'peer_message', from_peer_id: 'anna', to_peer_id: 'bert' };
    anna.send({ ...message, payload: { job: 1 } });
    anna.send({ ...message, payload: [2], id: 'm' });
    await bert.expect({ ...message, payload: { job: 1 } }, { ...message, payload: [2] });
    await anna.expect({ type: 'accepted', reply_to: 'm' });
    bert.acknowledge();
    await anna.expect({ type: 'delivered', reply_to: 'm' });
  });

  test('[C1] [F5] what is for nobody is refused, and a peer that has left is nobody', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    bert.send({ type: 'leave_room' });
    await bert.expect({ type: 'room_left' });
    await anna.expect({ type: 'user_left', peer_id: 'bert', reason: 'left' });
    for (const target of ['bert', 'nobody']) {
      anna.send(signal('offer', target, 1, `to-${target}`));
      await anna.expect({ type: 'error', code: 'PEER_NOT_FOUND', reply_to: `to-${target}` });
    }
    await bert.join(place.right);
    await anna.expect({ type: 'user_joined', peer_id: 'bert' });
    anna.send(signal('offer', 'bert', 2, 'again'));
    await bert.expect({ type: 'offer', n: 2 });
    await anna.expect({ type: 'accepted', reply_to: 'again' });
    expect(await scene.settle(place, anna)).toEqual([]);
  });

  test('[C1] [F8] the seats of a room are counted over all nodes', async () => {
    const scene = await Scene.open(place.left);
    await scene.pair(place);
    await scene.join(place.left, 'carl');
    const dora = await scene.join(place.right, 'dora');
    for (const node of [place.left, place.right]) {
      const late = await node.connect();
      late.send({ type: 'join_room', ...scene.room, id_token: scene.owner.id_token, peer_id: 'late' });
      await late.expect({ type: 'error', code: 'ROOM_FULL', retryable: true });
    }
    dora.send({ type: 'leave_room' });
    await dora.until({ type: 'room_left' });
    await new RoamingPeer(scene.room, 'late', scene.owner).join(place.left);
  });

  test('[C1] [F8] of many that come to the last seats at the same time as many get one as there are', async () => {
    const scene = await Scene.open(place.left);
    const answers = await Promise.all(
      upTo(2 * seats).map(async (n) => {
        const socket = await (n % 2 === 0 ? place.left : place.right).connect();
        const { id_token: idToken } = scene.owner;
        socket.send({ type: 'join_room', ...scene.room, id_token: idToken, peer_id: `p${n}`, id: 'j' });
        for (;;) {
          const frame = await socket.next();
          if (frame['reply_to'] === 'j') return frame['code'] ?? frame['type'];
        }
      }),
    );
    expect(answers.filter((answer) => answer === 'room_joined')).toHaveLength(seats);
    expect(answers.filter((answer) => answer === 'ROOM_FULL')).toHaveLength(seats);
  });
});
