/** Ways out of a room: said, not said, and told by others. Who is elsewhere hears of each once. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RoamingPeer } from '../support/roaming-peer.js';
import { Scene, signal, topologies, type Place } from '../support/topology.js';

describe.each(topologies)('$name', ({ start }) => {
  let place: Place;
  beforeAll(async () => {
    place = await start({ GRACE_MS: '300' });
  });
  afterAll(() => place.stop());

  const deletion = '/delete-peers-and-room';
  const gone = { status: 200, text: '{"status":"peer deleted successfully"}' };

  test('[C1] [F3] [F7] who leaves is told of once, wherever one sits', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const carl = await scene.join(place.right, 'carl');
    bert.send({ type: 'leave_room', id: 'l' });
    await bert.until({ type: 'room_left', reply_to: 'l' });
    for (const other of [anna, carl]) {
      await other.expect({ type: 'user_left', peer_id: 'bert', reason: 'left' });
      expect(await scene.settle(place, other)).toEqual([]);
    }
    // The socket is open, and its place free.
    bert.send({ type: 'join_room', ...scene.room, id_token: bert.user.id_token, peer_id: 'bert' });
    await bert.until({ type: 'room_joined' });
    await anna.until({ type: 'user_joined', peer_id: 'bert' });
  });

  test('[C1] [S1] [S8] [F3] a full session that does not come back in time has left, once', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const carl = await scene.join(place.right, 'carl');
    bert.cut();
    for (const other of [anna, carl]) {
      await other.expect(
        { type: 'user_disconnecting', peer_id: 'bert' },
        { type: 'user_left', peer_id: 'bert', reason: 'disconnected' },
      );
    }
    expect(await bert.join(place.left, { resume: bert.claim })).toMatchObject({ resumed: false });
    for (const other of [anna, carl]) {
      await other.expect({ type: 'user_joined', peer_id: 'bert' });
      expect(await scene.settle(place, other)).toEqual([]);
    }
  });

  test('[C1] [S7] a parity peer has a window too; its mail does not wait, and its name is kept', async () => {
    const scene = await Scene.open(place.left);
    const anna = await scene.join(place.left, 'anna');
    const worker = await place.right.register(scene.room, 'worker', scene.owner);
    await anna.expect(
      { type: 'user_joined', peer_id: 'worker' },
      { type: 'host_changed', host: 'worker', previous: 'anna' },
    );
    worker.drop();
    await anna.expect({ type: 'user_disconnecting', peer_id: 'worker' });
    anna.send(signal('offer', 'worker', 1, 'm'));
    await anna.expectAll(
      { type: 'error', code: 'PEER_NOT_FOUND', reply_to: 'm' },
      { type: 'user_left', peer_id: 'worker', reason: 'disconnected' },
      { type: 'host_changed', host: 'anna', previous: 'worker' },
    );
    const again = await place.left.register(scene.room, 'worker', await place.left.signIn());
    await anna.expect({ type: 'user_joined', peer_id: 'worker' });
    await again.expectNothing();
    expect(await scene.settle(place, anna)).toEqual([]);
  });

  test('[C6] [H4] [D4] a room is deleted by the name of a peer that sits on another node', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const { owner, room } = scene;
    const worker = await place.right.register(room, owner.username, owner);
    for (const peer of [anna, bert]) await peer.expect({ type: 'user_joined', peer_id: owner.username });
    expect(await place.left.post(deletion, { peer_id: owner.username })).toEqual(gone);
    for (const peer of [anna, bert]) {
      const [last] = (await peer.until({ type: 'room_closed' })).slice(-1);
      expect(last).toEqual({ type: 'room_closed', room_id: room.room_id, reason: 'deleted' });
      peer.send({ type: 'heartbeat' });
      for (let type: unknown; type !== 'error';) ({ type } = await peer.next());
    }
    await worker.expectNothing();
    worker.send({ type: 'offer', sender: owner.username, target: owner.username });
    await worker.expectNothing();
    for (const node of [place.left, place.right]) {
      const late = await node.connect();
      late.send({ type: 'register', peer_id: 'late', ...room, id_token: bert.user.id_token });
      await late.expect({ type: 'error', reason: 'Room not found' });
    }
    const again = await place.right.post(deletion, { peer_id: owner.username });
    expect(again.text).toBe('{"status":"peer not found"}');
  });

  test('[C6] [H4] [P6] the clean-up call works on any node after the sockets are gone, in the window and after it', async () => {
    for (const waits of [false, true]) {
      const scene = await Scene.open(place.left);
      const { owner, room } = scene;
      const witness = await scene.join(place.left, 'witness');
      const worker = await place.right.register(room, owner.username, owner);
      await witness.expect({ type: 'user_joined' }, { type: 'host_changed' });
      worker.socket.close();
      await witness.expect({ type: 'user_disconnecting', peer_id: owner.username });
      if (waits) {
        await witness.expect(
          { type: 'user_left', peer_id: owner.username, reason: 'disconnected' },
          { type: 'host_changed', host: 'witness', previous: owner.username },
        );
      }
      witness.send({ type: 'leave_room' });
      await witness.until({ type: 'room_left' });
      expect(await place.left.post(deletion, { peer_id: owner.username })).toEqual(gone);
      expect((await place.right.post(deletion, { peer_id: owner.username })).text).toBe(
        '{"status":"peer not found"}',
      );
    }
  });

  test('[C6] [H8] [H10] one peer is deleted on the node that does not have it, by whom it concerns', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const stranger = await place.left.signIn();
    const target = { peer_id: 'bert' };
    expect((await place.left.post('/delete-peer', target, stranger.id_token)).status).toBe(403);
    expect((await place.left.post('/delete-peer', target, bert.user.id_token)).text).toBe(
      '{"status":"peer deleted successfully. Room status: active"}',
    );
    await bert.expect({ type: 'room_closed', reason: 'deleted' });
    await anna.expect({ type: 'user_left', peer_id: 'bert', reason: 'deleted' });
    expect(await scene.settle(place, anna)).toEqual([]);
    const last = { peer_id: 'anna' };
    expect((await place.right.post('/delete-peer', last, scene.owner.id_token)).text).toBe(
      '{"status":"peer deleted successfully. Room status: deleted"}',
    );
    await anna.expect({ type: 'room_closed', reason: 'deleted' });
  });

  test('[C6] [H8] a room is deleted by its id on either node, and nobody goes on in it', async () => {
    for (const node of [place.left, place.right]) {
      const scene = await Scene.open(place.left);
      const [anna, bert] = await scene.pair(place);
      bert.cut();
      await anna.expect({ type: 'user_disconnecting', peer_id: 'bert' });
      const target = { room_id: scene.room.room_id };
      expect(await node.post(deletion, target, scene.owner.id_token)).toEqual(gone);
      await anna.until({ type: 'room_closed' });
      for (const other of [place.left, place.right]) {
        const late = await other.connect();
        const { id_token: idToken } = bert.user;
        late.send({
          type: 'join_room',
          ...scene.room,
          id_token: idToken,
          peer_id: 'bert',
          resume: bert.claim,
        });
        await late.expect({ type: 'error', code: 'ROOM_NOT_FOUND' });
      }
    }
  });

  test('[C1] [S7] a name whose window is over is anybody’s', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    bert.cut();
    await anna.until({ type: 'user_left' });
    const other = new RoamingPeer(scene.room, 'bert', scene.owner);
    expect(await other.join(place.left)).toMatchObject({ peers: [{ peer_id: 'anna' }] });
  });
});
