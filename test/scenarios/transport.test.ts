import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import type { RateLimiter } from '../../src/ports/rate-limiter.js';
import type { Logger } from '../../src/ports/runtime.js';
import { FakeClock } from '../support/fake-clock.js';
import { TestServer, type Room, type User } from '../support/server.js';
import { TestPeer } from '../support/test-peer.js';

let server: TestServer;
let user: User;
let room: Room;
const clock = new FakeClock();

beforeAll(async () => {
  server = await TestServer.start({ GRACE_MS: '0' }, { clock });
  user = await server.signIn();
  room = await server.createRoom(user);
});
afterAll(() => server.stop());

/** Status and body of an upgrade that is refused. */
async function refused(
  url: string,
  options: { origin?: string } = {},
): Promise<{ status: number; body: string }> {
  const socket = new WebSocket(url, options);
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    import('node:http').IncomingMessage,
  ];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
}

describe('before joining', () => {
  test('[T1] a socket that does not join in time is closed 4408, however much it says', async () => {
    const peer = await server.connect();
    for (let second = 0; second < 10; second += 1) {
      peer.send({ type: 'heartbeat' });
      await peer.expect({ type: 'error', code: 'NOT_IN_ROOM' });
      clock.advance(1_000);
    }
    expect((await peer.closed).code).toBe(4408);
  });

  test('[T1] a socket that has joined stays', async () => {
    const peer = await server.register(room, 'idle', user);
    clock.advance(10_000);
    await peer.expectNothing();
  });

  test('[D3] malformed frames get an error with type, code, reason and message; the socket stays', async () => {
    const peer = await server.connect();
    for (const [frame, code] of [
      ['{"a":', 'INVALID_JSON'],
      ['', 'INVALID_JSON'],
      ['\ufeff{}', 'INVALID_JSON'],
      ['[1]', 'INVALID_MESSAGE'],
      ['null', 'INVALID_MESSAGE'],
      ['{}', 'INVALID_MESSAGE'],
      ['{"type":"quit"}', 'UNKNOWN_MESSAGE_TYPE'],
      [Buffer.from([0xc3, 0x28]), 'INVALID_JSON'],
      // [D7] Python's parser takes these; they are not JSON.
      ['{"type":"register","peer_id":NaN}', 'INVALID_JSON'],
      ['{"type":"register","peer_id":-Infinity}', 'INVALID_JSON'],
    ] as const) {
      peer.send(frame);
      const error = await peer.expect({ type: 'error', code });
      expect(typeof error['reason']).toBe('string');
      expect(typeof error['message']).toBe('string');
    }
    peer.send({ type: 'register', peer_id: 'p', ...room, id_token: user.id_token });
    await peer.expect({ type: 'registered_auth' });
  });

  test('[T5] [D3] repeated nonsense ends the socket 4400, an answer for each frame', async () => {
    const peer = await server.connect();
    for (let n = 0; n < 32; n += 1) peer.send('nonsense');
    for (let n = 0; n < 32; n += 1) await peer.expect({ type: 'error', code: 'INVALID_JSON' });
    expect((await peer.closed).code).toBe(4400);
  });

  test('[T2] [D10] 16 KiB is the most, also when it never ends', async () => {
    const peer = await server.connect();
    peer.send(`"${'x'.repeat(16_382)}"`);
    await peer.expect({ code: 'INVALID_MESSAGE' });
    peer.send(`"${'x'.repeat(16_383)}"`);
    await peer.expect({ code: 'MESSAGE_TOO_BIG' });
    expect((await peer.closed).code).toBe(1009);

    const endless = await server.connect();
    const stream = connect(Number(new URL(server.ws).port), '127.0.0.1');
    stream.write(
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await once(stream, 'data');
    // A masked frame that announces 1 MiB and sends a part of it.
    stream.write(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]));
    stream.write(Buffer.alloc(40_000));
    const [first] = (await once(stream, 'data')) as [Buffer];
    expect(first.toString('latin1')).toContain('MESSAGE_TOO_BIG');
    stream.destroy();
    await endless.expectNothing();
  });

  test('[T2] a large offer behind a register that is still waiting is not too big', async () => {
    const worker = await server.register(room, 'large-worker', user);
    const peer = await server.connect();
    peer.send({ type: 'register', peer_id: 'large', ...room, id_token: user.id_token });
    peer.send({ type: 'offer', sender: 'large', target: 'large-worker', sdp: 'x'.repeat(900_000) });
    await peer.expect({ type: 'registered_auth' });
    await worker.expect({ type: 'offer', sender: 'large' });
  });
});

