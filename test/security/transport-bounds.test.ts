/** What holds whatever is said on a connection: how many, how fast, how much at once. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { ManagedServer } from '../../src/transport/http/managed-server.js';
import { defaultBounds, type ServerBounds } from '../../src/transport/http/server-bounds.js';
import { WaitingBytes, type Holder } from '../../src/transport/ws/waiting-bytes.js';
import { parseTrustedProxies } from '../../src/transport/client-address.js';
import { PinoLogger } from '../../src/adapters/system/pino-logger.js';
import { SystemClock } from '../../src/adapters/system/system-clock.js';
import type { Logger } from '../../src/ports/runtime.js';
import { FakeClock } from '../support/fake-clock.js';
import { TestServer } from '../support/server.js';
import { TestPeer } from '../support/test-peer.js';
import { upTo } from '../support/topology.js';
import { Reading } from '../metrics/reading.js';
import { ask } from '../transport/http/raw-request.js';

const clock = new SystemClock();
const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const hello: RequestListener = (_request, response) => {
  response.end('hello');
};

/** A log, and the names of what it was told. */
function notedLog(): { readonly logger: Logger; readonly events: readonly string[] } {
  const events: string[] = [];
  const write = (line: string): void => {
    events.push((JSON.parse(line) as { event: string }).event);
  };
  return { logger: new PinoLogger({ level: 'info', node: 'test', stream: { write } }), events };
}

/** All that comes until the connection ends. */
async function heard(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  if (!socket.closed) await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

/** Until so many answers have come. */
async function answers(socket: Socket, count: number): Promise<void> {
  let text = '';
  while (text.split('hello').length <= count) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    text += chunk.toString();
  }
}

describe('an HTTP server', () => {
  let managed: ManagedServer | undefined;
  let cut = 0;
  const sockets: Socket[] = [];

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await managed?.close(clock, 1);
  });

  async function start(bounds: Partial<ServerBounds>, listener = hello): Promise<number> {
    cut = 0;
    const onCut = (): void => {
      cut += 1;
    };
    managed = new ManagedServer(listener, { ...defaultBounds, onCut, ...bounds });
    await managed.listen(0, '127.0.0.1');
    return Number(managed.address.split(':')[1]);
  }

  async function dial(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  test('[V20] cuts what is beyond MAX_CONNECTIONS, and serves who is there', async () => {
    const port = await start({ maxConnections: 2 });
    const [first, second] = [await dial(port), await dial(port)];
    for (const socket of [first, second]) {
      socket.write(get);
      await answers(socket, 1);
    }
    expect(await heard(await dial(port))).toBe('');
    expect(cut).toBe(1);
    first.destroy();
    first.write(get);
    second.write(get);
    await answers(second, 1);
  });

  test('[V20] cuts what is beyond twice MAX_CONNECTIONS_PER_IP of an address; others have theirs, and a place is free again', async () => {
    const port = await start({ maxConnectionsPerIp: 1 });
    const [first, second] = [await dial(port), await dial(port)];
    expect(await heard(await dial(port))).toBe('');
    expect(cut).toBe(1);
    const other = await dial(port, '127.0.0.2');
    for (const socket of [second, other]) {
      socket.write(get);
      await answers(socket, 1);
    }
    first.end('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await heard(first);
    const third = await dial(port);
    third.write(get);
    await answers(third, 1);
  });

  test('[V20] does not count connections of a trusted proxy by its address', async () => {
    const port = await start({ maxConnectionsPerIp: 1, trustedProxies: parseTrustedProxies(['loopback']) });
    for (const socket of await Promise.all(upTo(5).map(() => dial(port)))) {
      socket.write(get);
      await answers(socket, 1);
    }
    expect(cut).toBe(0);
  });

  test('[V23] answers 32 requests in one piece; 33 cut the connection, and none of them is handled', async () => {
    let handled = 0;
    const port = await start({}, (request, response) => {
      handled += 1;
      hello(request, response);
    });
    const honest = await dial(port);
    honest.write(get.repeat(32));
    await answers(honest, 32);
    const flood = await dial(port);
    flood.write(get.repeat(33));
    expect(await heard(flood)).not.toContain('hello');
    expect({ handled, cut }).toEqual({ handled: 32, cut: 1 });
  });

  test('[V23] the same for requests that come one by one while none is answered', async () => {
    let handled = 0;
    let onRequest: () => void = () => undefined;
    const port = await start({}, () => {
      handled += 1;
      onRequest();
    });
    const flood = await dial(port);
    const ended = heard(flood);
    for (let n = 0; n < 32; n += 1) {
      // Each by itself: the next one goes when it is there.
      const isThere = new Promise<void>((resolve) => {
        onRequest = resolve;
      });
      flood.write(get);
      await isThere;
    }
    flood.write(get);
    expect(await ended).toBe('');
    expect({ handled, cut }).toEqual({ handled: 32, cut: 1 });
  });

  test('[V30] keeps idle connections as long as it is told, and says so', async () => {
    const port = await start({ keepAliveMs: 65_000 });
    const socket = await dial(port);
    socket.write(get);
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(chunk.toString()).toContain('Keep-Alive: timeout=65');
    expect(managed?.server).toMatchObject({ keepAliveTimeout: 65_000 });
  });

  test('[V22] waits 10 s for headers, 20 s for requests, 30 s for a client that does not read', () => {
    const { server } = new ManagedServer(hello);
    expect(server).toMatchObject({ headersTimeout: 10_000, requestTimeout: 20_000, timeout: 30_000 });
  });
});

