/** Rooms that end, and what is left of them: deletions, rooms made anew, and the tokens that lead there. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DialectPeer, type Whereto } from '../support/dialect-peers.js';
import type { PeerKind } from '../support/dialect-words.js';
import { MemoryNodes } from '../support/memory-nodes.js';
import { TestServer, type Room, type User } from '../support/server.js';
import { TestNode } from '../support/test-node.js';
import type { Frame, TestPeer } from '../support/test-peer.js';
import { signingKey, TimedServer } from '../support/timed-server.js';

const byRoom = '/delete-peers-and-room';
const deleted = { status: 200, text: '{"status":"peer deleted successfully"}' };
const ttlMs = 7_200_000;
/** The store forgets a room an hour after its time. */
const forgottenMs = ttlMs + 3_700_000;

/** What goes on with the session that a `room-state` has told of. */
function claimOf({ session_id: sessionId, resume_token: token }: Frame, count: number): string {
  return `&session_id=${String(sessionId)}&resume_token=${String(token)}&count=${String(count)}`;
}

describe('[H5] [D4] [Y9] [H10] deletion', () => {
  let server: TestServer;
  let node: TestNode;
  let owner: User;
  let room: Room;
  const peers: DialectPeer[] = [];

  beforeEach(async () => {
    server = await TestServer.start(signingKey);
    node = new TestNode(server.http, server.ws);
    owner = await server.signIn();
    room = await server.createRoom(owner);
  });
  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.cut();
    await server.stop();
  });

  async function join(kind: PeerKind, name: string, user: User, to: Whereto = room): Promise<DialectPeer> {
    const peer = await DialectPeer.join(kind, node, to, name, user);
    peers.push(peer);
    return peer;
  }

  test('[H5] the user of a parity peer goes with it when the peer goes by its name', async () => {
    const guest = await server.signIn();
    await join('parity', guest.username, guest);
    await join('parity', 'another name', owner);
    expect(await server.post(byRoom, { peer_id: guest.username })).toEqual(deleted);
    expect(server.tally.users_deleted).toBe(1);
  });

  test.each(['full', 'gateway', 'webrtc', 'webrtc extended'] as const)(
    '[H5] the user of a %s peer stays, though its peer is called as it is, whoever deletes the room',
    async (kind) => {
      const guest = await server.signIn();
      await join(kind, guest.username, guest);
      expect(await server.post(byRoom, { room_id: room.room_id }, owner.id_token)).toEqual(deleted);
      const own = await server.createRoom(guest);
      await join(kind, guest.username, guest, own);
      expect(await server.post(byRoom, { peer_id: guest.username }, guest.id_token)).toEqual(deleted);
      expect(server.tally).toMatchObject({ users_deleted: 0, user_deletions_failed: 0, rooms_deleted: 2 });
    },
  );

  test('[H5] the creator of an open room cannot have its guests deleted', async () => {
    const party = { room_id: 'party' };
    await join('webrtc', 'mallory', owner, party);
    const victim = await server.signIn();
    await join('webrtc', victim.username, victim, party);
    expect(await server.post(byRoom, party, owner.id_token)).toEqual(deleted);
    expect(server.tally.users_deleted).toBe(0);
  });

  test.each(['full', 'gateway', 'webrtc', 'webrtc extended'] as const)(
    '[Y9] [D12] a %s peer, or a room of such, is not deleted without a token; with its own it is',
    async (kind) => {
      const guest = await server.signIn();
      const peer = await join(kind, guest.username, guest);
      for (const [path, target] of [
        [byRoom, { peer_id: guest.username }],
        [byRoom, { room_id: room.room_id }],
        [byRoom, { room_id: room.room_id, peer_id: guest.username }],
        ['/delete-peer', { peer_id: guest.username }],
      ] as const)
        expect(await server.post(path, target)).toMatchObject({ status: 403 });
      // It is still there.
      await peer.expectQuiet();
      await join('full', 'late', owner);
      expect((await server.post('/delete-peer', { peer_id: guest.username }, guest.id_token)).text).toBe(
        '{"status":"peer deleted successfully. Room status: active"}',
      );
    },
  );

  test('[Y9] [D12] where a parity peer sits too, who knows the room id may, as the Python clean-up does', async () => {
    const full = await join('full', 'full', await server.signIn());
    await join('parity', 'worker', owner);
    expect(await server.post('/delete-peer', { peer_id: 'full' })).toMatchObject({ status: 403 });
    expect(await server.post(byRoom, { room_id: room.room_id })).toEqual(deleted);
    await full.until({ type: 'room_closed' });
  });

  test.each<[string, PeerKind, (stranger: User) => Whereto | Promise<Whereto>]>([
    ['a parity peer in a room of its own', 'parity', (stranger) => server.createRoom(stranger)],
    ['a full session in a room of its own', 'full', (stranger) => server.createRoom(stranger)],
    ['a webrtc peer in an open room', 'webrtc', () => ({ room_id: 'lair' })],
    ['a gateway peer in an open room', 'gateway', () => ({ room_id: 'lair' })],
  ])('[H4] [D4] [D12] %s, of the same name, does not stand in its way', async (_who, kind, lair) => {
    const worker = await join('parity', owner.username, owner);
    const stranger = await server.signIn();
    const there = await lair(stranger);
    const squatter = await join(kind, owner.username, stranger, there);
    worker.socket.socket.close();
    await worker.socket.closed;
    // The newest of that name is not the one that is meant.
    expect(await server.post(byRoom, { peer_id: owner.username })).toEqual(deleted);
    expect(server.tally.users_deleted).toBe(1);
    const late = await server.connect();
    late.send({ type: 'register', peer_id: 'late', ...room, id_token: stranger.id_token });
    await late.expect({ reason: 'Room not found' });
    if (kind !== 'parity') await squatter.expectQuiet();
    expect((await server.post(byRoom, { peer_id: owner.username }, stranger.id_token)).status).toBe(200);
  });

  test('[H4] [H10] a token deletes the peer of its user, whoever has that name elsewhere', async () => {
    await join('full', 'anna', owner);
    const stranger = await server.signIn();
    const other = await join('full', 'anna', stranger, await server.createRoom(stranger));
    expect(await server.post(byRoom, { peer_id: 'anna' }, owner.id_token)).toEqual(deleted);
    await other.expectQuiet();
    expect(await server.post(byRoom, { peer_id: 'anna' }, owner.id_token)).toMatchObject({ status: 403 });
  });
});

