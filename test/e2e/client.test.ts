/** What the bundled client does beside moving a file: who it serves, how it fails, how it leaves. */
import { copyFileSync, mkdirSync, readdirSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parseSession } from '../../src/client/session-string.js';
import { TestServer } from '../support/server.js';
import { PeerLab, readSession, sha256 } from './peers.js';

// For a machine that has much else to do.

let lab: PeerLab;
let server: TestServer;
let file: string;

beforeAll(async () => {
  lab = await PeerLab.open();
  file = lab.file('data.bin', 300_001);
});

beforeEach(async () => {
  server = await TestServer.start();
});

afterEach(async () => {
  await lab.stopAll();
  await server.stop();
});

afterAll(async () => {
  await lab.close();
});

const sessionLine = /^signal-session:[\w-]+$/;

/** A worker of the test's own, which answers nothing by itself. */
async function silentWorker(): Promise<{
  session: string;
  peer: Awaited<ReturnType<TestServer['connect']>>;
}> {
  const user = await server.signIn();
  const room = await server.createRoom(user);
  const peer = await server.register(room, undefined, user);
  const json = JSON.stringify({ r: room.room_id, t: room.token, p: user.username });
  return { session: `signal-session:${Buffer.from(json).toString('base64url')}`, peer };
}

test('files sent to an aiortc worker that sends nothing back are complete when the client has ended', async () => {
  const [large, empty] = [lab.file('large.bin', 5_300_001), lab.file('empty.bin', 0)];
  const out = lab.path('silent');
  const worker = lab.start('aiortc', 'worker', server, { out, expect: 2 });
  const session = await worker.line(/^sleap-session:/);
  const client = lab.start('node', 'client', server, { session, send: [large, empty] });
  expect([(await client.exited).code, client.output]).toEqual([0, expect.any(String)]);
  expect([(await worker.exited).code, worker.output]).toEqual([0, expect.any(String)]);
  expect(sha256(path.join(out, 'large.bin'))).toBe(sha256(large));
  expect(sha256(path.join(out, 'empty.bin'))).toBe(sha256(empty));
});

test('[P4] the aiortc peer of these tests ends at any frame that it does not know, so what passes has shown that none came', async () => {
  const worker = lab.start('aiortc', 'worker', server, {});
  const { r, t, p } = readSession(await worker.line(/^sleap-session:/));
  const other = await server.register({ room_id: r, token: t }, 'other');
  other.send({ type: 'candidate', sender: 'other', target: p });
  expect((await worker.exited).code).toBe(3);
  await worker.line(/^unknown frame: type 'candidate'/);
});

test('a worker serves one client after another, and opens a new room when a Python client deletes the first', async () => {
  const worker = lab.start('node', 'worker', server, { send: [file], out: lab.path('many') });
  const session = await worker.line(sessionLine);
  // The number of files to wait for is the worker's to say; a session string may be used again.
  for (const out of ['first', 'second']) {
    const client = lab.start('node', 'client', server, { session, send: [file], out: lab.path(out) });
    expect([(await client.exited).code, client.output]).toEqual([0, expect.any(String)]);
    expect(sha256(lab.path(`${out}/data.bin`))).toBe(sha256(file));
  }
  const python = lab.start('aiortc', 'client', server, { session, send: [file], out: lab.path('third') });
  expect([(await python.exited).code, python.output]).toEqual([0, expect.any(String)]);

  const next = await worker.line(sessionLine, 2);
  const late = lab.start('node', 'client', server, { session, send: [file] });
  expect((await late.exited).code).toBe(4);
  const client = lab.start('node', 'client', server, { session: next, out: lab.path('fourth') });
  expect([(await client.exited).code, client.output]).toEqual([0, expect.any(String)]);
  expect(readdirSync(lab.path('many')).sort()).toEqual(['data (1).bin', 'data (2).bin', 'data.bin']);

  worker.signal('SIGINT');
  expect([(await worker.exited).code, worker.output]).toEqual([0, expect.any(String)]);
  const { status, text } = await server.post('/delete-peers-and-room', { peer_id: readSession(next).p });
  expect([status, text]).toEqual([200, '{"status":"peer not found"}']);
});

