/** The audit trail: who did what, of every event on its list, and what befalls its file. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, describe, expect, test } from '@jest/globals';
import { AuditLog } from '../../src/adapters/system/audit-log.js';
import { PinoLogger } from '../../src/adapters/system/pino-logger.js';
import { createApp } from '../../src/app.js';
import { loadConfig } from '../../src/config.js';
import { auditEvents, type AuditEvent } from '../../src/ports/audit.js';
import { SignalingError } from '../../src/protocol/errors.js';
import { FakeClock } from '../support/fake-clock.js';
import { ProcessBuild } from '../support/process-build.js';
import { TestServer } from '../support/server.js';
import { Program } from '../support/spawn.js';
import { testLogger } from '../support/test-logs.js';
import { TestPeer } from '../support/test-peer.js';

type Line = Readonly<Record<string, unknown>>;

const folder = mkdtempSync(path.join(os.tmpdir(), 'audit-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function linesOf(file: string): Line[] {
  const text = readFileSync(file, 'utf8');
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line);
}

/** The next frame like this, whatever comes before it. */
async function until(peer: TestPeer, fields: Line): Promise<Line> {
  for (;;) {
    const frame = await peer.next();
    if (Object.entries(fields).every(([name, value]) => frame[name] === value)) return frame;
  }
}