describe('[A1] an open room whose time is over', () => {
  let nodes: MemoryNodes;
  let left: TestNode;
  let right: TestNode;
  const peers: DialectPeer[] = [];
  const lobby = { room_id: 'lobby' };

  beforeEach(async () => {
    nodes = new MemoryNodes();
    left = (await nodes.start('left')).node;
    right = (await nodes.start('right')).node;
  });
  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.cut();
    await nodes.stop();
  });

  async function join(node: TestNode, name: string, user?: User): Promise<DialectPeer> {
    const peer = await DialectPeer.ask('gateway with presence', node, lobby, name, user);
    peers.push(peer);
    return peer;
  }

  test.each([
    ['the store still knows it', ttlMs + 1_000, 'left'],
    ['the store still knows it', ttlMs + 1_000, 'right'],
    ['only who sits there knows it', forgottenMs, 'left'],
    ['only another node knows it', forgottenMs, 'right'],
  ] as const)('while %s: after %i ms a newcomer on the %s does not decide', async (_what, afterMs, side) => {
    const anna = await join(left, 'anna');
    await anna.until({ type: 'welcome', hostId: 'anna' });
    const bert = await join(left, 'bert');
    await bert.until({ type: 'welcome', hostId: 'anna' });
    // In one go: it is the time that counts, not what happens meanwhile.
    nodes.clock.advance(afterMs);
    await nodes.pass(100);
    const eve = await join(side === 'left' ? left : right, 'eve');
    await eve.until({ type: 'welcome', hostId: 'anna' });
    eve.kick('anna');
    await eve.until({ code: 'NOT_HOST' });
    await anna.meets('eve');
    await bert.meets('eve');
    for (const peer of [anna, bert]) expect(await peer.toldByNow()).toEqual([]);
    anna.kick('eve');
    await eve.until({ type: 'kick', targetId: 'eve' });
    expect((await eve.socket.closed).code).toBe(4403);
  });

  test('[H10] is still its maker’s, whoever came and renewed it', async () => {
    const { node, server } = await nodes.start('short', { ROOM_TTL_S: '60' });
    const [maker, stranger] = [await node.signIn(), await node.signIn()];
    const first = await DialectPeer.join('webrtc extended', node, lobby, 'first', maker);
    peers.push(first);
    await nodes.pass(61_000);
    const late = await DialectPeer.join('webrtc', node, lobby, 'late', stranger);
    late.send({ type: 'leave', payload: {} });
    await first.until({ type: 'user-left', payload: { user_id: 'late' } });
    expect(await server.post(byRoom, lobby, stranger.id_token)).toMatchObject({ status: 403 });
    first.send({ type: 'leave', payload: {} });
    await first.socket.closed;
    expect((await server.post(byRoom, lobby, stranger.id_token)).text).toBe('{"status":"room not found"}');
    expect(await server.post(byRoom, lobby, maker.id_token)).toEqual(deleted);
  });

  test('[W8] who goes on there with a session goes on, and the host is who it was', async () => {
    const { node, server } = await nodes.start('short', { ROOM_TTL_S: '60' });
    const [maker, guest] = [await node.signIn(), await node.signIn()];
    const first = await DialectPeer.join('webrtc extended', node, lobby, 'first', maker);
    peers.push(first);
    const address = `${node.ws}/ws/webrtc/lobby?resume=1&peer_id=anna&token=${guest.id_token}`;
    const anna = await server.connect(address);
    const { payload } = (await anna.expect({ type: 'room-state' })) as { payload: Frame };
    await anna.expect({ type: 'user-joined' });
    await nodes.pass(61_000);
    anna.drop();
    await first.until({ type: 'user-disconnecting' });
    const claim = claimOf(payload, 1);
    const back = await server.connect(address + claim);
    const { session_id: sessionId } = payload;
    await back.expect({
      type: 'room-state',
      payload: { reconnected: true, session_id: sessionId, host_id: 'first' },
    });
    await first.until({ type: 'user-resumed' });
    expect(await first.toldByNow()).toEqual([]);
  });
});

