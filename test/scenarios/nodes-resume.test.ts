/** Sockets break, and sessions go on over another one, on the same node or on the other. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RoamingPeer } from '../support/roaming-peer.js';
import { Scene, signal, topologies, type Place } from '../support/topology.js';
import type { Frame } from '../support/test-peer.js';

describe.each(topologies)('$name', ({ start }) => {
  let place: Place;
  beforeAll(async () => {
    place = await start();
  });
  afterAll(() => place.stop());

  test.each(['left', 'right'] as const)(
    '[C2] [S1] [S2] [S4] what was missed follows in order, the count goes on and nobody has left: from the right to the %s',
    async (side) => {
      const scene = await Scene.open(place.left);
      const [anna, bert] = await scene.pair(place);
      anna.send(signal('offer', 'bert', 0, 'm0'));
      await bert.expect({ n: 0 });
      await anna.expect({ type: 'accepted', reply_to: 'm0' });
      bert.cut();
      await anna.expect({ type: 'user_disconnecting', peer_id: 'bert' });
      // Every other one without an id.
      for (const n of [1, 2, 3, 4])
        anna.send(signal('candidate', 'bert', n, n % 2 === 0 ? `m${n}` : undefined));
      await anna.expect({ type: 'accepted', reply_to: 'm2' }, { type: 'accepted', reply_to: 'm4' });
      const before = bert.claim;
      const joined = await bert.resume(place[side]);
      expect(joined).toMatchObject({ session_id: before['session_id'], peers: [{ peer_id: 'anna' }] });
      expect(joined['resume_token']).not.toBe(before['resume_token']);
      await bert.expect(...[1, 2, 3, 4].map((n) => ({ type: 'candidate', n })));
      // Claiming one frame acknowledged it.
      await anna.expectAll({ type: 'user_resumed', peer_id: 'bert' }, { type: 'delivered', reply_to: 'm0' });
      anna.send(signal('candidate', 'bert', 5, 'm5'));
      await bert.expect({ n: 5 });
      await anna.expect({ type: 'accepted', reply_to: 'm5' });
      expect(bert.count).toBe(6);
      bert.acknowledge();
      await anna.expect(...['m2', 'm4', 'm5'].map((id) => ({ type: 'delivered', reply_to: id })));
      expect(await scene.settle(place, anna)).toEqual([]);
      expect(await scene.settle(place, bert)).toEqual([]);
    },
  );

  test('[C2] [X4] of two peers the one who came later is polite, whichever nodes they go on at', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    for (const node of [place.right, place.left]) {
      expect(await anna.resume(node)).toMatchObject({ peers: [{ peer_id: 'bert', polite: false }] });
      expect(await bert.resume(node)).toMatchObject({ peers: [{ peer_id: 'anna', polite: true }] });
    }
    expect(await anna.join(place.right)).toMatchObject({ peers: [{ peer_id: 'bert', polite: true }] });
    expect((await bert.until({ type: 'user_joined' })).at(-1)).toMatchObject({
      peer_id: 'anna',
      polite: false,
    });
    expect(await bert.resume(place.right)).toMatchObject({ peers: [{ peer_id: 'anna', polite: false }] });
  });

  test('[C2] [S3] an old socket that is still open is replaced, and the others hear nothing of it', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    for (const node of [place.left, place.right, place.right]) {
      const old = bert.socket;
      await bert.resume(node);
      expect((await old.closed).code).toBe(4409);
    }
    expect(await scene.settle(place, anna)).toEqual([]);
  });

  test('[C2] [S2] a lost reply costs nothing: the token before it is good on every node until something is acknowledged', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    bert.cut();
    await anna.expect({ type: 'user_disconnecting', peer_id: 'bert' });
    anna.send(signal('offer', 'bert', 1, 'm1'));
    await anna.expect({ type: 'accepted', reply_to: 'm1' });
    const resume = bert.claim;
    for (const node of [place.left, place.right, place.left]) {
      const socket = await node.connect();
      const { id_token: idToken } = bert.user;
      socket.send({ type: 'join_room', ...scene.room, id_token: idToken, peer_id: 'bert', resume });
      await anna.expect({ type: 'user_resumed', peer_id: 'bert' });
      socket.drop();
      await anna.expect({ type: 'user_disconnecting', peer_id: 'bert' });
    }
    expect(await bert.join(place.right, { resume })).toMatchObject({ resumed: true });
    await bert.expect({ n: 1 });
  });

  test.each([
    ['another token', (claim: Frame) => ({ ...claim, resume_token: 'x'.repeat(21) })],
    ['another session', (claim: Frame) => ({ ...claim, session_id: 'x' })],
    ['more than was told', (claim: Frame) => ({ ...claim, count: 1_000 })],
  ])('[C2] [S8] a claim that does not hold begins afresh on every node: %s', async (_what, change) => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    for (const node of [place.left, place.right]) {
      expect(await bert.join(node, { resume: change(bert.claim) })).toMatchObject({ resumed: false });
      await anna.expectAll(
        { type: 'user_left', peer_id: 'bert', reason: 'replaced' },
        { type: 'user_joined', peer_id: 'bert' },
      );
    }
  });

  test('[C2] [S8] another user with the right token begins afresh, and the session goes on', async () => {
    const scene = await Scene.open(place.left);
    const [, bert] = await scene.pair(place);
    const thief = new RoamingPeer(scene.room, 'thief', scene.owner);
    expect(await thief.join(place.left, { resume: bert.claim })).toMatchObject({ resumed: false });
    await bert.expect({ type: 'user_joined', peer_id: 'thief' });
    await bert.resume(place.left);
  });

  test('[C2] [S6] an id is known again by a receiver and by a sender that have changed nodes', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    anna.send(signal('offer', 'bert', 1, 'm1'));
    await bert.expect({ n: 1 });
    await anna.expect({ type: 'accepted', reply_to: 'm1' });
    await bert.resume(place.left);
    // Resuming acknowledged it.
    await anna.expect({ type: 'delivered', reply_to: 'm1' });
    for (const node of [place.right, place.left]) {
      anna.send(signal('offer', 'bert', 1, 'm1'));
      await anna.expectAll({ type: 'accepted', reply_to: 'm1' }, { type: 'delivered', reply_to: 'm1' });
      await anna.resume(node);
    }
    anna.send(signal('offer', 'bert', 2, 'm2'));
    await bert.expect({ n: 2 });
    await anna.until({ type: 'accepted', reply_to: 'm2' });
    expect(await scene.settle(place, bert)).toEqual([]);
  });

  test('[C2] [S5] a sender that has changed nodes is told there what became of its messages', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    anna.send(signal('offer', 'bert', 1, 'm1'));
    await bert.expect({ n: 1 });
    await anna.expect({ type: 'accepted', reply_to: 'm1' });
    await anna.resume(place.right);
    bert.acknowledge();
    await anna.expect({ type: 'delivered', reply_to: 'm1' });
    anna.cut();
    await bert.expect({ type: 'user_disconnecting', peer_id: 'anna' });
    await anna.resume(place.left);
    await bert.expect({ type: 'user_resumed', peer_id: 'anna' });
    expect(await scene.settle(place, anna)).toEqual([]);
  });
});