test('the offer is what a parity peer expects, complete, with what our own peers need beside it', async () => {
  const { session, peer } = await silentWorker();
  const client = lab.start('node', 'client', server, { session, send: [file] });
  const offer = await peer.expect({ type: 'offer', target: parseSession(session).peerId });
  expect(Object.keys(offer)).toEqual(['type', 'sender', 'target', 'sdp', 'file_transfer']);
  expect(offer['sdp']).toMatch(/^a=candidate:/m);
  expect(offer['file_transfer']).toEqual({ version: 1, files: 1, stays: false });
  client.signal('SIGINT');
  await client.exited;
});

test('an interrupted client leaves nothing of itself behind, and the room to the others', async () => {
  const { session, peer } = await silentWorker();
  const client = lab.start('node', 'client', server, { session, send: [file] });
  const { sender } = await peer.expect({ type: 'offer' });
  client.signal('SIGINT');
  expect((await client.exited).code).toBe(130);
  expect(await server.post('/delete-peers-and-room', { peer_id: sender })).toMatchObject({
    text: '{"status":"peer not found"}',
  });
  const { roomId, token } = parseSession(session);
  await server.register({ room_id: roomId, token });
});

test('a client that is interrupted in the middle of a file costs the worker only that file', async () => {
  const endless = lab.file('endless.bin', 1);
  truncateSync(endless, 2_000_000_000);
  const out = lab.path('interrupted');
  const worker = lab.start('node', 'worker', server, { out });
  const session = await worker.line(sessionLine);
  const client = lab.start('node', 'client', server, { session, send: [endless] });
  await worker.complaint(/^receiving endless\.bin/);
  client.signal('SIGTERM');
  expect((await client.exited).code).toBe(130);
  await worker.complaint(/^a client was lost: .*in the middle of a file/);
  expect(readdirSync(out)).toEqual([]);
  const next = lab.start('node', 'client', server, { session, send: [file] });
  expect([(await next.exited).code, next.output]).toEqual([0, expect.any(String)]);
  expect(sha256(path.join(out, 'data.bin'))).toBe(sha256(file));
});

test('a worker whose server goes away says so and ends', async () => {
  const worker = lab.start('node', 'worker', server, {});
  await worker.line(sessionLine);
  await server.stop();
  expect((await worker.exited).code).toBe(3);
  expect(worker.complaints.join('\n')).toMatch(/^error: the server closed the connection/m);
});

test('it cleans up where the server wants to know who deletes', async () => {
  const strict = await TestServer.start({ REQUIRE_DELETE_AUTH: '1' });
  try {
    const worker = lab.start('node', 'worker', strict, { more: ['--once'] });
    const session = await worker.line(sessionLine);
    const client = lab.start('node', 'client', strict, { session, send: [file] });
    for (const peer of [client, worker]) {
      expect([(await peer.exited).code, peer.output]).toEqual([
        0,
        expect.not.stringContaining('could not clean up'),
      ]);
    }
    const { r, t, p } = readSession(session);
    const user = await strict.signIn();
    const late = await strict.connect();
    late.send({ type: 'register', peer_id: p, room_id: r, token: t, id_token: user.id_token });
    await late.expect({ type: 'error', reason: 'Room not found' });
  } finally {
    await strict.stop();
  }
});