describe('after joining', () => {
  test('[T2] a message may have 1 MiB; one byte more is closed 1009', async () => {
    const [worker, peer] = [await server.register(room, 'w', user), await server.register(room, 'p', user)];
    const frame = (bytes: number): string => {
      const head = '{"type":"offer","sender":"p","target":"w","sdp":"';
      return `${head}${'x'.repeat(bytes - head.length - 2)}"}`;
    };
    peer.send(frame(1_048_576));
    expect((await worker.nextRaw()).length).toBe(1_048_576);
    peer.send(frame(1_048_577));
    expect((await peer.closed).code).toBe(1009);
    await worker.expectNothing();
  });

  test('[T3] a peer that does not read is closed 4008; others notice nothing', async () => {
    const small = await TestServer.start({
      GRACE_MS: '0',
      MAX_OUTBOX_BYTES: '131072',
      MAX_MESSAGE_BYTES: '65536',
    });
    try {
      const who = await small.signIn();
      const there = await small.createRoom(who);
      const [deaf, good, sender] = [
        await small.register(there, 'deaf', who),
        await small.register(there, 'good', who),
        await small.join(there, 'sender', {}, who),
      ];
      deaf.socket.pause();
      const sdp = 'x'.repeat(60_000);
      const unanswered: unknown[] = [];
      for (let n = 0; unanswered.length < 2; n += 1) {
        sender.send({ type: 'offer', target: 'deaf', sdp });
        sender.send({ type: 'offer', target: 'good', sdp: '', n, id: String(n) });
        await good.expect({ type: 'offer', n });
        for (let told = await sender.next(); told['type'] !== 'accepted'; told = await sender.next()) {
          unanswered.push(told);
        }
      }
      // The message that did not fit is not taken for delivered.
      expect(unanswered.slice(0, 2)).toMatchObject([
        { type: 'error', code: 'PEER_NOT_FOUND', retryable: true },
        { type: 'user_left', peer_id: 'deaf', reason: 'disconnected' },
      ]);
      expect(small.tally.slow_consumers).toBe(1);
      deaf.socket.resume();
      expect((await deaf.closed).code).toBe(4008);
    } finally {
      await small.stop();
    }
  });

  test('[T4] pings go out every period, and a peer that answers none is gone', async () => {
    const peer = await server.register(room, 'pinged', user);
    const mute = await server.register(room, 'mute', user);
    const watcher = await server.join(room, 'watcher', {}, user);
    mute.socket.pause();
    for (let n = 1; n <= 2; n += 1) {
      const pinged = once(peer.socket, 'ping');
      clock.advance(20_000);
      await pinged;
      await peer.expectNothing();
    }
    expect(peer.pings).toBe(2);
    let told = await watcher.next();
    while (told['peer_id'] !== 'mute') told = await watcher.next();
    expect(told).toMatchObject({ type: 'user_left', reason: 'disconnected' });
  });
});

describe('[T6] upgrades', () => {
  test('[D15] an unknown path is refused 404 and told which are served', async () => {
    const { status, body } = await refused(`${server.ws}/nowhere`);
    expect(status).toBe(404);
    expect(body).toContain('/');
    (await TestPeer.open(`${server.ws}/?any=query`)).drop();
  });

  test('a foreign origin is refused 403, one of the same host is not', async () => {
    expect((await refused(server.ws, { origin: 'https://elsewhere.example' })).status).toBe(403);
    const peer = await TestPeer.open(server.ws, { origin: 'http://127.0.0.1:9999' });
    peer.drop();
  });

  test('a plain request on the WebSocket port gets 426', async () => {
    const response = await fetch(server.ws.replace('ws:', 'http:'));
    expect(response.status).toBe(426);
    expect(response.headers.get('content-type')).toContain('text/plain');
  });

  test('[T7] frames that come in one piece with the upgrade request are handled once each', async () => {
    const stream = connect(Number(new URL(server.ws).port), '127.0.0.1');
    const text = Buffer.from('{"type":"heartbeat","id":"x"}');
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
    const upgrade =
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
    const goodbye = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);
    // The third frame is cut in two.
    stream.write(Buffer.concat([Buffer.from(upgrade), frame, frame, frame.subarray(0, 9)]));
    stream.write(Buffer.concat([frame.subarray(9), goodbye]));
    let seen = '';
    for await (const chunk of stream) seen += (chunk as Buffer).toString('latin1');
    expect(seen.match(/NOT_IN_ROOM/g)).toHaveLength(3);
  });

  test('[T7] one that trips the server is answered 500 and told in the log, and nobody else notices', async () => {
    const error = new Error('tripped');
    const unlimitedHold = (): (() => void) => () => undefined;
    let isTripping = false;
    const limiter: RateLimiter = {
      take: () =>
        isTripping ? Promise.reject(error) : Promise.resolve({ isAllowed: true, retryAfterMs: 0 }),
      hold: () => Promise.resolve(unlimitedHold()),
    };
    const told: [event: string, error: unknown][] = [];
    const silent = (): void => undefined;
    const logger: Logger = {
      debug: silent,
      info: silent,
      warn: silent,
      error: (event, fields) => {
        told.push([event, fields?.error]);
      },
    };
    const other = await TestServer.start({}, { limiter, logger });
    const peer = await other.register(await other.createRoom(), 'there');
    isTripping = true;
    const { status, body } = await refused(other.ws);
    expect([status, body.includes('tripped')]).toEqual([500, false]);
    expect(told).toEqual([['upgrade_failed', error]]);
    peer.send({ type: 'offer', sender: 'there', target: 'there', sdp: 'v=0' });
    await peer.expect({ type: 'offer', sender: 'there' });
    await other.stop();
  });

  test('[T9] the HTTP port takes upgrades too', async () => {
    const peer = await server.connect(server.http.replace('http:', 'ws:'));
    peer.send({ type: 'register', peer_id: 'h', ...room, id_token: user.id_token });
    await peer.expect({ type: 'registered_auth' });
  });
});

test('[T8] closing tells full sessions to go away and ends parity sessions as a Python server’s end does', async () => {
  const other = await TestServer.start();
  const there = await other.createRoom();
  const parity = await other.register(there, 'parity');
  const full = await other.join(there, 'full');
  const stopped = other.app.close();
  const { retry_in_ms: retryInMs } = await full.expect({ type: 'go_away' });
  expect(retryInMs).toBeGreaterThanOrEqual(1_000);
  expect(retryInMs).toBeLessThanOrEqual(2_000);
  expect((await full.closed).code).toBe(4000);
  expect(await parity.closed).toEqual({ code: 1001, reason: '' });
  await stopped;
});
