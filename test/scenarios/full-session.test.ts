import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { TestServer, type Room, type User } from '../support/server.js';
import type { TestPeer } from '../support/test-peer.js';

let server: TestServer;
let user: User;
let room: Room;

beforeAll(async () => {
  server = await TestServer.start({ MAX_PEERS_PER_ROOM: '4', GRACE_MS: '0' });
  user = await server.signIn();
});
afterAll(() => server.stop());
beforeEach(async () => {
  room = await server.createRoom(user);
});

describe('join_room', () => {
  test('[F1] [F2] answers with the roster, the host and the limits, and quotes the id', async () => {
    await server.register(room, 'worker', await server.signIn());
    const peer = await server.connect();
    peer.send({
      type: 'join_room',
      id: 'q1',
      ...room,
      id_token: user.id_token,
      peer_id: 'me',
      role: 'client',
    });
    const joined = await peer.next();
    expect(joined).toMatchObject({
      type: 'room_joined',
      reply_to: 'q1',
      room_id: room.room_id,
      peer_id: 'me',
      resumed: false,
      // The creator hosts, though the worker was there first.
      host: 'me',
      peers: [{ peer_id: 'worker', role: 'peer', metadata: {} }],
      ice_servers: [],
    });
    // What the test's server does not limit is 0.
    expect(joined['limits']).toEqual({
      max_message_bytes: 1_048_576,
      max_outbox_bytes: 4_194_304,
      max_peers_per_room: 4,
      messages_per_second: 0,
      message_burst: 0,
      user_messages_per_second: 0,
      max_connections_per_ip: 0,
      sign_ins_per_minute: 0,
      rooms_per_minute: 0,
      ice_requests_per_minute: 0,
      bad_tokens_per_minute: 0,
      chats_per_second: 0,
      max_chat_chars: 4_000,
    });
    expect(joined['session_id']).toMatch(/^[\w-]{21}$/);
  });

  test('[F1] [L9] names what is limited', async () => {
    const limited = await TestServer.start({
      RATE_MESSAGES_PER_SESSION: '20',
      RATE_MESSAGES_PER_USER: '30',
      MAX_CONNECTIONS_PER_IP: '40',
    });
    try {
      const peer = await limited.connect();
      const { id_token: idToken } = await limited.signIn();
      peer.send({ type: 'join_room', ...(await limited.createRoom()), id_token: idToken });
      await peer.expect({
        type: 'room_joined',
        limits: {
          max_message_bytes: 1_048_576,
          max_outbox_bytes: 4_194_304,
          max_peers_per_room: 256,
          messages_per_second: 20,
          message_burst: 200,
          user_messages_per_second: 30,
          max_connections_per_ip: 40,
        },
      });
    } finally {
      await limited.stop();
    }
  });

  test('[F1] makes up a name when there is none', async () => {
    const peer = await server.connect();
    peer.send({ type: 'join_room', roomId: room.room_id, token: room.token, id_token: user.id_token });
    expect((await peer.expect({ type: 'room_joined' }))['peer_id']).toMatch(/^[\w-]{21}$/);
  });

  test.each([
    ['no token', { token: undefined }, 'MISSING_FIELDS', /token/],
    ['no identity token', { id_token: undefined }, 'MISSING_FIELDS', /id_token/],
    ['nothing at all', { token: null, room_id: null, id_token: null }, 'MISSING_FIELDS', /room_id/],
    ['a number for a room', { room_id: 5 }, 'INVALID_MESSAGE', /room_id/],
    ['an object for a name', { peer_id: {} }, 'INVALID_MESSAGE', /peer_id/],
    ['a name beyond its bound', { peer_id: 'x'.repeat(129) }, 'INVALID_MESSAGE', /peer_id/],
    ['a list for metadata', { metadata: [] }, 'INVALID_MESSAGE', /metadata/],
    ['a number for an id', { id: 5 }, 'INVALID_MESSAGE', /id/],
    ['a bad identity token', { id_token: 'x' }, 'INVALID_TOKEN', /./],
    ['an unknown room', { room_id: 'ffffffff' }, 'ROOM_NOT_FOUND', /Room/],
    ['a wrong room token', { token: '000000' + 'x' }, 'INVALID_ROOM_TOKEN', /room token/],
  ])('[F1] refuses %s and says why', async (_what, fields, code, text) => {
    const peer = await server.connect();
    peer.send({ type: 'join_room', ...room, id_token: user.id_token, ...fields });
    const error = await peer.expect({ type: 'error', code, retryable: false });
    expect(error['message']).toMatch(text);
    expect(error['reason']).toBe(error['message']);
  });

  test('[F1] [U1] the credential of the upgrade stands for an id_token, which goes before it', async () => {
    const upgraded = async (token: string): Promise<TestPeer> =>
      server.connect(`${server.ws}/?token=${token}`);
    const peer = await upgraded(user.id_token);
    peer.send({ type: 'join_room', ...room });
    await peer.expect({ type: 'room_joined' });
    const bad = await upgraded('x');
    bad.send({ type: 'join_room', ...room });
    await bad.expect({ type: 'error', code: 'INVALID_TOKEN' });
    bad.send({ type: 'join_room', ...room, id_token: user.id_token });
    await bad.expect({ type: 'room_joined' });
  });

  test('[F1] [Y1] an open room needs no room token, but an identity token all the same', async () => {
    const made = await server.post('/rooms', {}, user.id_token);
    const { roomId: id } = JSON.parse(made.text) as { readonly roomId: string };
    const peer = await server.connect();
    peer.send({ type: 'join_room', room_id: id });
    await peer.expect({ type: 'error', code: 'MISSING_FIELDS' });
    peer.send({ type: 'join_room', room_id: id, id_token: (await server.signIn()).id_token });
    await peer.expect({ type: 'room_joined', room_id: id });
  });

  test('[F8] the room is full', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await server.join(room, name, {}, user);
    const late = await server.connect();
    late.send({ type: 'join_room', ...room, id_token: user.id_token, peer_id: 'e' });
    await late.expect({ type: 'error', code: 'ROOM_FULL', retryable: true });
    // A newer socket of a peer that sits there needs no further seat.
    await server.join(room, 'a', {}, user);
  });
});

