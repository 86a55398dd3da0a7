/** The server inside an application of somebody else. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import express, { type RequestHandler } from 'express';
import { WebSocketServer } from 'ws';
import { createEmbeddedSignaling, type EmbeddedSignaling, type EmbeddingOptions } from '../src/embed.js';
import { ExamplePackage } from './support/example-package.js';
import { RedisServer } from './support/redis.js';
import type { Program } from './support/spawn.js';
import type { Room, User } from './support/server.js';
import { TestPeer, type Frame } from './support/test-peer.js';
import { unlimited } from './support/unlimited.js';

const offer = { type: 'offer', sdp: 'v=0' };

const peers: TestPeer[] = [];

async function open(url: string): Promise<TestPeer> {
  const peer = await TestPeer.open(url);
  peers.push(peer);
  return peer;
}

afterEach(() => {
  for (const peer of peers.splice(0)) peer.drop();
});

/** The status that an upgrade is refused with. */
async function refusalOf(url: string): Promise<string | undefined> {
  const [error] = await open(url).then(
    () => [undefined],
    (reason: unknown) => [reason],
  );
  return error instanceof Error ? error.message : undefined;
}

/** Two peers of the gateway dialect meet in a room and one calls the other. */
async function meet(left: string, right: string, room: string): Promise<void> {
  const anna = await open(`${left}/signal/${room}?peer_id=anna&presence=1`);
  await anna.expect({ type: 'welcome', senderId: 'anna' });
  const bert = await open(`${right}/signal/${room}?peer_id=bert&presence=1`);
  await bert.expect({ type: 'welcome', peers: [expect.objectContaining({ id: 'anna' })] });
  await anna.expect({ type: 'peer-joined', senderId: 'bert' });
  bert.send({ type: 'sdp', senderId: 'bert', targetId: 'anna', sdp: offer });
  await anna.expect({ type: 'sdp', senderId: 'bert', sdp: offer });
}

describe('scripts/examples/embedded.mjs', () => {
  let made: ExamplePackage;
  const programs: Program[] = [];

  beforeAll(async () => {
    made = await ExamplePackage.make();
  });

  afterEach(async () => {
    for (const program of programs.splice(0)) await program.stop();
  });

  afterAll(() => {
    made.remove();
  });

  interface Running {
    readonly program: Program;
    readonly http: string;
    readonly ws: string;
  }

  async function run(settings: Readonly<Record<string, string>> = {}): Promise<Running> {
    const program = made.run('embedded.mjs', { PORT: '0', ...settings });
    programs.push(program);
    const line = await program.line(/^Listening on /);
    const http = line.slice(line.indexOf('http:'));
    return { program, http, ws: http.replace('http', 'ws') };
  }

  test('[E1] has routes and sockets of its own, and the gateway dialect beside them, and no other', async () => {
    const { program, http, ws } = await run();
    const greeting = await fetch(`${http}/greet`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"Anna"}',
    });
    expect(await greeting.json()).toEqual({ greeting: 'Hello Anna' });
    expect((await fetch(`${http}/nowhere`)).status).toBe(404);
    const own = await open(`${ws}/app-socket`);
    own.send('echo');
    expect(await own.nextRaw()).toBe('echo');
    expect((await fetch(`${http}/healthz`)).status).toBe(200);
    await meet(ws, ws, 'lobby');
    for (const path of ['/', '/ws/webrtc/lobby', '/webrtc/ws/lobby', '/elsewhere']) {
      expect(await refusalOf(ws + path)).toBe('Unexpected server response: 404');
    }
    expect(program.lines).toContain('Nodes: this one alone.');

    // With a peer in a room and a socket of the application's own it still ends, by itself.
    program.signal('SIGTERM');
    expect([await program.exited, program.complaints]).toEqual([{ code: 0, signal: null }, []]);
  });

  test('[E1] twice, with one Redis, shares its rooms', async () => {
    const redis = await RedisServer.start();
    try {
      const [left, right] = await Promise.all([run({ REDIS_URL: redis.url }), run({ REDIS_URL: redis.url })]);
      await meet(left.ws, right.ws, 'lobby');
      left.program.signal('SIGTERM');
      expect([await left.program.exited, left.program.complaints]).toEqual([{ code: 0, signal: null }, []]);
      await meet(right.ws, right.ws, 'another');
    } finally {
      await redis.stop();
    }
  });
});