describe('[G5] a closed room that was deleted', () => {
  const buriedMs = 30_000;
  let timed: TimedServer;
  let server: TestServer;
  let owner: User;
  let room: Room;

  beforeEach(async () => {
    timed = await TimedServer.start();
    ({ server } = timed);
    owner = await server.signIn();
    room = await server.createRoom(owner);
    const anna = await server.join(room, 'anna', {}, owner);
    expect(await server.post(byRoom, { room_id: room.room_id }, owner.id_token)).toEqual(deleted);
    await anna.expect({ type: 'room_closed' });
  });
  afterEach(() => timed.stop());

  const codeIn = ({ code, payload }: Frame): unknown => code ?? (payload as Frame | undefined)?.['code'];

  async function comeTo(path: string, user: User, roomToken?: string): Promise<TestPeer> {
    const token = roomToken === undefined ? '' : `&room_token=${roomToken}`;
    return server.connect(`${server.ws}/${path}/${room.room_id}?token=${user.id_token}${token}`);
  }

  test.each(['signal', 'ws/webrtc'])('does not come back at /%s for who has its token', async (path) => {
    const bob = await server.signIn();
    for (const afterMs of [0, buriedMs + 1_000]) {
      timed.clock.advance(afterMs);
      const guest = await comeTo(path, bob, room.token);
      expect(codeIn(await guest.next())).toBe('ROOM_NOT_FOUND');
      expect((await guest.closed).code).toBe(4404);
    }
    expect(server.tally.rooms_created).toBe(1);
  });

  test.each(['signal', 'ws/webrtc'])(
    'is not mixed up at /%s with an open one that somebody has made of its id',
    async (path) => {
      timed.clock.advance(buriedMs + 1_000);
      const eve = await comeTo('ws/webrtc', await server.signIn());
      await eve.expect({ type: 'room-state' });
      await eve.expect({ type: 'user-joined' });
      const bob = await comeTo(path, await server.signIn(), room.token);
      expect(codeIn(await bob.next())).toBe('ROOM_NOT_FOUND');
      expect((await bob.closed).code).toBe(4404);
      await expectNothingToldTo(eve);
    },
  );

  async function expectNothingToldTo(peer: TestPeer): Promise<void> {
    peer.send({ type: 'ping', payload: {} });
    await peer.expect({ type: 'heartbeat-ack' });
  }
});