describe('presence', () => {
  test('[F3] [P4] full sessions are told who comes and goes, parity sessions are not', async () => {
    const worker = await server.register(room, 'worker', user);
    const anna = await server.join(room, 'anna');
    const bert = await server.join(room, 'bert', { role: 'viewer', metadata: { tags: ['t'] } });
    await anna.expect({ type: 'user_joined', peer_id: 'bert', role: 'viewer', metadata: { tags: ['t'] } });
    bert.send({ type: 'leave_room', id: '1' });
    expect(await bert.next()).toEqual({ type: 'room_left', reply_to: '1' });
    expect(await anna.next()).toEqual({ type: 'user_left', peer_id: 'bert', reason: 'left' });
    worker.socket.close();
    expect(await anna.next()).toEqual({ type: 'user_left', peer_id: 'worker', reason: 'disconnected' });
    expect(await anna.next()).toEqual({ type: 'host_changed', host: 'anna', previous: 'worker' });
    // A parity peer's name is kept, but it is not in the roster.
    const carl = await server.connect();
    carl.send({ type: 'join_room', ...room, id_token: user.id_token, peer_id: 'carl' });
    expect((await carl.expect({ type: 'room_joined' }))['peers']).toMatchObject([{ peer_id: 'anna' }]);
  });

  test('[F3] [D8] a takeover is one leave and one join, and the late close of the old socket is none', async () => {
    const anna = await server.join(room, 'anna');
    const old = await server.join(room, 'bert', {}, user);
    await anna.expect({ type: 'user_joined', peer_id: 'bert' });
    expect(await anna.next()).toEqual({ type: 'host_changed', host: 'bert', previous: 'anna' });
    await server.join(room, 'bert', {}, user);
    expect((await old.closed).code).toBe(4409);
    await anna.expect({ type: 'user_left', peer_id: 'bert', reason: 'replaced' });
    await anna.expect({ type: 'user_joined', peer_id: 'bert' });
    await anna.expectNothing();
  });

  test('[F3] deleting the room tells those in it', async () => {
    const anna = await server.join(room, 'anna');
    const target = { room_id: room.room_id };
    expect((await server.post('/delete-peers-and-room', target, user.id_token)).status).toBe(200);
    await anna.expect({ type: 'room_closed', room_id: room.room_id, reason: 'deleted' });
    anna.send({ type: 'heartbeat' });
    await anna.expect({ type: 'error', code: 'NOT_IN_ROOM' });
  });
});

