import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestServer, type Room, type User } from '../support/server.js';
import type { TestPeer } from '../support/test-peer.js';

let server: TestServer;
let user: User;
let room: Room;

beforeAll(async () => {
  server = await TestServer.start();
  user = await server.signIn();
});
afterAll(() => server.stop());

async function pair(): Promise<{ worker: TestPeer; client: TestPeer }> {
  room = await server.createRoom(user);
  return {
    worker: await server.register(room, 'worker', user),
    client: await server.register(room, 'client', user),
  };
}

describe('register', () => {
  beforeAll(async () => {
    room = await server.createRoom(user);
  });

  test('[P1] echoes room, token and peer in the Python server’s own bytes', async () => {
    const peer = await server.connect();
    peer.send({
      type: 'register',
      peer_id: 'ünï',
      ...room,
      id_token: user.id_token,
      role: 'worker',
      id: 'x',
    });
    expect(await peer.nextRaw()).toBe(
      `{"type": "registered_auth", "room_id": "${room.room_id}", "token": "${room.token}", "peer_id": "\\u00fcn\\u00ef"}`,
    );
  });

  test.each([
    [
      'a missing field',
      { token: undefined },
      '{"type": "error", "reason": "Missing required fields during registration."}',
    ],
    [
      'an empty list for a peer',
      { peer_id: [] },
      '{"type": "error", "reason": "Missing required fields during registration."}',
    ],
    ['a bad identity token', { id_token: 'nonsense' }, '{"error": "Invalid token"}'],
    ['a number for an identity token', { id_token: 7 }, '{"error": "Invalid token"}'],
    ['an unknown room', { room_id: 'ffffffff' }, '{"type": "error", "reason": "Room not found"}'],
    ['a wrong room token', { token: '000000x' }, '{"type": "error", "reason": "Invalid token"}'],
    ['a room token of another JSON type', { token: 5 }, '{"type": "error", "reason": "Invalid token"}'],
    ['a number for a room', { room_id: 5 }, '{"type": "error", "reason": "DynamoDB error"}'],
  ])('[P1] answers %s with its error frame, and stays usable', async (_what, fields, answer) => {
    const peer = await server.connect();
    const good = { type: 'register', peer_id: 'someone', ...room, id_token: user.id_token };
    peer.send({ ...good, ...fields });
    expect(await peer.nextRaw()).toBe(answer);
    peer.send(good);
    await peer.expect({ type: 'registered_auth' });
    peer.drop();
  });

  test('[D11] a list or an object for a peer gets an error frame', async () => {
    const peer = await server.connect();
    for (const peerId of [['x'], { x: 1 }]) {
      peer.send({ type: 'register', peer_id: peerId, ...room, id_token: user.id_token });
      await peer.expect({ type: 'error', reason: 'DynamoDB error' });
    }
  });

  test('[P8] a number keeps its own form and is another peer than its text', async () => {
    const [one, text] = [await server.connect(), await server.connect()];
    one.send({ type: 'register', peer_id: 1, ...room, id_token: user.id_token });
    expect(await one.nextRaw()).toContain('"peer_id": 1}');
    text.send({ type: 'register', peer_id: '1', ...room, id_token: user.id_token });
    expect(await text.nextRaw()).toContain('"peer_id": "1"}');
    one.send({ type: 'offer', sender: 1, target: '1', sdp: 's' });
    await text.expect({ type: 'offer', sender: 1 });
    text.send({ type: 'answer', sender: '1', target: 1, sdp: 's' });
    await one.expect({ type: 'answer', sender: '1' });
  });

  test('[P7] a failed register leaves the earlier registration as it was', async () => {
    const { worker, client } = await pair();
    worker.send({
      type: 'register',
      peer_id: 'worker',
      room_id: 'ffffffff',
      token: 'x',
      id_token: user.id_token,
    });
    await worker.expect({ reason: 'Room not found' });
    client.send({ type: 'offer', sender: 'client', target: 'worker', sdp: 's' });
    await worker.expect({ type: 'offer' });
  });

  test('[P2] an offer pipelined behind register waits for it', async () => {
    room = await server.createRoom(user);
    const worker = await server.register(room, 'worker', user);
    const client = await server.connect();
    client.send({ type: 'register', peer_id: 'client', ...room, id_token: user.id_token });
    for (let n = 0; n < 20; n += 1) client.send({ type: 'offer', sender: 'client', target: 'worker', n });
    for (let n = 0; n < 20; n += 1) await worker.expect({ type: 'offer', n });
    await client.expect({ type: 'registered_auth' });
    await client.expectNothing();
  });

  test('[D9] a second register leaves the first room; one name in two rooms is two peers', async () => {
    const { worker, client } = await pair();
    const other = await server.createRoom(user);
    const twin = await server.register(other, 'worker', user);
    client.send({ type: 'offer', sender: 'client', target: 'worker', n: 1 });
    await worker.expect({ n: 1 });
    client.send({ type: 'register', peer_id: 'client', ...other, id_token: user.id_token });
    await client.expect({ type: 'registered_auth', room_id: other.room_id });
    client.send({ type: 'offer', sender: 'client', target: 'worker', n: 2 });
    await twin.expect({ n: 2 });
    await worker.expectNothing();
  });
});

