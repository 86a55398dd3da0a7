/** One name, two sockets, two nodes: who has it, and who is told what. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RoamingPeer } from '../support/roaming-peer.js';
import { Scene, signal, topologies, upTo, type Place } from '../support/topology.js';
import type { Frame, TestPeer } from '../support/test-peer.js';

describe.each(topologies)('$name', ({ start }) => {
  let place: Place;
  beforeAll(async () => {
    place = await start();
  });
  afterAll(() => place.stop());

  const replaced = (name: string): Frame[] => [
    { type: 'user_left', peer_id: name, reason: 'replaced' },
    { type: 'user_joined', peer_id: name },
  ];

  test('[C4] [D8] [F3] the same user again: the old socket is closed, and each of the others is told once', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const carl = await scene.join(place.right, 'carl');
    const old = bert.socket;
    expect(await bert.join(place.left)).toMatchObject({ resumed: false });
    expect((await old.closed).code).toBe(4409);
    for (const other of [anna, carl]) {
      await other.expectAll(...replaced('bert'));
      expect(await scene.settle(place, other)).toEqual([]);
      other.send(signal('offer', 'bert', 1));
      expect((await bert.until({ type: 'offer' })).at(-1)).toMatchObject({ sender: other.name });
    }
  });

  test('[C4] [D8] another user is refused on every node while the holder answers', async () => {
    const scene = await Scene.open(place.left);
    const holders = [await scene.join(place.right, 'full'), await scene.join(place.left, 'other')] as const;
    const worker = await place.right.register(scene.room, 'worker', scene.owner);
    const arrival = [
      { type: 'user_joined', peer_id: 'worker' },
      { type: 'host_changed', host: 'worker', previous: 'full' },
    ];
    await Promise.all(holders.map((holder) => holder.expect(...arrival)));
    const { id_token: idToken } = await place.left.signIn();
    for (const node of [place.left, place.right]) {
      for (const name of ['full', 'worker']) {
        const [joining, registering] = [await node.connect(), await node.connect()];
        joining.send({ type: 'join_room', ...scene.room, id_token: idToken, peer_id: name });
        await joining.expect({ type: 'error', code: 'PEER_ID_TAKEN', retryable: true });
        registering.send({ type: 'register', ...scene.room, id_token: idToken, peer_id: name });
        await registering.expect({ type: 'error', code: 'PEER_ID_TAKEN' });
      }
    }
    await worker.expectNothing();
    for (const holder of holders) expect(await scene.settle(place, holder)).toEqual([]);
  });

  test('[C4] [D8] another user has the name of a parity peer that does not answer, on the other node too', async () => {
    const scene = await Scene.open(place.left);
    const anna = await scene.join(place.left, 'anna');
    const silent = await place.right.register(scene.room, 'worker', scene.owner);
    await anna.expect({ type: 'user_joined', peer_id: 'worker' }, { type: 'host_changed', host: 'worker' });
    silent.socket.pause();
    const worker = await place.left.register(scene.room, 'worker', await place.left.signIn());
    await anna.expectAll(...replaced('worker'), { type: 'host_changed', host: 'anna', previous: 'worker' });
    anna.send(signal('offer', 'worker', 1, 'o'));
    await worker.expect({ type: 'offer', n: 1 });
    await anna.expect({ type: 'accepted', reply_to: 'o' });
    silent.socket.resume();
    expect((await silent.closed).code).toBe(4409);
    expect(await scene.settle(place, anna)).toEqual([]);
  });

  test('[C4] [S7] a full session that does not answer gets its window, and nobody gets its name', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    bert.socket.socket.pause();
    const thief = await place.left.connect();
    const { id_token: idToken } = scene.owner;
    thief.send({ type: 'join_room', ...scene.room, id_token: idToken, peer_id: 'bert' });
    await thief.expect({ type: 'error', code: 'PEER_ID_TAKEN' });
    await anna.expect({ type: 'user_disconnecting', peer_id: 'bert' });
    await bert.resume(place.left);
    await anna.expect({ type: 'user_resumed', peer_id: 'bert' });
    expect(await scene.settle(place, anna)).toEqual([]);
  });

  test('[C4] [C2] a half-open socket hinders neither its user’s resume nor its fresh join on the other node', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const first = bert.socket;
    first.socket.pause();
    await bert.resume(place.left);
    const second = bert.socket;
    second.socket.pause();
    expect(await bert.join(place.right)).toMatchObject({ resumed: false });
    await anna.expectAll(...replaced('bert'));
    for (const old of [first, second]) {
      old.socket.resume();
      expect((await old.closed).code).toBe(4409);
    }
    expect(await scene.settle(place, anna)).toEqual([]);
  });

  test('[C4] of two users that ask for one name at the same time one gets it', async () => {
    const users = await Promise.all([place.left.signIn(), place.right.signIn()]);
    for (let round = 0; round < 20; round += 1) {
      const { room } = await Scene.open(place.left);
      const answers = await Promise.all(
        users.map(async ({ id_token: idToken }, at) => {
          const socket = await (at === 0 ? place.left : place.right).connect();
          socket.send({ type: 'join_room', ...room, id_token: idToken, peer_id: 'one', id: 'j' });
          const { type, code } = await socket.expect({ reply_to: 'j' });
          return code ?? type;
        }),
      );
      expect(answers.sort()).toEqual(['PEER_ID_TAKEN', 'room_joined']);
    }
  });

  test('[C4] [F3] of two sockets of one user that come at the same time the later has the name, as all see it', async () => {
    for (let round = 0; round < 20; round += 1) {
      const scene = await Scene.open(place.left);
      const anna = await scene.join(place.left, 'anna');
      const { id_token: idToken } = await place.left.signIn();
      const sockets: TestPeer[] = await Promise.all([place.left.connect(), place.right.connect()]);
      for (const socket of sockets) {
        socket.send({ type: 'join_room', ...scene.room, id_token: idToken, peer_id: 'one' });
      }
      const gone = await Promise.race(
        sockets.map((socket) => socket.closed.then(({ code }) => ({ socket, code }))),
      );
      expect(gone.code).toBe(4409);
      const told = (await scene.settle(place, anna)).map(({ type }) => type);
      // Whoever was replaced at once may not have been told of at all.
      expect(['user_joined', 'user_joined,user_left,user_joined']).toContain(told.join());
      anna.send(signal('offer', 'one', round));
      for (const socket of sockets) {
        if (socket === gone.socket) continue;
        for (let type: unknown; type !== 'offer';) ({ type } = await socket.next());
      }
    }
  });

  test('[C4] [P3] a parity peer that comes anew is told what it is sent from then on, behind its reply', async () => {
    const { room, owner } = await Scene.open(place.left);
    const client = await place.left.register(room, 'client', owner);
    for (const n of upTo(5)) {
      const old = await place.right.register(room, 'worker', owner);
      old.send({ type: 'offer', sender: 'worker', target: 'client', n });
      await client.expect({ type: 'offer', n });
      client.send({ type: 'answer', sender: 'client', target: 'worker', n });
      await old.expect({ type: 'answer', n });
      const anew = await place.left.register(room, 'worker', owner);
      await anew.expectNothing();
    }
  });

  test('[C4] [S4] a full session that begins anew is told nothing before its reply, and nothing that the old one was told', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    for (const n of upTo(5)) {
      anna.send(signal('candidate', 'bert', n));
      await bert.expect({ type: 'candidate', n });
      await bert.join(place.left);
      await bert.expectNothing();
      await bert.join(place.right);
      await anna.until({ type: 'user_joined' });
      await anna.until({ type: 'user_joined' });
    }
  });

  test('[C4] [S7] within its window a name is its user’s on every node', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    bert.cut();
    await anna.expect({ type: 'user_disconnecting', peer_id: 'bert' });
    for (const node of [place.left, place.right]) {
      const thief = await node.connect();
      thief.send({ type: 'join_room', ...scene.room, id_token: scene.owner.id_token, peer_id: 'bert' });
      await thief.expect({ type: 'error', code: 'PEER_ID_TAKEN' });
      const carl = new RoamingPeer(scene.room, 'carl', scene.owner);
      expect(await carl.join(node)).toMatchObject({ peers: [{ peer_id: 'anna' }, { peer_id: 'bert' }] });
      await anna.until({ type: 'user_joined', peer_id: 'carl' });
    }
    await bert.resume(place.left);
    await anna.until({ type: 'user_resumed', peer_id: 'bert' });
  });
});