describe('a failure is one line with a remedy, and an exit code', () => {
  const room = (fields: object): string =>
    `signal-session:${Buffer.from(JSON.stringify(fields)).toString('base64url')}`;
  const nowhere = room({ r: '00000000', t: '000000', p: 'nobody' });
  const deaf = 'http://127.0.0.1:9';

  test.each([
    ['no session string', 2, /session string/, ['--session', 'nonsense']],
    ['an unknown option', 2, /unknown option/, ['--session', nowhere, '--nonsense']],
    ['no session at all', 2, /--session/, []],
    ['a wrong number', 2, /--expect/, ['--session', nowhere, '--expect', '-1']],
    ['a wrong address', 2, /--ws/, ['--session', nowhere, '--ws', 'localhost']],
    [
      'no server for HTTP',
      3,
      /cannot reach .*--http/,
      ['--session', nowhere, '--http', 'http://127.0.0.1:9'],
    ],
    [
      'no server for WebSocket',
      3,
      /cannot reach .*--ws/,
      ['--session', nowhere, '--ws', deaf.replace('http', 'ws')],
    ],
    ['an unknown room', 4, /Room not found \(.*new session string/, ['--session', nowhere]],
    ['a file that is not there', 7, /ENOENT/, ['--session', nowhere, '--send', 'none.bin']],
    ['a folder in place of a file', 7, /no file/, ['--session', nowhere, '--send', '.']],
    ['a file in place of a folder', 7, /ENOTDIR|EEXIST/, ['--session', nowhere, '--out', 'data.bin']],
  ])('%s: %i', async (_, code, line, args) => {
    const client = lab.start('node', 'client', server, { more: args });
    expect([(await client.exited).code, client.output]).toEqual([code, expect.any(String)]);
    expect(client.lines).toEqual([]);
    expect(client.complaints.filter((complaint) => complaint.startsWith('error: '))).toEqual([
      expect.stringMatching(line),
    ]);
  });

  test('a wrong room token: 4', async () => {
    const { session } = await silentWorker();
    const { roomId, peerId } = parseSession(session);
    const wrong = room({ r: roomId, t: 'ffffff', p: peerId });
    const client = lab.start('node', 'client', server, { session: wrong });
    expect((await client.exited).code).toBe(4);
    expect(client.complaints).toEqual([
      expect.stringMatching(/^error: the server refused: Invalid token \(.+\)$/),
    ]);
  });

  test('a worker that does not answer: 5', async () => {
    const { session } = await silentWorker();
    const client = lab.start('node', 'client', server, { session, more: ['--timeout', '2'] });
    expect((await client.exited).code).toBe(5);
    expect(client.complaints).toEqual([expect.stringMatching(/^error: the worker does not answer \(.+\)$/)]);
  });

  test('a worker whose answer is nonsense: 5', async () => {
    const { session, peer } = await silentWorker();
    const client = lab.start('node', 'client', server, { session });
    const { sender } = await peer.expect({ type: 'offer' });
    peer.send({ type: 'answer', sender: parseSession(session).peerId, target: sender, sdp: 'nonsense' });
    expect((await client.exited).code).toBe(5);
    expect(client.complaints).toEqual([expect.stringMatching(/^error: .*answer cannot be used$/)]);
  });

  test('a machine without the WebRTC engine: 2, and what to install', async () => {
    mkdirSync(lab.path('bare'), { recursive: true });
    copyFileSync(lab.path('installed/client.mjs'), lab.path('bare/client.mjs'));
    const client = lab.run([process.execPath, lab.path('bare/client.mjs'), 'client', '--session', nowhere]);
    expect((await client.exited).code).toBe(2);
    expect(client.complaints).toEqual([expect.stringMatching(/^error: .*\(npm install @roamhq\/wrtc\)$/)]);
  });
});

test.each([[['--help']], [['worker', '--help']], [['client', '--help']]])(
  '%j explains itself',
  async (args) => {
    const help = lab.run([process.execPath, lab.path('installed/client.mjs'), ...args]);
    expect((await help.exited).code).toBe(0);
    expect(help.output).toMatch(/Exit codes:/);
    expect(help.complaints).toEqual([]);
  },
);