describe('relay', () => {
  test('[P3] [D6] offer, answer and candidate arrive as the very bytes that were sent', async () => {
    const { worker, client } = await pair();
    const offer =
      '{"zeta":1.0,"type":"offer","dup":1,"dup":2,"n":12345678901234567890,"sender":"client" , "target":"worker","x":"\\u00dc"}';
    client.send(offer);
    expect(await worker.nextRaw()).toBe(offer);
    const candidate = '{"type": "candidate", "sender": "worker", "target": "client", "candidate": null}';
    worker.send(candidate);
    expect(await client.nextRaw()).toBe(candidate);
    worker.send('{"type":"answer","sender":"worker","target":"worker","note":"to myself"}');
    await worker.expect({ note: 'to myself' });
  });

  test.each([
    ['no sender', { target: 'worker' }],
    ['no target', { sender: 'client' }],
    ['an empty target', { sender: 'client', target: '' }],
    ['a null sender', { sender: null, target: 'worker' }],
    ['[D11] a list for a target', { sender: 'client', target: ['worker'] }],
    ['a target that is not there', { sender: 'client', target: 'nobody' }],
    ['[D1] somebody else’s name as the sender', { sender: 'worker', target: 'worker' }],
  ])('[P4] [P5] an offer with %s vanishes without a word', async (_what, fields) => {
    const { worker, client } = await pair();
    client.send({ type: 'offer', sdp: 'bad', ...fields });
    await client.expectNothing();
    client.send({ type: 'offer', sender: 'client', target: 'worker', sdp: 'good' });
    await worker.expect({ sdp: 'good' });
  });

  test('[D1] a forged sender is counted', async () => {
    const { client } = await pair();
    const before = server.tally.senders_forged;
    client.send({ type: 'answer', sender: 'worker', target: 'client' });
    await client.expectNothing();
    // The barrier itself is one more.
    expect(server.tally.senders_forged - before).toBe(2);
  });

  test('[P5] a frame for a peer of another room vanishes', async () => {
    const { worker } = await pair();
    const stranger = await server.register(await server.createRoom(user), 'stranger', user);
    stranger.send({ type: 'offer', sender: 'stranger', target: 'worker' });
    await stranger.expectNothing();
    await worker.expectNothing();
  });

  test.each(['query', 'quit', 'ping', 'constructor', '__proto__', null, 7, undefined])(
    '[P4] a registered peer hears nothing of type %j',
    async (type) => {
      const { worker, client } = await pair();
      client.send({ type, sender: 'client', target: 'worker' });
      client.send('{"malformed');
      client.send('');
      await client.expectNothing();
      await worker.expectNothing();
    },
  );

  test('[P4] JSON that is no object ends a registered peer’s socket as the Python server does, and only that', async () => {
    for (const frame of ['[]', '"text"', '5', 'null', Buffer.from([0xff, 0xfe, 0xfd])]) {
      const { worker, client } = await pair();
      client.send(frame);
      expect(await client.closed).toEqual({ code: 1000, reason: '' });
      await worker.expectNothing();
    }
  });

  test('[P9] a binary frame in UTF-8, -16 or -32 is handed on as text', async () => {
    const { worker, client } = await pair();
    const text = '{"type":"offer","sender":"client","target":"worker","sdp":"ü"}';
    const utf16 = Buffer.from(text, 'utf16le');
    const utf16Big = Buffer.from(utf16).swap16();
    const utf32 = Buffer.alloc(text.length * 4);
    Array.from(text).forEach((character, at) => utf32.writeUInt32LE(character.codePointAt(0) ?? 0, at * 4));
    const mark = Buffer.from([0xff, 0xfe]);
    for (const frame of [Buffer.from(text), utf16, utf16Big, Buffer.concat([mark, utf16]), utf32]) {
      client.send(frame);
      expect(await worker.nextRaw()).toBe(text);
    }
  });
});