describe('the server', () => {
  let server: TestServer;
  afterEach(() => server.stop());

  test('[V21] upgrades beyond RATE_UPGRADES_PER_IP are refused 429 and told when to come back; peers that are in stay', async () => {
    const fake = new FakeClock();
    server = await TestServer.start({ RATE_UPGRADES_PER_IP: '3', PRE_JOIN_MS: '86400000' }, { clock: fake });
    const user = await server.signIn();
    const room = await server.createRoom(user);
    const peer = await server.join(room, 'anna', {}, user);
    for (let n = 0; n < 2; n += 1) (await server.connect()).drop();
    const refused = new WebSocket(server.ws);
    refused.on('error', () => undefined);
    const [, response] = (await once(refused, 'unexpected-response')) as [
      unknown,
      { statusCode: number; headers: object },
    ];
    expect(response.statusCode).toBe(429);
    expect(response.headers).toMatchObject({ 'retry-after': '20' });
    refused.terminate();
    expect(server.tally.upgrades_limited).toBe(1);
    peer.send({ type: 'heartbeat' });
    await peer.expect({ type: 'heartbeat_ack' });
    fake.advance(20_000);
    (await server.connect()).drop();
  });

  test('[V26] 50 pings at once are taken; the next ends the socket 4429, and no other', async () => {
    const fake = new FakeClock();
    server = await TestServer.start({ PING_MS: '86400000', PRE_JOIN_MS: '86400000' }, { clock: fake });
    const [noisy, quiet] = [await server.connect(), await server.connect()];
    const stays = async (): Promise<void> => {
      noisy.send({ type: 'heartbeat' });
      await noisy.expect({ code: 'NOT_IN_ROOM' });
    };
    for (let n = 0; n < 50; n += 1) noisy.socket.ping();
    await stays();
    // A tenth of a second for each that is to be answered after that.
    fake.advance(100);
    noisy.socket.ping();
    await stays();
    noisy.socket.ping();
    expect((await noisy.closed).code).toBe(4429);
    for (let n = 0; n < 51; n += 1) quiet.socket.pong();
    expect((await quiet.closed).code).toBe(4429);
  });

  test('[V25] a message may come in 1,024 fragments; one more is closed 1008', async () => {
    server = await TestServer.start();
    const user = await server.signIn();
    const room = await server.createRoom(user);
    const anna = await server.join(room, 'anna', {}, user);
    const text = '{"type":"heartbeat","id":"x"}';
    const inPieces = (peer: TestPeer, count: number): void => {
      peer.socket.send(text.slice(0, 5), { fin: false });
      for (let n = 0; n < count - 2; n += 1) peer.socket.send(n === 0 ? text.slice(5) : ' ', { fin: false });
      peer.socket.send(' ', { fin: true });
    };
    inPieces(anna, 1_024);
    await anna.expect({ type: 'heartbeat_ack', reply_to: 'x' });
    inPieces(anna, 1_025);
    expect((await anna.closed).code).toBe(1008);
  });

  test('[V27] a peer that holds back the end of its message is cut when all together hold too much; who holds less stays', async () => {
    const { logger, events } = notedLog();
    server = await TestServer.start({ MAX_WAITING_BYTES: '1500000', GRACE_MS: '0' }, { logger });
    const user = await server.signIn();
    const room = await server.createRoom(user);
    const names = ['most', 'more', 'least'];
    const [most, more, least] = await Promise.all(names.map((name) => server.join(room, name, {}, user)));
    if (most === undefined || more === undefined || least === undefined) throw new Error('nobody came');
    // In one frame that is not all there, and in fragments. Whose come first does not matter: when it is too much, they have
    // at most 600,000 of 1,500,000.
    const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 15, 255, 255, 0, 0, 0, 0]);
    const raw = most.socket as unknown as { readonly _socket: Socket };
    raw._socket.write(Buffer.concat([head, Buffer.alloc(1_000_000, 0x20)]));
    for (let n = 0; n < 6; n += 1) more.socket.send(' '.repeat(100_000), { fin: false });
    await most.closed;
    expect(server.tally.connections_shed).toBe(1);
    // Its client saw a connection that broke: here is why.
    expect(events.filter((event) => event === 'connection_shed')).toHaveLength(1);
    expect((await Reading.of(server.http)).value('signaling_waiting_limit_bytes')).toBe(1_500_000);
    more.socket.send('{"type":"heartbeat","id":"y"}', { fin: true });
    while ((await more.next())['reply_to'] !== 'y');
    least.send({ type: 'heartbeat', id: 'z' });
    while ((await least.next())['reply_to'] !== 'z');
  });

  test('[V24] a compressed body is not inflated, and 16 KiB of headers are too many', async () => {
    server = await TestServer.start();
    const port = Number(new URL(server.http).port);
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const inflated = gzipSync('{"peer_id":"x"}');
    for (const body of [bomb, inflated]) {
      const { status } = await ask(port, { path: '/delete-peer', headers, body });
      expect(status).toBe(400);
    }
    const big = await ask(port, { method: 'GET', path: '/health', headers: { 'x-a': 'a'.repeat(16_384) } });
    expect(big.status).toBe(431);
  });

  test('[V24] no compression is agreed to', async () => {
    server = await TestServer.start();
    const peer = await TestPeer.open(server.ws, { perMessageDeflate: true });
    expect(peer.socket.extensions).toBe('');
    peer.drop();
  });
});