describe('over a real server', () => {
  const file = path.join(folder, 'real.log');
  const address = '127.0.0.1';
  const expected: [AuditEvent, Line][] = [];

  function expects(event: AuditEvent, fields: Line = {}): void {
    expected.push([event, fields]);
  }

  test('[K6] every event on the list has its line, with who, where and from where', async () => {
    const key = 'a key of sixteen letters';
    const token = 'a token of the operator';
    const server = await TestServer.start({
      AUDIT_LOG: file,
      INTERNAL_SERVICE_KEY: key,
      ADMIN_TOKEN: token,
      RATE_ICE_PER_IP: '2',
      TURN_URLS: 'turn:relay.test',
      TURN_SHARED_SECRET: 'sixteen letters or more',
      ALLOW_ANONYMOUS_GATEWAY: '1',
    });
    expects('started');
    const say = (url: string, init: RequestInit = {}): Promise<Response> => fetch(server.http + url, init);
    const bearer = (value: string): RequestInit => ({ headers: { authorization: `Bearer ${value}` } });

    const [anna, bert] = [await server.signIn(), await server.signIn()];
    expects('signed_in', { user: anna.username, address });
    const room = await server.createRoom(anna);
    const of = { room: room.room_id, address };
    expects('room_created', of);
    await say('/create-room', { method: 'POST', ...bearer('nonsense') });
    expects('token_refused', { code: '/create-room', address });

    // A host, a guest, and what they do.
    const host = await server.join(room, 'anna', {}, anna);
    const guest = await server.join(room, 'bert', {}, bert);
    await until(host, { type: 'user_joined' });
    expects('joined', { ...of, peer: 'bert' });
    expects('turn_credentials_issued', { ...of, peer: 'anna' });
    guest.send({ type: 'offer', sender: 'anna', target: 'anna', sdp: 'x' });
    await until(guest, { type: 'error' });
    expects('sender_forged', { ...of, peer: 'bert' });
    guest.send({ type: 'refresh_token', token: bert.id_token });
    await until(guest, { type: 'token_refreshed' });
    expects('token_refreshed', { ...of, peer: 'bert' });
    host.send({ type: 'set_room_mode', mode: 'P2P', id: 'm' });
    await until(host, { reply_to: 'm' });
    expects('mode_set', { ...of, peer: 'anna', code: 'P2P' });
    host.send({ type: 'transfer_host', target: 'bert', id: 't' });
    await until(host, { reply_to: 't' });
    expects('host_transferred', { ...of, peer: 'anna', target: 'bert' });
    guest.send({ type: 'kick', target: 'anna', id: 'k' });
    await until(guest, { reply_to: 'k' });
    expects('kicked', { ...of, peer: 'bert', target: 'anna' });
    await host.closed;
    expects('left', { ...of, peer: 'anna', code: 'kicked' });
    const again = await server.connect();
    again.send({ type: 'join_room', ...room, id_token: anna.id_token });
    await until(again, { type: 'error' });
    expects('join_refused', { ...of, code: 'KICKED' });
    const newer = await server.join(room, 'bert', {}, bert);
    await guest.closed;
    expects('taken_over', { ...of, peer: 'bert' });
    newer.drop();

    // Two that resume, register and are deleted.
    const other = await server.createRoom(anna);
    const carl = await server.connect();
    carl.send({ type: 'join_room', peer_id: 'carl', ...other, id_token: anna.id_token });
    const joined = await until(carl, { type: 'room_joined' });
    carl.drop();
    const back = await server.connect();
    const { session_id, resume_token } = joined;
    const resume = { session_id, resume_token, count: 0 };
    back.send({ type: 'join_room', peer_id: 'carl', ...other, id_token: anna.id_token, resume });
    await until(back, { type: 'room_joined', resumed: true });
    expects('resumed', { room: other.room_id, peer: 'carl', session: session_id });
    await server.register(other, bert.username, bert);
    await server.post('/delete-peer', { peer_id: 'carl' }, anna.id_token);
    expects('peer_deleted', { target: 'carl', address });
    await server.post('/delete-peers-and-room', { room_id: other.room_id });
    expects('room_deleted', { room: other.room_id, address });
    expects('user_deleted', { room: other.room_id, peer: bert.username });
    const listed = await server.post('/rooms', {}, anna.id_token);
    const { roomId: id } = JSON.parse(listed.text) as { roomId: string };
    const json = { 'content-type': 'application/json', authorization: `Bearer ${anna.id_token}` };
    await say(`/rooms/${id}`, { method: 'PATCH', headers: json, body: '{"status":"finished"}' });
    expects('room_changed', { room: id, code: 'finished', address });

    // Who is refused.
    await expect(TestPeer.open(server.ws, { origin: 'https://evil.test' })).rejects.toThrow('403');
    expects('origin_refused', { address });
    for (let at = 0; at < 3; at += 1) await say('/ice-servers');
    expects('limit_reached', { code: '/ice-servers', address });
    await say(`/internal/rooms/${id}`, { headers: { 'x-internal-service-key': 'wrong' } });
    expects('internal_key_refused', { address });
    await say('/metrics', bearer('wrong'));
    expects('operator_refused', { code: '401', address });
    await say('/metrics', bearer(token));
    await say('/metrics', bearer(token));
    expects('operator_seen', { address });
    await server.stop();
    expects('draining');
    expects('stopped');

    const refuseAll = { signIn: () => Promise.reject(new SignalingError('IDENTITY_UNAVAILABLE')) };
    const identities = { ...refuseAll, deleteUser: () => Promise.resolve('deleted' as const) };
    const broken = await TestServer.start({ AUDIT_LOG: file }, { identities });
    await broken.post('/anonymous-signin');
    await broken.stop();
    expects('sign_in_failed', { code: 'IDENTITY_UNAVAILABLE', address });

    const lines = linesOf(file);
    for (const [event, fields] of expected) {
      expect(lines).toContainEqual(
        expect.objectContaining({ log: 'audit', event, node: expect.stringMatching(/^node-/), ...fields }),
      );
    }
    for (const line of lines) expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect([...new Set(lines.map((line) => line['event']))].sort()).toEqual([...auditEvents].sort());
    // Prometheus comes every few seconds.
    const seen = lines.filter((line) => line['event'] === 'operator_seen');
    expect(seen.map((line) => line['unwritten'])).toEqual([undefined, 1]);
    // What was counted is told before the end.
    const end = lines.findIndex((line) => line['event'] === 'stopped');
    expect(lines.findLastIndex((line) => line['event'] === 'operator_seen')).toBeLessThan(end);
    const secrets = [key, token, anna.id_token, room.token, resume_token, 'sixteen letters or more'];
    for (const secret of secrets) expect(readFileSync(file, 'utf8')).not.toContain(secret);
  });
});

