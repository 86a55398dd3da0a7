/** Who may connect from a browser, and whose cookie counts: cross-site WebSocket hijacking, and CORS. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { isOriginAllowed } from '../../src/transport/ws/origin.js';
import { TestServer, type Room, type User } from '../support/server.js';
import { askFor, upgradeStatus } from './request.js';

const app = 'https://app.example';
/** No list; a list; everybody, and one by name. */
let open: TestServer;
let listed: TestServer;
let starred: TestServer;

beforeAll(async () => {
  [open, listed, starred] = await Promise.all([
    TestServer.start({ AUDIT_LOG: 'none' }),
    TestServer.start({ AUDIT_LOG: 'none', ALLOWED_ORIGINS: `${app.toUpperCase()}:443/ ` }),
    TestServer.start({ AUDIT_LOG: 'none', ALLOWED_ORIGINS: `*,https://named.example` }),
  ]);
});
afterAll(async () => {
  await Promise.all([open, listed, starred].map((server) => server.stop()));
});

const foreign = [
  'null',
  'https://evil.example',
  'http://app.example',
  'https://app.example:8443',
  'https://app.example.',
  'https://app.example.evil.example',
  'https://evil.example/https://app.example',
  'https://evil.example#app.example',
  'https://user@app.example',
  'https://app.example, https://evil.example',
  'https://app.example https://evil.example',
  'https://APP.example',
  'file://',
  'data:',
  '*',
];

describe('with a list', () => {
  test.each(foreign)('[V3] [T6] a page of %s does not connect, and reads nothing', async (origin) => {
    expect(await upgradeStatus(listed.ws, { origin })).toBe(403);
    const { headers } = await askFor(`${listed.http}/health`, { headers: { origin } });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(headers.vary).toBe('Origin');
  });

  test('[V3] [H11] the origin that the list names does, however the list spells it', async () => {
    expect(await upgradeStatus(listed.ws, { origin: app })).toBe(101);
    const { headers } = await askFor(`${listed.http}/health`, { headers: { origin: app } });
    expect(headers['access-control-allow-origin']).toBe(app);
  });

  test('[V3] the host’s own name is not enough', async () => {
    expect(await upgradeStatus(listed.ws, { origin: listed.http })).toBe(403);
  });
});

describe('without a list', () => {
  test.each([
    ['http://signal.example:8001', 'signal.example:8080', true],
    ['https://SIGNAL.example', 'signal.EXAMPLE', true],
    ['http://[::1]:8001', '[::1]:8080', true],
    ['http://signal.example.', 'signal.example', false],
    ['http://signal.example', 'signal.example.', false],
    ['http://sub.signal.example', 'signal.example', false],
    ['http://signal.example.evil.example', 'signal.example', false],
    ['null', 'null', false],
    ['null', 'signal.example', false],
    ['', 'signal.example', false],
    ['http://signal.example', undefined, false],
    ['http://signal.example', 'not a host', false],
  ])('[V3] from %s to %s: %s', (origin, host, isAllowed) => {
    expect(isOriginAllowed(origin, host, [])).toBe(isAllowed);
  });

  test('[V3] a page of another host does not connect', async () => {
    expect(await upgradeStatus(open.ws, { origin: 'http://evil.example' })).toBe(403);
    expect(await upgradeStatus(open.ws, { origin: 'null' })).toBe(403);
    expect(await upgradeStatus(open.ws, { origin: 'http://127.0.0.1' })).toBe(101);
  });
});

describe('a cookie at the upgrade', () => {
  /** What a page that knows a room is told, with nothing but the cookie that the browser adds. */
  async function joinByCookie(server: TestServer, origin: string): Promise<unknown> {
    const user = await server.signIn();
    const room = await server.createRoom(user);
    if ((await upgradeStatus(server.ws, { origin })) !== 101) return 'no upgrade';
    return answer(server, origin, user, room);
  }

  async function answer(server: TestServer, origin: string, user: User, room: Room): Promise<unknown> {
    const headers = { origin, cookie: `access_token=${user.id_token}` };
    const socket = new WebSocket(server.ws, { headers });
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'join_room', peer_id: 'victim', ...room }));
    const [data] = (await once(socket, 'message')) as [Buffer];
    socket.terminate();
    return (JSON.parse(data.toString()) as { readonly type: unknown }).type;
  }

  test('[V3] [U2] counts from an origin that may connect', async () => {
    expect(await joinByCookie(listed, app)).toBe('room_joined');
    expect(await joinByCookie(open, 'http://127.0.0.1')).toBe('room_joined');
    expect(await joinByCookie(starred, 'https://named.example')).toBe('room_joined');
  });

  test('[V3] [U2] is of no use to any other page', async () => {
    expect(await joinByCookie(listed, 'https://evil.example')).toBe('no upgrade');
    expect(await joinByCookie(open, 'https://evil.example')).toBe('no upgrade');
    // Everybody may connect here, but nobody by the cookie alone.
    expect(await joinByCookie(starred, 'https://evil.example')).toBe('error');
    expect(await joinByCookie(starred, 'null')).toBe('error');
  });

  test('[V3] [U2] nor over HTTP, and `*` never goes with credentials', async () => {
    const { id_token: token } = await starred.signIn();
    const ask = (origin: string) =>
      askFor(`${starred.http}/webrtc/config`, { headers: { origin, cookie: `access_token=${token}` } });
    const stranger = await ask('https://evil.example');
    expect(stranger.status).toBe(401);
    expect(stranger.headers['access-control-allow-origin']).toBe('*');
    expect(stranger.headers).not.toHaveProperty('access-control-allow-credentials');
    expect(await ask('https://named.example')).toMatchObject({ status: 200 });
  });
});
