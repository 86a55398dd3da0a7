/** What happens to the others, and to the names, when a peer dies, moves or comes twice. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createApp } from '../../src/app.js';
import { loadConfig } from '../../src/config.js';
import { FakeClock } from '../support/fake-clock.js';
import { TestServer, type Room, type User } from '../support/server.js';
import { testObservers } from '../support/test-logs.js';

let server: TestServer;
let user: User;

beforeAll(async () => {
  server = await TestServer.start({ GRACE_MS: '0' });
  user = await server.signIn();
});
afterAll(() => server.stop());

/** A WebSocket by hand, for what a library would not do. */
async function rawSocket(url: string): Promise<Socket> {
  // Half open: the server's end of the stream does not end ours.
  const stream = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
  stream.write(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  await once(stream, 'data');
  return stream;
}

/** A masked frame with a mask of zeros. */
function frame(opcode: number, payload: Buffer): Buffer {
  const isShort = payload.length < 126;
  const head = [0x80 | opcode, 0x80 | (isShort ? payload.length : 126)];
  if (!isShort) head.push(payload.length >> 8, payload.length & 0xff);
  return Buffer.concat([Buffer.from(head), Buffer.alloc(4), payload]);
}

describe('[D8] [P6] the only peer of a room comes again', () => {
  test.each(['after its socket has gone', 'while its old socket is open'])(
    '%s: who joins later reaches it',
    async (when) => {
      const room = await server.createRoom(user);
      const old = await server.register(room, 'worker', user);
      if (when.startsWith('after')) {
        old.socket.close();
        await old.closed;
      }
      const worker = await server.register(room, 'worker', user);
      const client = await server.register(room, 'client', user);
      client.send({ type: 'offer', sender: 'client', target: 'worker', n: 1 });
      await worker.expect({ type: 'offer', n: 1 });
      worker.send({ type: 'answer', sender: 'worker', target: 'client', n: 2 });
      await client.expect({ type: 'answer', n: 2 });
    },
  );
});

test('[F5] what is sent to a peer that has said goodbye is refused, though its TCP connection is open', async () => {
  const room = await server.createRoom(user);
  const anna = await server.join(room, 'anna', {}, user);
  const stream = await rawSocket(server.ws);
  const register = { type: 'register', peer_id: 'leaving', ...room, id_token: user.id_token };
  stream.write(frame(1, Buffer.from(JSON.stringify(register))));
  await anna.expect({ type: 'user_joined', peer_id: 'leaving' });
  stream.write(frame(8, Buffer.from([0x03, 0xe8])));
  // The server's own close frame says that it has seen ours.
  for (let seen = ''; !seen.includes('\u0088\u0002');) {
    const [chunk] = (await once(stream, 'data')) as [Buffer];
    seen += chunk.toString('latin1');
  }
  anna.send({ type: 'offer', target: 'leaving', id: 'm' });
  await anna.expect({ type: 'error', code: 'PEER_NOT_FOUND', reply_to: 'm' });
  await anna.expect({ type: 'user_left', peer_id: 'leaving', reason: 'disconnected' });
  stream.destroy();
});

test('[D9] [H4] a name taken in another room does not hide its owner from the clean-up call', async () => {
  const owner = await server.signIn();
  const [room, elsewhere] = [await server.createRoom(owner), await server.createRoom(user)];
  await server.register(room, owner.username, owner);
  const squatter = await server.register(elsewhere, owner.username, user);
  const deleted = await server.post('/delete-peers-and-room', { peer_id: owner.username });
  expect(deleted.text).toBe('{"status":"peer deleted successfully"}');
  const late = await server.connect();
  late.send({ type: 'register', peer_id: 'late', ...room, id_token: user.id_token });
  await late.expect({ reason: 'Room not found' });
  squatter.send({ type: 'offer', sender: owner.username, target: owner.username, n: 1 });
  await squatter.expect({ n: 1 });
});

describe('frames that would grow', () => {
  const numbers = `[${Array.from({ length: 200_000 }, () => '1e20').join()}]`;

  test('[F4] [T7] a signal without a sender keeps its bytes, so it closes nobody', async () => {
    const room = await server.createRoom(user);
    const [anna, bert] = [
      await server.join(room, 'anna', {}, user),
      await server.join(room, 'bert', {}, user),
    ];
    await anna.expect({ type: 'user_joined' });
    bert.send(`{"type":"offer","target":"anna","x":${numbers}}`);
    expect(await anna.nextRaw()).toBe(`{"sender":"bert","type":"offer","target":"anna","x":${numbers}}`);
    bert.send(`{"type":"webrtc_offer","to":"anna","x":${numbers}}`);
    await bert.expect({ type: 'error', code: 'MESSAGE_TOO_BIG' });
    await anna.expectNothing();
  });

  test('[F10] [T7] metadata is bounded when a peer joins, and when it joins again', async () => {
    const room = await server.createRoom(user);
    const anna = await server.join(room, 'anna', {}, user);
    const bert = await server.join(room, 'bert', {}, user);
    await anna.expect({ type: 'user_joined' });
    const deep = JSON.parse(`{"a":${'['.repeat(3_000)}${']'.repeat(3_000)}}`) as object;
    for (const metadata of [{ x: 'x'.repeat(5_000) }, deep]) {
      bert.send({ type: 'join_room', ...room, id_token: user.id_token, peer_id: 'bert', metadata });
      await bert.expect({ type: 'error', code: 'INVALID_MESSAGE' });
      // The Python server would have taken it: a parity peer is not told, and it is not kept.
      const parity = await server.connect();
      parity.send({ type: 'register', ...room, id_token: user.id_token, peer_id: 'carl', metadata });
      await parity.expect({ type: 'registered_auth' });
      await anna.expect({ type: 'user_joined', peer_id: 'carl', metadata: {} });
      parity.drop();
      await anna.expect({ type: 'user_left', peer_id: 'carl' });
      await bert.expect({ type: 'user_joined', peer_id: 'carl' });
      await bert.expect({ type: 'user_left', peer_id: 'carl' });
    }
    await anna.expectNothing();
  });
});

describe('what each kind of session may say', () => {
  test('[P4] the verbs of full sessions mean nothing from a registered peer', async () => {
    const worker = await server.register(await server.createRoom(user), 'worker', user);
    for (const type of ['heartbeat', 'leave_room', 'ack']) worker.send({ type, count: 1 });
    await worker.expectNothing();
    worker.send({ type: 'offer', sender: 'worker', target: 'worker', n: 1 });
    await worker.expect({ n: 1 });
  });

  test('[F7] a full session that acknowledges what it got is not told anything, however often', async () => {
    const anna = await server.join(await server.createRoom(user), 'anna', {}, user);
    for (let n = 0; n < 100; n += 1) anna.send({ type: 'ack', count: 0 });
    await anna.expectNothing();
    // One frame was told; more cannot have been had.
    for (const count of [-1, 1.5, '1', 1_000]) {
      anna.send({ type: 'ack', count });
      await anna.expect({ type: 'error', code: 'INVALID_MESSAGE' });
    }
  });

  test('[D1] two spellings of the sender must agree', async () => {
    const room = await server.createRoom(user);
    const worker = await server.register(room, 'worker', user);
    const [client, anna] = [
      await server.register(room, 'client', user),
      await server.join(room, 'anna', {}, user),
    ];
    for (const sender of ['client', null]) {
      client.send({ type: 'offer', sender, senderId: 'worker', target: 'worker' });
      await client.expectNothing();
    }
    anna.send({ type: 'offer', sender: 'anna', senderId: 'client', target: 'worker' });
    await anna.expect({ type: 'error', code: 'INVALID_MESSAGE' });
    await worker.expectNothing();
  });

  test('[T1] a socket that has left its room has to join again in time', async () => {
    const clock = new FakeClock();
    const other = await TestServer.start({}, { clock });
    const anna = await other.join(await other.createRoom(), 'anna');
    anna.send({ type: 'leave_room' });
    await anna.expect({ type: 'room_left' });
    clock.advance(10_000);
    expect((await anna.closed).code).toBe(4408);
    await other.stop();
  });
});

test('[P2] [T10] more behind a register than an honest client sends is closed 4429', async () => {
  const room: Room = await server.createRoom(user);
  const stream = await rawSocket(server.ws);
  const register = JSON.stringify({ type: 'register', peer_id: 'flood', ...room, id_token: user.id_token });
  const offer = frame(1, Buffer.from('{"type":"offer","sender":"flood","target":"flood"}'));
  stream.write(Buffer.concat([frame(1, Buffer.from(register)), ...Array.from({ length: 400 }, () => offer)]));
  let seen = '';
  for await (const chunk of stream) seen += (chunk as Buffer).toString('latin1');
  expect(seen).toContain('too many messages at once');
});

describe('[T8] starting and stopping', () => {
  test('a port that is taken frees the other one, and says which', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    const settings = { HOST: '127.0.0.1', HTTP_PORT: '0', WS_PORT: String(port), LOG_LEVEL: 'silent' };
    const app = await createApp(loadConfig(settings), testObservers());
    await expect(app.listen()).rejects.toMatchObject({ code: 'EADDRINUSE', port });
    expect(() => app.addresses).toThrow();
    blocker.close();
  });

  test('a connection that asks nothing does not hold up the end', async () => {
    // The clock stands: the end comes from nobody being served, not from a deadline.
    const other = await TestServer.start({}, { clock: new FakeClock() });
    const idle = [other.http, other.ws].map((url) => connect(Number(new URL(url).port), '127.0.0.1'));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    const ended = idle.map((socket) => once(socket, 'close'));
    await other.stop();
    await Promise.all(ended);
  });
});
