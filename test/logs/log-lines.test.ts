/** The log: what is on every line, what is never there, and how it stays small. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from '@jest/globals';
import { PinoLogger } from '../../src/adapters/system/pino-logger.js';
import { ThinnedLogger } from '../../src/adapters/system/thinned-logger.js';
import { loadConfig } from '../../src/config.js';
import { Secret } from '../../src/protocol/secret.js';
import { WireFrame } from '../../src/protocol/wire-frame.js';
import { version } from '../../src/version.js';
import { FakeClock } from '../support/fake-clock.js';
import { ProcessBuild } from '../support/process-build.js';
import { ServerProcess } from '../support/server-process.js';
import { TestServer } from '../support/server.js';

type Line = Readonly<Record<string, unknown>>;

/** A real logger, and what it has written. */
function openLog(node = 'n1') {
  const lines: string[] = [];
  const logger = new PinoLogger({
    level: 'debug',
    node,
    stream: { write: (line: string) => lines.push(line) },
  });
  return { logger, lines, of: (event: string) => parsed(lines).filter((line) => line['event'] === event) };
}

function parsed(lines: readonly string[]): Line[] {
  return lines.map((line) => JSON.parse(line) as Line);
}

test('the version is that of the package', () => {
  const { version: ofPackage } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(version).toBe(ofPackage);
});

describe('a server of its own', () => {
  let made: ProcessBuild | undefined;
  afterAll(() => {
    made?.remove();
  });

  test('[K1] every line names its node and its time, and the life of the server and of a session is told', async () => {
    made = await ProcessBuild.make('src/main.ts');
    const settings = { LOG_LEVEL: 'debug', AUDIT_LOG: 'none', NODE_ID: 'alpha', GRACE_MS: '0' };
    const server = await ServerProcess.start(made.entry, settings);
    const user = await server.node.signIn();
    const room = await server.node.createRoom(user);
    const peer = await server.node.register(room, 'anna', user);
    peer.drop();
    expect(await server.terminate()).toEqual({ code: 0, signal: null });
    const lines = parsed(server.output.split('\n').filter((line) => line.startsWith('{')));
    const [node] = new Set(lines.map((line) => line['node']));
    expect(node).toMatch(/^alpha-[\da-f]{8}$/);
    for (const line of lines) {
      expect(line).toMatchObject({ node, level: expect.any(String), event: expect.any(String) });
      expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
    const events = lines.map((line) => line['event']);
    expect(events.slice(0, 2)).toEqual(['started', 'listening']);
    expect(events.slice(-1)).toEqual(['stopped']);
    for (const event of ['joined', 'left', 'draining']) expect(events).toContain(event);
    expect(lines[0]).toMatchObject({
      version,
      decisions: expect.arrayContaining(['Nodes: this one alone.']),
    });
    expect(lines[1]).toMatchObject({ http: server.node.http.slice(7), ws: server.node.ws.slice(5) });
    const joined = lines.find((line) => line['event'] === 'joined');
    expect(joined).toMatchObject({ room: room.room_id, peer: 'anna', address: '127.0.0.1' });
    expect(joined).toHaveProperty('session');
  });
});

test('[K2] a value with line breaks stays one line, and a long one is cut', async () => {
  const { logger, lines, of } = openLog();
  const server = await TestServer.start({}, { logger });
  const user = await server.signIn();
  const peer = await server.connect();
  const forged = 'x\n{"level":"error","event":"forged"}\r\n\u2028';
  peer.send({ type: 'join_room', room_id: forged, token: 'abcdef', id_token: user.id_token });
  await peer.expect({ type: 'error' });
  peer.send({ type: 'join_room', room_id: 'y'.repeat(5_000), token: 'abcdef', id_token: user.id_token });
  await peer.expect({ type: 'error' });
  await server.stop();
  expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
  expect(of('forged')).toEqual([]);
  const rooms = of('join_refused').flatMap((line) =>
    typeof line['room'] === 'string' ? [line['room']] : [],
  );
  expect(rooms).toEqual([forged, `${'y'.repeat(256)}…`]);
});

test('[K3] a flood of refused upgrades is 50 lines a second, and one that counts the rest', async () => {
  const clock = new FakeClock();
  const { logger, of } = openLog();
  const server = await TestServer.start({}, { clock, logger: new ThinnedLogger(logger, clock) });
  await Promise.all(Array.from({ length: 120 }, () => refusedUpgrade(server.ws)));
  expect(of('upgrade_refused')).toHaveLength(50);
  expect(of('upgrade_refused')[0]).toMatchObject({
    address: '127.0.0.1',
    status: 404,
    reason: expect.stringContaining('No WebSocket is served at this path'),
  });
  expect(of('lines_dropped')).toEqual([]);
  clock.advance(1_000);
  expect(of('lines_dropped')).toEqual([expect.objectContaining({ about: 'upgrade_refused', count: 70 })]);
  await refusedUpgrade(server.ws);
  expect(of('upgrade_refused')).toHaveLength(51);
  clock.advance(10_000);
  expect(of('lines_dropped')).toHaveLength(1);
  await server.stop();
});

test.each([
  ['a version', { 'sec-websocket-version': '12' }, 'Sec-WebSocket-Version'],
  ['a key', { 'sec-websocket-key': 'short' }, 'Sec-WebSocket-Key'],
])(
  '[K3] [J4] an upgrade with %s that is none is a line and is counted, as any other',
  async (_, wrong, named) => {
    const { logger, of } = openLog();
    const server = await TestServer.start({}, { logger });
    const { statusCode, headers } = await refusedUpgrade(server.ws, '/', wrong);
    expect([statusCode, headers['sec-websocket-version']]).toEqual([400, '13']);
    expect(of('upgrade_refused')).toEqual([
      expect.objectContaining({ address: '127.0.0.1', status: 400, reason: expect.stringContaining(named) }),
    ]);
    expect(server.tally.metrics.families.upgrades_refused.sum({ status: '400' })).toBe(1);
    await server.stop();
  },
);

test('[K3] a refused request is a short line without a stack', async () => {
  const { logger, lines, of } = openLog();
  const server = await TestServer.start({}, { logger });
  const headers = { authorization: 'Bearer nonsense' };
  await fetch(`${server.http}/create-room`, { method: 'POST', headers });
  await server.stop();
  const [refused] = of('http_refused');
  expect(refused).toMatchObject({ status: 401, path: '/create-room', error: { code: 'INVALID_TOKEN' } });
  expect(refused?.['error']).not.toHaveProperty('stack');
  const line = lines.find((one) => one.includes('"http_refused"'));
  expect(line?.length).toBeLessThan(400);
});

function refusedUpgrade(ws: string, path = '/nowhere', wrong: object = {}): Promise<http.IncomingMessage> {
  const { hostname, port } = new URL(ws);
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...wrong,
  };
  return new Promise((resolve, reject) => {
    const request = http.get({ hostname, port, path, headers, agent: false });
    request.on('error', reject).on('response', (response) => {
      response.resume().on('end', () => {
        resolve(response);
      });
    });
  });
}