describe('createEmbeddedSignaling', () => {
  const closers: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  async function embed(options: EmbeddingOptions = {}): Promise<EmbeddedSignaling> {
    const settings = { LOG_LEVEL: 'silent', AUDIT_LOG: 'none', ...unlimited, ...options.settings };
    const signaling = await createEmbeddedSignaling({ ...options, settings });
    closers.unshift(() => signaling.close());
    return signaling;
  }

  interface Application {
    readonly server: Server;
    readonly http: string;
    readonly ws: string;
  }

  /** An application with these handlers in this order, and a page, a form and an echoing socket of its own. */
  async function serve(...handlers: readonly RequestHandler[]): Promise<Application> {
    const app = express();
    for (const handler of handlers) app.use(handler);
    app.get('/page', (_, response) => {
      response.send('a page');
    });
    app.post('/form', express.json(), (request, response) => {
      response.json(request.body);
    });
    const server = createServer(app);
    const own = new WebSocketServer({ noServer: true });
    own.on('connection', (socket) => {
      socket.on('message', (data, binary) => {
        socket.send(data, { binary });
      });
    });
    server.on('upgrade', (request, socket, head) => {
      if (request.url !== '/own') return;
      own.handleUpgrade(request, socket, head, (client) => {
        own.emit('connection', client);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(async () => {
      for (const client of own.clients) client.terminate();
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    });
    const host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    return { server, http: `http://${host}`, ws: `ws://${host}` };
  }

  async function post(
    url: string,
    body?: string,
    more: Record<string, string> = {},
  ): Promise<[number, Frame]> {
    const headers = { 'content-type': 'application/json', ...more };
    const answer = await fetch(url, { method: 'POST', headers, ...(body !== undefined && { body }) });
    return [answer.status, (await answer.json()) as Frame];
  }

  async function signIn(base: string): Promise<User> {
    return (await post(`${base}/anonymous-signin`))[1] as unknown as User;
  }

  async function createRoom(base: string, user: User): Promise<Room> {
    const [, room] = await post(`${base}/create-room`, undefined, {
      authorization: `Bearer ${user.id_token}`,
    });
    return room as unknown as Room;
  }

  async function expectOwnWork({ http, ws }: Application): Promise<void> {
    expect(await (await fetch(`${http}/page`)).text()).toBe('a page');
    expect(await post(`${http}/form`, '{"a":1}')).toEqual([200, { a: 1 }]);
    expect((await fetch(`${http}/nowhere`)).status).toBe(404);
    const own = await open(`${ws}/own`);
    own.send('echo');
    expect(await own.nextRaw()).toBe('echo');
    own.drop();
  }

  test('[E1] serves all dialects on the server of the application, in one room, and HTTP beside it', async () => {
    const signaling = await embed();
    const application = await serve(signaling.routes);
    signaling.attach(application.server);
    const { http, ws } = application;
    const user = await signIn(http);
    const room = await createRoom(http, user);

    const flat = await open(ws);
    flat.send({ type: 'join_room', ...room, peer_id: 'flat', id_token: user.id_token });
    await flat.expect({ type: 'room_joined' });
    const query = new URLSearchParams({ token: user.id_token, room_token: room.token }).toString();
    for (const [path, name] of [
      ['/signal', 'gateway'],
      ['/ws/webrtc', 'webrtc'],
      ['/webrtc/ws', 'webrtc too'],
    ] as const) {
      await open(`${ws}${path}/${room.room_id}?${query}&peer_id=${encodeURIComponent(name)}`);
      await flat.expect({ type: 'user_joined', peer_id: name });
    }
    await expectOwnWork(application);
  });

  test('[E1] serves only the dialects that it is told, and leaves all other upgrades alone', async () => {
    const signaling = await embed({ dialects: ['webrtc'] });
    const { server, ws } = await serve();
    signaling.attach(server);
    // Somebody else answers those: here the application, which names what it was asked for.
    server.on('upgrade', (request, socket) => {
      if (!request.url?.startsWith('/ws/webrtc/'))
        socket.end('HTTP/1.1 418 Left alone\r\nconnection: close\r\n\r\n');
    });
    for (const path of ['/', '/signal/lobby', '/elsewhere', '/ws/webrtc']) {
      expect(await refusalOf(ws + path)).toBe('Unexpected server response: 418');
    }
    const peer = await open(`${ws}/ws/webrtc/lobby`);
    expect((await peer.closed).code).toBe(4003);
  });

  test('[E1] two of them on one server, each with its dialect, know nothing of each other', async () => {
    const [one, two] = [await embed({ dialects: ['gateway'] }), await embed({ dialects: ['flat'] })];
    const { server, ws, http } = await serve(two.routes);
    one.attach(server);
    two.attach(server);
    await meet(ws, ws, 'lobby');
    const user = await signIn(http);
    const flat = await open(ws);
    flat.send({ type: 'join_room', room_id: 'lobby', peer_id: 'flat', id_token: user.id_token });
    await flat.expect({ type: 'error', code: 'ROOM_NOT_FOUND' });
  });

  test('[E1] its routes work under a prefix too', async () => {
    const signaling = await embed();
    const app = express();
    app.use('/signaling', signaling.routes);
    const application = await serve(app);
    const user = await signIn(`${application.http}/signaling`);
    expect(await createRoom(`${application.http}/signaling`, user)).toMatchObject({
      token: expect.any(String),
    });
    expect((await fetch(`${application.http}/healthz`)).status).toBe(404);
    await expectOwnWork(application);
  });

  const deletion = '{"peer_id":"nobody"}';
  const notThere = [200, { status: 'peer not found' }];

  test.each<readonly [string, RequestHandler]>([
    ['express.json()', express.json()],
    ['express.text()', express.text({ type: '*/*' })],
    ['express.raw()', express.raw({ type: '*/*' })],
    [
      'what waits before it hands on',
      (_request, _response, next) => {
        setImmediate(next);
      },
    ],
  ])('[E1] [H4] its routes read bodies before and behind %s', async (_, parser) => {
    const signaling = await embed();
    for (const handlers of [
      [signaling.routes, parser],
      [parser, signaling.routes],
    ]) {
      const { http } = await serve(...handlers);
      expect(await post(`${http}/delete-peers-and-room`, deletion)).toEqual(notThere);
      expect(await post(`${http}/delete-peers-and-room`, '[1]')).toMatchObject([422, {}]);
      const { id_token: token } = await signIn(http);
      const [status, room] = await post(`${http}/rooms`, '{"access":"token"}', {
        authorization: `Bearer ${token}`,
      });
      expect([status, room]).toEqual([200, expect.objectContaining({ token: expect.any(String) })]);
    }
  });

  test('[E1] [H12] a body that somebody has read and not kept is answered with an error, not with silence', async () => {
    const signaling = await embed();
    const { http } = await serve((request, _, next) => {
      request.resume().once('end', next);
    }, signaling.routes);
    const [status] = await post(`${http}/rooms`, '{"access":"open"}');
    expect(status).toBe(500);
    const answer = await fetch(`${http}/delete-peers-and-room`, { method: 'POST', body: deletion });
    expect([answer.status, await answer.text()]).toEqual([500, 'Internal Server Error']);
    // What has no body is served as ever.
    expect(await signIn(http)).toMatchObject({ username: expect.any(String) });
  });

  test('[E1] [H6] a body too big is refused, whoever has read it', async () => {
    const signaling = await embed();
    const { http } = await serve(express.json({ limit: '1mb' }), signaling.routes);
    // In pieces, so that its length is not said before.
    const body = new Blob([JSON.stringify({ peer_id: 'x'.repeat(100_000) })]).stream();
    const answer = await fetch(`${http}/delete-peers-and-room`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
    });
    expect(answer.status).toBe(413);
  });

  test('[E1] [T8] close() sends the peers away, and leaves the server and what else it serves as they were', async () => {
    const signaling = await embed();
    const application = await serve(signaling.routes);
    const { server, http, ws } = application;
    const before = server.listenerCount('upgrade');
    signaling.attach(server);
    const user = await signIn(http);
    const room = await createRoom(http, user);
    const flat = await open(ws);
    flat.send({ type: 'join_room', ...room, peer_id: 'flat', id_token: user.id_token });
    await flat.expect({ type: 'room_joined' });
    const own = await open(`${ws}/own`);

    await Promise.all([signaling.close(), signaling.close()]);
    await flat.expect({ type: 'go_away' });
    expect((await flat.closed).code).toBe(4000);
    expect(server.listening).toBe(true);
    expect(server.listenerCount('upgrade')).toBe(before);
    own.send('still here');
    expect(await own.nextRaw()).toBe('still here');
    await expectOwnWork(application);
  });

  test('[E1] [C7] close() ends within DRAIN_MS though its peers go nowhere and Redis does not answer', async () => {
    const redis = await RedisServer.start();
    try {
      const signaling = await embed({
        settings: { REDIS_URL: redis.url, DRAIN_MS: '300', GRACE_MS: '600000' },
      });
      const { server, http, ws } = await serve(signaling.routes);
      signaling.attach(server);
      const user = await signIn(http);
      const room = await createRoom(http, user);
      const flat = await open(ws);
      flat.send({ type: 'join_room', ...room, peer_id: 'flat', id_token: user.id_token });
      await flat.expect({ type: 'room_joined' });
      await redis.kill();
      await signaling.close();
      await flat.expect({ type: 'go_away' });
      expect(server.listening).toBe(true);
    } finally {
      await redis.stop();
    }
  });

  test('[E1] [B5] says what is wrong with its settings, and does not look at the environment', async () => {
    const settings = { GRACE_MS: 'soon', TURN_URLS: 'turn:relay.test' };
    await expect(createEmbeddedSignaling({ settings })).rejects.toThrow(/GRACE_MS[^]*TURN_SHARED_SECRET/);
    process.env['GRACE_MS'] = 'soon';
    try {
      expect((await embed()).decisions).toContain('Nodes: this one alone.');
    } finally {
      delete process.env['GRACE_MS'];
    }
  });
});