describe('[P6] [D8] names', () => {
  test('the same user again: the old socket is replaced and closed', async () => {
    const { worker, client } = await pair();
    const newer = await server.register(room, 'worker', user);
    expect((await worker.closed).code).toBe(4409);
    client.send({ type: 'offer', sender: 'client', target: 'worker', n: 1 });
    await newer.expect({ n: 1 });
  });

  test('another user is refused while the holder answers', async () => {
    const { worker } = await pair();
    const thief = await server.connect();
    const other = await server.signIn();
    thief.send({ type: 'register', peer_id: 'worker', ...room, id_token: other.id_token });
    await thief.expect({ type: 'error', code: 'PEER_ID_TAKEN' });
    await worker.expectNothing();
  });

  test('another user takes over a name whose socket is gone', async () => {
    const { worker, client } = await pair();
    worker.socket.close();
    await worker.closed;
    const other = await server.signIn();
    const restarted = await server.register(room, 'worker', other);
    client.send({ type: 'offer', sender: 'client', target: 'worker', n: 1 });
    await restarted.expect({ n: 1 });
  });

  test('[H4] the clean-up call finds the room after both sockets are gone', async () => {
    room = await server.createRoom(user);
    const worker = await server.register(room, user.username, user);
    worker.socket.close();
    await worker.closed;
    const deleted = await server.post('/delete-peers-and-room', { peer_id: user.username });
    expect(deleted).toEqual({ status: 200, text: '{"status":"peer deleted successfully"}' });
    const again = await server.post('/delete-peers-and-room', { peer_id: user.username });
    expect(again.text).toBe('{"status":"peer not found"}');
  });
});

describe('[H4] [D4] deletion', () => {
  test('peers go, the room goes, sockets stay open and silent', async () => {
    const { worker, client } = await pair();
    expect((await server.post('/delete-peers-and-room', { peer_id: 'client' })).status).toBe(200);
    worker.send({ type: 'offer', sender: 'worker', target: 'client' });
    await worker.expectNothing();
    await client.expectNothing();
    client.send({ type: 'register', peer_id: 'client', ...room, id_token: user.id_token });
    await client.expect({ reason: 'Room not found' });
  });

  test('[H8] by room_id, and of one peer', async () => {
    const { worker } = await pair();
    expect((await server.post('/delete-peer', { peer_id: 'client' })).text).toBe(
      '{"status":"peer deleted successfully. Room status: active"}',
    );
    expect((await server.post('/delete-peers-and-room', { room_id: room.room_id })).text).toBe(
      '{"status":"peer deleted successfully"}',
    );
    await worker.expectNothing();
  });

  test('[H10] [D12] a token that is neither the peer’s nor the creator’s is refused', async () => {
    await pair();
    const stranger = await server.signIn();
    const answer = await server.post('/delete-peers-and-room', { peer_id: 'client' }, stranger.id_token);
    expect(answer.status).toBe(403);
    expect((await server.post('/delete-peers-and-room', { peer_id: 'client' }, user.id_token)).status).toBe(
      200,
    );
  });
});