describe('[K5] what is secret does not print', () => {
  const value = 'very secret indeed';

  test.each([
    ['a Secret', new Secret(value)],
    ['a frame', new WireFrame('flat', Buffer.from(value), true)],
  ])('%s', (_, hidden) => {
    const text = [JSON.stringify({ hidden }), inspect({ hidden }, { depth: 9, showHidden: true })];
    const hex = Buffer.from(value).toString('hex').replace(/../g, '$& ').trim();
    for (const shown of text) {
      expect(shown).not.toContain(value);
      expect(shown).not.toContain(hex);
    }
  });

  test('who needs it gets it, and nobody else', () => {
    expect(`a ${new Secret(value).toString()}`).toBe('a [secret]');
    expect(new Secret(value).reveal()).toBe(value);
  });

  test('the settings as a whole', () => {
    const config = loadConfig({
      TURN_URLS: 'turn:relay.test',
      TURN_SHARED_SECRET: value,
      INTERNAL_SERVICE_KEY: value,
      ADMIN_TOKEN: value,
      REDIS_URL: `redis://:${encodeURIComponent(value)}@127.0.0.1:6379`,
    });
    for (const shown of [JSON.stringify(config), inspect(config, { depth: 9 })]) {
      expect(shown).toContain('[secret]');
      expect(shown).not.toContain(value);
    }
  });

  test('an error text that quotes a token, a login or a Bearer value', () => {
    const { logger, lines } = openLog();
    const jwt = `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.${'s'.repeat(60)}`;
    const cause = new Error(
      `no answer from redis://me:${'p'.repeat(9)}@10.0.0.1:6379 to Bearer ${'b'.repeat(20)}`,
    );
    logger.error('failed', { error: new Error(`cannot read ${jwt}`, { cause }) });
    expect(lines.join('')).not.toMatch(/eyJ|p{9}|b{20}/);
    expect(lines.join('')).toContain('cannot read [redacted]');
  });
});