describe('[K7] a flood', () => {
  function open() {
    const lines: Line[] = [];
    const clock = new FakeClock();
    const sink = {
      write: (line: string) => lines.push(JSON.parse(line) as Line),
      reopen: () => undefined,
      close: () => undefined,
    };
    return { lines, clock, audit: new AuditLog({ sink, node: 'n1', clock, logger: testLogger() }) };
  }

  test('of one address is written for a while, then counted', () => {
    const { lines, clock, audit } = open();
    for (let at = 0; at < 1_000; at += 1) audit.record('token_refused', { address: '10.0.0.1' });
    audit.record('token_refused', { address: '10.0.0.2' });
    expect(lines).toHaveLength(21);
    clock.advance(60_000);
    expect(lines.slice(21)).toEqual([
      expect.objectContaining({ event: 'token_refused', address: '10.0.0.1', unwritten: 980 }),
    ]);
    audit.record('token_refused', { address: '10.0.0.1' });
    expect(lines).toHaveLength(23);
  });

  test('of many addresses fills neither disk nor memory', () => {
    const { lines, audit } = open();
    for (let at = 0; at < 10_000; at += 1)
      audit.record('origin_refused', { address: `2001:db8::${String(at)}` });
    expect(lines).toHaveLength(2_000);
    audit.close();
    const counted = lines.slice(2_000).map((line) => Number(line['unwritten']));
    expect(counted).toHaveLength(101);
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(8_000);
  });

  test('does not keep what was done from being written', () => {
    const { lines, audit } = open();
    for (let at = 0; at < 10_000; at += 1) audit.record('origin_refused', { address: '10.0.0.1' });
    audit.record('joined', { address: '10.0.0.1' });
    expect(lines.at(-1)).toMatchObject({ event: 'joined' });
  });
});

describe('[K8] its file', () => {
  test('goes on in a new one after a SIGHUP', async () => {
    const made = await ProcessBuild.make('src/main.ts');
    const file = path.join(folder, 'rotated.log');
    const settings = { HOST: '127.0.0.1', HTTP_PORT: '0', WS_PORT: '0', LOG_LEVEL: 'warn', AUDIT_LOG: file };
    const assignments = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const program = Program.start('env', ['-i', ...assignments, process.execPath, made.entry]);
    try {
      const [http = ''] = /http:\/\/[\d.:]+/.exec(await program.line(/^HTTP /)) ?? [];
      renameSync(file, `${file}.1`);
      program.signal('SIGHUP');
      // The signal takes its time; whatever is done until then is in the old file.
      do await fetch(`${http}/anonymous-signin`, { method: 'POST' });
      while (!existsSync(file));
      await fetch(`${http}/anonymous-signin`, { method: 'POST' });
      program.signal('SIGTERM');
      expect(await program.exited).toMatchObject({ code: 0 });
      const events = (name: string): unknown[] => linesOf(name).map((line) => line['event']);
      expect(events(`${file}.1`)[0]).toBe('started');
      expect(events(file)).toContain('signed_in');
      expect(events(file).slice(-2)).toEqual(['draining', 'stopped']);
    } finally {
      await program.stop();
      made.remove();
    }
  });

  test('that cannot be written is told at the start', async () => {
    const config = loadConfig({ AUDIT_LOG: path.join(folder, 'no', 'such', 'folder'), LOG_LEVEL: 'silent' });
    await expect(createApp(config)).rejects.toThrow(/AUDIT_LOG cannot be written: ENOENT/);
  });

  test('on a full disk does not hold the server up, and the log says once that the trail has a hole', async () => {
    const lines: string[] = [];
    const stream = { write: (line: string) => lines.push(line) };
    const logger = new PinoLogger({ level: 'warn', node: 'n1', stream });
    const server = await TestServer.start({ AUDIT_LOG: '/dev/full' }, { logger });
    const peer = await server.join(await server.createRoom(), 'anna');
    peer.send({ type: 'heartbeat' });
    await peer.expect({ type: 'heartbeat_ack' });
    await server.stop();
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        event: 'audit_not_written',
        error: expect.objectContaining({ code: 'ENOSPC' }),
      }),
    ]);
  });

  test('none is kept with AUDIT_LOG=none, and standard output has it otherwise', async () => {
    const made = await ProcessBuild.make('src/main.ts');
    try {
      for (const [auditLog, events] of [
        ['none', []],
        ['stdout', ['started', 'draining', 'stopped']],
      ] as const) {
        const settings = { HOST: '127.0.0.1', HTTP_PORT: '0', WS_PORT: '0', LOG_LEVEL: 'silent' };
        const all = Object.entries({ ...settings, AUDIT_LOG: auditLog });
        const program = Program.start('env', [
          '-i',
          ...all.map(([name, value]) => `${name}=${value}`),
          process.execPath,
          made.entry,
        ]);
        await program.line(/^Media: /);
        program.signal('SIGTERM');
        await program.exited;
        const found = program.lines
          .filter((line) => line.startsWith('{'))
          .map((line) => JSON.parse(line) as Line);
        expect(found.map((line) => line['event'])).toEqual(events);
        for (const line of found) expect(line).toMatchObject({ log: 'audit' });
      }
    } finally {
      made.remove();
    }
  });
});