describe('[V27] what waits for all', () => {
  class Far implements Holder {
    hasGivenUp = false;
    giveUp(): void {
      this.hasGivenUp = true;
    }
  }

  test('is shed from who holds most, one after another, until the rest may stay', () => {
    let shed = 0;
    const waiting = new WaitingBytes(1_000_000, () => {
      shed += 1;
    });
    const [small, large, larger] = [new Far(), new Far(), new Far()];
    waiting.set(small, 100_000);
    waiting.set(large, 400_000);
    waiting.set(larger, 450_000);
    expect(waiting.totalBytes).toBe(950_000);
    waiting.set(small, 200_000);
    expect([small, large, larger].map(({ hasGivenUp }) => hasGivenUp)).toEqual([false, false, true]);
    expect({ shed, left: waiting.totalBytes }).toEqual({ shed: 1, left: 600_000 });
  });

  test('counts nothing that is little, and nothing that has gone', () => {
    const waiting = new WaitingBytes(100_000);
    const [one, other] = [new Far(), new Far()];
    waiting.set(one, 65_535);
    expect(waiting.totalBytes).toBe(0);
    waiting.set(one, 90_000);
    waiting.set(one, 0);
    waiting.set(other, 90_000);
    expect([one, other].some(({ hasGivenUp }) => hasGivenUp)).toBe(false);
  });
});