describe('[Y9] [D12] deletion of what anybody may know the id of', () => {
  const byRoom = '/delete-peers-and-room';
  const deleted = { status: 200, text: '{"status":"peer deleted successfully"}' };

  async function makeListed(access: 'open' | 'token'): Promise<Room> {
    const made = await server.post('/rooms', { access }, user.id_token);
    const { roomId, token } = JSON.parse(made.text) as { readonly roomId: string; readonly token: string };
    return { room_id: roomId, token };
  }

  test.each(['open', 'token'] as const)('a listed room (%s) goes only with a token', async (access) => {
    const listed = await makeListed(access);
    const guest = await server.signIn();
    const stranger = await server.signIn();
    const peer = await server.register(listed, guest.username, guest);
    for (const target of [
      { room_id: listed.room_id },
      { peer_id: guest.username },
      { ...listed, peer_id: 'x' },
    ]) {
      expect(await server.post(byRoom, target)).toMatchObject({ status: 403 });
      expect(await server.post(byRoom, target, stranger.id_token)).toMatchObject({ status: 403 });
    }
    // Its seat is as it was.
    peer.send({ type: 'discover_peers', from_peer_id: guest.username });
    await peer.expect({ type: 'peer_list' });
    expect(await server.post(byRoom, { room_id: listed.room_id }, user.id_token)).toEqual(deleted);
    await peer.expectNothing();
  });

  test.each(['open', 'token'] as const)(
    'a peer of one (%s) goes only with a token, also behind its socket',
    async (access) => {
      const listed = await makeListed(access);
      const guest = await server.signIn();
      const target = { peer_id: guest.username };
      const peer = await server.register(listed, guest.username, guest);
      expect(await server.post('/delete-peer', target)).toMatchObject({ status: 403 });
      peer.socket.close();
      await peer.closed;
      expect(await server.post('/delete-peer', target)).toMatchObject({ status: 403 });
      expect(await server.post(byRoom, target)).toMatchObject({ status: 403 });
      expect((await server.post('/delete-peer', target, guest.id_token)).text).toMatch(
        /peer deleted successfully/,
      );
    },
  );

  test('with nobody in it, it is not there for who shows no token', async () => {
    const listed = await makeListed('open');
    const target = { room_id: listed.room_id };
    expect((await server.post(byRoom, target)).text).toBe('{"status":"room not found"}');
    expect(await server.post(byRoom, target, user.id_token)).toEqual(deleted);
  });

  test('nor does an open room that was made at a door go without one', async () => {
    const url = `${server.ws}/signal/lobby?peer_id=anna&presence=1`;
    const anna = await server.connect(url);
    await anna.expect({ type: 'welcome' });
    expect(await server.post(byRoom, { room_id: 'lobby' })).toMatchObject({ status: 403 });
    expect(await server.post(byRoom, { peer_id: 'anna' })).toMatchObject({ status: 403 });
    expect(await server.post('/delete-peer', { peer_id: 'anna' })).toMatchObject({ status: 403 });
  });
});

describe('[P10] version 2.0', () => {
  test('discovery finds by role, tags and properties, and never oneself', async () => {
    room = await server.createRoom(user);
    const gpu = await server.connect();
    gpu.send({
      type: 'register',
      peer_id: 'gpu',
      ...room,
      id_token: user.id_token,
      role: 'worker',
      metadata: { tags: ['gpu'], properties: { memory: 8192 } },
    });
    await gpu.expect({ type: 'registered_auth' });
    const client = await server.register(room, 'client', user);
    const ask = async (filters: object): Promise<unknown> => {
      client.send({ type: 'discover_peers', from_peer_id: 'client', filters });
      return (await client.expect({ type: 'peer_list', to_peer_id: 'client' })).count;
    };
    expect(await ask({})).toBe(1);
    expect(await ask({ role: 'worker', tags: ['gpu', 'x'], room_id: 'ignored' })).toBe(1);
    expect(await ask({ role: 'peer' })).toBe(0);
    expect(await ask({ tags: ['cpu'] })).toBe(0);
    expect(await ask({ properties: { memory: { $gte: 8192, $lte: 9000 } } })).toBe(1);
    expect(await ask({ properties: { memory: { $gte: 8193 } } })).toBe(0);
    expect(await ask({ properties: { memory: { $eq: 8192 } } })).toBe(1);
    gpu.send({
      type: 'update_metadata',
      peer_id: 'gpu',
      metadata: { tags: ['busy'], properties: { jobs: 1 } },
    });
    expect(await gpu.next()).toEqual({
      type: 'metadata_updated',
      peer_id: 'gpu',
      metadata: { tags: ['gpu', 'busy'], properties: { memory: 8192, jobs: 1 } },
    });
    expect(await ask({ tags: ['busy'], properties: { jobs: 1, memory: 8192 } })).toBe(1);
  });

  test('peer_message reaches its peer with exactly its four keys; a missing one is told', async () => {
    const { worker, client } = await pair();
    client.send({
      type: 'peer_message',
      from_peer_id: 'client',
      to_peer_id: 'worker',
      payload: { job: 1 },
      extra: 1,
    });
    expect(await worker.next()).toEqual({
      type: 'peer_message',
      from_peer_id: 'client',
      to_peer_id: 'worker',
      payload: { job: 1 },
    });
    client.send({ type: 'peer_message', from_peer_id: 'client', to_peer_id: 'nobody', payload: 1 });
    await client.expect({ type: 'error', code: 'PEER_NOT_IN_ROOM' });
    client.send({ type: 'peer_message', from_peer_id: 'client', to_peer_id: 'worker' });
    await client.expect({ type: 'error', code: 'INVALID_MESSAGE' });
  });

  test('metadata may not grow beyond its bound', async () => {
    const { client } = await pair();
    client.send({ type: 'update_metadata', peer_id: 'client', metadata: { blob: 'x'.repeat(17_000) } });
    await client.expect({ type: 'error', code: 'INVALID_MESSAGE' });
  });
});