describe('signals', () => {
  test('[F4] [F5] without a target everybody else gets it, stamped with the sender', async () => {
    const [anna, bert, carl] = [
      await server.join(room, 'anna'),
      await server.join(room, 'bert'),
      await server.register(room, 'carl'),
    ];
    await anna.expect({ type: 'user_joined' });
    await anna.expect({ type: 'user_joined' });
    await bert.expect({ type: 'user_joined' });
    anna.send({ type: 'offer', sdp: 'v=0', id: 'm1' });
    expect(await anna.next()).toEqual({ type: 'accepted', reply_to: 'm1' });
    expect(await bert.next()).toEqual({ type: 'offer', sdp: 'v=0', id: 'm1', sender: 'anna' });
    await carl.expect({ type: 'offer', sdp: 'v=0', sender: 'anna' });
    await anna.expectNothing();
  });

  test('[F9] a full session and a parity session call each other', async () => {
    const worker = await server.register(room, 'worker', user);
    const anna = await server.join(room, 'anna');
    anna.send({ type: 'offer', target: 'worker', sdp: 'o' });
    expect(await worker.next()).toEqual({ type: 'offer', sender: 'anna', target: 'worker', sdp: 'o' });
    worker.send({ type: 'answer', sender: 'worker', target: 'anna', sdp: 'a' });
    expect(await anna.next()).toEqual({ type: 'answer', sender: 'worker', target: 'anna', sdp: 'a' });
  });

  test('[F6] S1’s spellings are understood and leave in this dialect’s own', async () => {
    const anna = await server.join(room, 'anna');
    const bert = await server.join(room, 'bert');
    await anna.expect({ type: 'user_joined' });
    bert.send({ type: 'webrtc_offer', to: 'anna', sdp: 'o' });
    expect(await anna.next()).toEqual({ type: 'offer', sender: 'bert', target: 'anna', sdp: 'o' });
    bert.send({ type: 'webrtc_ice_candidate', to: 'anna', senderId: 'bert', candidate: { candidate: '' } });
    expect(await anna.next()).toEqual({
      type: 'candidate',
      sender: 'bert',
      target: 'anna',
      candidate: { candidate: '' },
    });
  });

  test.each([
    ['a peer that is not there', { target: 'nobody' }, 'PEER_NOT_FOUND', true],
    ['[D1] a forged sender', { target: 'anna', sender: 'bert' }, 'SENDER_MISMATCH', false],
    ['an empty target', { target: '' }, 'MISSING_FIELDS', false],
    ['a list for a target', { target: ['anna'] }, 'INVALID_MESSAGE', false],
  ])('[F5] %s is told', async (_what, fields, code, retryable) => {
    const anna = await server.join(room, 'anna');
    anna.send({ type: 'offer', sdp: 'x', id: 'm', ...fields });
    await anna.expect({ type: 'error', code, retryable, reply_to: 'm' });
  });

  test('[F7] heartbeat answers', async () => {
    const anna = await server.join(room, 'anna');
    anna.send({ type: 'heartbeat', id: 'h' });
    expect(await anna.next()).toEqual({ type: 'heartbeat_ack', reply_to: 'h' });
  });

  test('[F1] an unknown type is told, with its id', async () => {
    const anna = await server.join(room, 'anna');
    anna.send({ type: 'dance', id: 'd' });
    await anna.expect({ type: 'error', code: 'UNKNOWN_MESSAGE_TYPE', reply_to: 'd' });
  });
});
