/** Traces: what they show of a join and of those whom the server asks, and that they cost nothing where nobody looks. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';
import { afterEach, describe, expect, test } from '@jest/globals';
import { PinoLogger } from '../../src/adapters/system/pino-logger.js';
import { noTelemetry } from '../../src/ports/telemetry.js';
import { version } from '../../src/version.js';
import { RedisServer } from '../support/redis.js';
import { RoomService } from '../support/room-service.js';
import { TestServer } from '../support/server.js';
import { SpanReceiver } from '../support/span-receiver.js';
import { Program } from '../support/spawn.js';
import { TestPeer } from '../support/test-peer.js';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${parentId}-01`;
const isError = 2;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function started<Part extends { stop(): Promise<unknown> }>(starting: Promise<Part>): Promise<Part> {
  const part = await starting;
  closers.unshift(() => part.stop());
  return part;
}

describe('with a collector', () => {
  test('[K9] a join goes on with the trace of its upgrade, what it asks of Redis and others is inside, and they are handed the trace', async () => {
    const [receiver, redis, rooms] = await Promise.all([
      started(SpanReceiver.start()),
      started(RedisServer.start()),
      started(RoomService.start()),
    ]);
    const handedOn = new Map<string, unknown>();
    rooms.answer = (response) => {
      const id = response.req.url?.split('/').at(-1) ?? '';
      handedOn.set(id, response.req.headers['traceparent']);
      response.writeHead(404).end();
    };
    const server = await TestServer.start({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_SERVICE_NAME: 'the name of a service',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=a%20test, service.name=another,service.version=0',
      NODE_ID: 'traced',
      REDIS_URL: redis.url,
      ROOM_SERVICE_URL: rooms.url,
      INTERNAL_SERVICE_KEY: rooms.key,
    });
    const user = await server.signIn();
    const made = await fetch(`${server.http}/create-room`, {
      method: 'POST',
      headers: { authorization: `Bearer ${user.id_token}`, traceparent },
    });
    const room = (await made.json()) as { room_id: string; token: string };
    const peer = await TestPeer.open(server.ws, { headers: { traceparent } });
    peer.send({ type: 'join_room', room_id: 'elsewhere', token: room.token, id_token: user.id_token });
    await peer.expect({ type: 'error' });
    peer.send({ type: 'join_room', peer_id: 'anna', ...room, id_token: user.id_token });
    const { session_id: session } = await peer.expect({ type: 'room_joined' });
    peer.drop();
    await server.stop();

    expect([...receiver.paths]).toEqual(['/v1/traces']);
    const joins = receiver.spans.filter(({ name }) => name === 'join join' || name === 'join');
    expect(joins).toHaveLength(2);
    for (const join of joins) expect(join).toMatchObject({ traceId, parentSpanId: parentId, kind: 2 });
    const [refused, joined] = joins;
    // Who is refused is no failure of ours.
    expect(refused).toMatchObject({ attributes: { 'error.type': 'ROOM_NOT_FOUND', room: 'elsewhere' } });
    expect(refused?.status.code).not.toBe(isError);
    expect(joined).toMatchObject({ attributes: { session, room: room.room_id } });
    const asked = receiver.spans.filter(
      ({ name, parentSpanId }) => name.startsWith('room_service ') && parentSpanId === refused?.spanId,
    );
    expect(asked).toEqual([expect.objectContaining({ traceId, kind: 3 })]);
    expect(handedOn.get('elsewhere')).toBe(`00-${traceId}-${asked[0]?.spanId ?? ''}-01`);
    const inside = receiver.spans.filter(({ parentSpanId }) => parentSpanId === joined?.spanId);
    expect(inside.some(({ name }) => name.startsWith('redis '))).toBe(true);
    // The request that made the room carried the same trace.
    const byHttp = receiver.spans.filter(({ parentSpanId }) => parentSpanId === parentId);
    expect(byHttp.some(({ name }) => name.startsWith('redis '))).toBe(true);
    expect(joined?.resource).toMatchObject({
      'service.name': 'the name of a service',
      'deployment.environment': 'a test',
      'service.instance.id': expect.stringMatching(/^traced-[\da-f]{8}$/),
      'service.version': version,
    });
    for (const secret of [user.id_token, room.token, rooms.key])
      expect(receiver.bodies.join('')).not.toContain(secret);
  });

  test('[K9] of a traceparent that is too long to be one nothing is kept with the session', async () => {
    const kept: unknown[] = [];
    const traces = {
      continueFrom: <Result>(header: unknown, run: () => Result): Result => {
        kept.push(header);
        return run();
      },
      current: () => undefined,
    };
    const server = await TestServer.start({}, { telemetry: { ...noTelemetry, traces } });
    const user = await server.signIn();
    const room = await server.createRoom(user);
    kept.length = 0;
    for (const header of [traceparent, `${traceparent}${'0'.repeat(8_000)}`]) {
      const peer = await TestPeer.open(server.ws, { headers: { traceparent: header } });
      peer.send({ type: 'join_room', ...room, id_token: user.id_token });
      await peer.expect({ type: 'room_joined' });
      peer.drop();
    }
    await server.stop();
    expect(kept).toEqual([traceparent, undefined]);
  });

  test('[K9] a failure has its code, and none of the words of whoever failed', async () => {
    const [receiver, rooms] = await Promise.all([
      started(SpanReceiver.start()),
      started(RoomService.start()),
    ]);
    rooms.answer = (response) => response.writeHead(500).end('{"error":"a word of its own"}');
    const server = await TestServer.start({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/elsewhere`,
      ROOM_SERVICE_URL: rooms.url,
      INTERNAL_SERVICE_KEY: rooms.key,
    });
    const user = await server.signIn();
    const peer = await server.connect();
    peer.send({ type: 'join_room', room_id: 'elsewhere', token: 'abcdef', id_token: user.id_token });
    await peer.expect({ type: 'error', code: 'STORE_UNAVAILABLE' });
    await server.stop();
    expect([...receiver.paths]).toEqual(['/elsewhere']);
    const join = receiver.named('join');
    expect(join).toMatchObject({ parentSpanId: '', status: { code: isError, message: 'STORE_UNAVAILABLE' } });
    expect(receiver.named('room_service').status.code).toBe(isError);
    expect(receiver.bodies.join('')).not.toContain('a word of its own');
  });

  test('[K9] what a client chose is cut as in the log', async () => {
    const receiver = await started(SpanReceiver.start());
    const server = await TestServer.start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    const { id_token } = await server.signIn();
    const peer = await server.connect();
    peer.send({ type: 'join_room', room_id: 'r'.repeat(10_000), token: 'abcdef', id_token });
    await peer.expect({ type: 'error' });
    await server.stop();
    expect(receiver.named('join').attributes['room']).toBe('r'.repeat(256));
  });

  test.each([
    ['no header', undefined],
    ['nonsense', 'nonsense'],
    ['zeros', `00-${'0'.repeat(32)}-${parentId}-01`],
    ['more than version 00 has', `${traceparent}-more`],
    ['a version that is none', `ff-${traceId}-${parentId}-01`],
  ])('[K9] a traceparent that names no trace is none: %s', async (_, header) => {
    const receiver = await started(SpanReceiver.start());
    const server = await TestServer.start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    const room = await server.createRoom();
    const { id_token } = await server.signIn();
    const headers = header === undefined ? {} : { traceparent: header };
    const peer = await TestPeer.open(server.ws, { headers });
    peer.send({ type: 'join_room', ...room, id_token });
    await peer.expect({ type: 'room_joined' });
    peer.drop();
    await server.stop();
    expect(receiver.named('join')).toMatchObject({ parentSpanId: '' });
    expect(receiver.named('join').traceId).not.toBe(traceId);
  });
});

describe('without one', () => {
  // OpenTelemetry's own: it gives up sooner than in ten seconds, and does not wait for more spans.
  const quick = { OTEL_EXPORTER_OTLP_TIMEOUT: '300', OTEL_BSP_SCHEDULE_DELAY: '10' };
  afterEach(() => {
    for (const name of Object.keys(quick)) Reflect.deleteProperty(process.env, name);
  });

  test('[K10] a collector that is down costs one warning, and neither calls nor the end wait for it', async () => {
    const nobody = await SpanReceiver.start();
    const { url } = nobody;
    await nobody.stop();
    Object.assign(process.env, quick);
    const lines: string[] = [];
    let onWarning = (): void => undefined;
    const warned = new Promise<void>((resolve) => (onWarning = resolve));
    const stream = {
      write: (line: string) => {
        lines.push(line);
        if (line.includes('traces_not_exported')) onWarning();
      },
    };
    const logger = new PinoLogger({ level: 'warn', node: 'n1', stream });
    const server = await started(TestServer.start({ OTEL_EXPORTER_OTLP_ENDPOINT: url }, { logger }));
    await server.join(await server.createRoom(), 'anna');
    await warned;
    await server.join(await server.createRoom(), 'bert');
    await server.stop();
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ level: 'warn', event: 'traces_not_exported', count: expect.any(Number) }),
    ]);
  });

  test('[K10] who traces nothing needs nothing of OpenTelemetry, not even on the disk', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'untraced-'));
    closers.push(async () => {
      rmSync(folder, { recursive: true });
      await Promise.resolve();
    });
    linkPackagesBut('@opentelemetry', path.join(folder, 'node_modules'));
    // Not bundled: modules are loaded as the built server loads them.
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' });
    const entryPoints = sources
      .filter((name) => name.endsWith('.ts') && !name.startsWith('web'))
      .map((name) => path.join('src', name));
    await build({
      entryPoints,
      outdir: path.join(folder, 'dist'),
      format: 'esm',
      target: 'node20',
      logLevel: 'warning',
    });
    const run = (settings: readonly string[]): Program => {
      const own = ['HOST=127.0.0.1', 'HTTP_PORT=0', 'WS_PORT=0', 'AUDIT_LOG=none', ...settings];
      const main = path.join(folder, 'dist/main.js');
      const program = Program.start('env', [
        '-i',
        ...own,
        process.execPath,
        '--input-type=module',
        '-e',
        `import '${main}'`,
      ]);
      closers.unshift(() => program.stop());
      return program;
    };
    const untraced = run([]);
    await untraced.line(/^Media: /);
    untraced.signal('SIGTERM');
    expect(await untraced.exited).toMatchObject({ code: 0 });
    const traced = run(['OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9']);
    await traced.complaint(/Cannot find package '@opentelemetry/);
  });
});

function linkPackagesBut(left: string, folder: string): void {
  mkdirSync(folder);
  for (const name of readdirSync('node_modules')) {
    if (name !== left && !name.startsWith('.'))
      symlinkSync(path.resolve('node_modules', name), path.join(folder, name));
  }
}