describe('what room tokens open', () => {
  let nodes: MemoryNodes;
  let left: Awaited<ReturnType<MemoryNodes['start']>>;
  let right: typeof left;

  beforeEach(async () => {
    nodes = new MemoryNodes();
    left = await nodes.start('left');
    right = await nodes.start('right');
  });
  afterEach(() => nodes.stop());

  test.each(['left', 'right'] as const)(
    '[W8] a creator who came by the address alone goes on by it, on the %s',
    async (side) => {
      const owner = await left.node.signIn();
      const room = await left.node.createRoom(owner);
      const address = `/ws/webrtc/${room.room_id}?resume=1&token=${owner.id_token}&peer_id=anna`;
      const first = await left.server.connect(left.node.ws + address);
      const { payload } = (await first.expect({ type: 'room-state' })) as { payload: Frame };
      await first.expect({ type: 'user-joined' });
      const witness = await left.server.join(room, 'witness');
      await first.expect({ type: 'room-state' });
      await first.expect({ type: 'user-joined' });
      first.drop();
      await witness.expect({ type: 'user_disconnecting', peer_id: 'anna' });
      const claim = claimOf(payload, 3);
      const { node, server } = side === 'left' ? left : right;
      const again = await server.connect(node.ws + address + claim);
      await again.expect({
        type: 'room-state',
        payload: { reconnected: true, session_id: payload['session_id'] },
      });
      await witness.expect({ type: 'user_resumed', peer_id: 'anna' });
      // Somebody else's address does not do.
      const stranger = await node.signIn();
      const theirs = await server.connect(
        node.ws + address.replace(owner.id_token, stranger.id_token) + claim,
      );
      await theirs.expect({ type: 'error', payload: { code: 'INVALID_ROOM_TOKEN' } });
      expect((await theirs.closed).code).toBe(4403);
    },
  );

  test('[P1] [Y3] register into an open room quotes what was sent; its own token is told to nobody', async () => {
    const { server } = left;
    const owner = await server.signIn();
    const made = await server.post('/rooms', { access: 'open' }, owner.id_token);
    const { roomId, token } = JSON.parse(made.text) as { roomId: string; token?: string };
    const guest = await server.signIn();
    const worker = await server.connect();
    const sent = { peer_id: 'w', room_id: roomId, token: 'wrong1', id_token: guest.id_token };
    worker.send({ type: 'register', ...sent });
    expect(await worker.next()).toEqual({
      type: 'registered_auth',
      room_id: roomId,
      token: 'wrong1',
      peer_id: 'w',
    });
    const told: string[] = [];
    const full = await server.connect();
    full.send({ type: 'join_room', room_id: roomId, peer_id: 'f', id_token: guest.id_token });
    told.push(await full.nextRaw());
    for (const path of ['signal', 'ws/webrtc', 'ws/webrtc']) {
      const peer = await server.connect(
        `${server.ws}/${path}/${roomId}?token=${guest.id_token}&presence=1&resume=1`,
      );
      told.push(await peer.nextRaw());
    }
    expect(token).toEqual(expect.any(String));
    for (const frame of told) expect(frame).not.toContain(`"${String(token)}"`);
  });
});
