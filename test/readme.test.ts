/** The README, followed literally: its commands on a fresh clone, with an empty home and an empty npm cache. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startAwsEmulators } from './support/aws-emulators.js';
import { testedMediasoup } from './support/mediasoup-worker.js';
import { RedisServer } from './support/redis.js';
import { keepLineOfProcess } from './support/test-logs.js';

const repository = process.cwd();
const readme = readFileSync('README.md', 'utf8');
const folder = mkdtempSync(path.join(os.tmpdir(), 'readme-'));
const clone = path.join(folder, 'signaling');
const running = new Set<ChildProcess>();

/** The commands of the block with that name, with the placeholders filled in. */
function commands(name: string, placeholders: Record<string, string> = {}): string {
  const block = new RegExp(`^\`\`\`sh ${name}\n([^]*?)^\`\`\`$`, 'm').exec(readme)?.[1];
  if (block === undefined) throw new Error(`README.md has no block named ${name}`);
  return Object.entries(placeholders).reduce((text, [from, to]) => text.replaceAll(from, to), block);
}

/** What a newcomer's shell has: no settings of ours, no npm cache, a home with nothing in it. */
const environment: Record<string, string> = {
  PATH: process.env['PATH'] ?? '',
  HOME: path.join(folder, 'home'),
  npm_config_cache: path.join(folder, 'npm-cache'),
  ...Object.fromEntries(
    // How this machine reaches the registry, if it needs telling.
    Object.entries(process.env).flatMap(([name, value]) =>
      /proxy|^SSL_|^NODE_EXTRA_CA|registry/i.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  ),
};

class Terminal {
  readonly lines: string[] = [];
  readonly exit: Promise<number | null>;
  readonly #process: ChildProcess;
  #notify = (): void => undefined;

  constructor(script: string, cwd: string, env: Record<string, string> = {}) {
    // A process group of its own, so that what npm starts is stopped with it.
    this.#process = spawn('bash', ['-e', '-c', script], {
      cwd,
      env: { ...environment, ...env },
      detached: true,
    });
    running.add(this.#process);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        keepLineOfProcess(line);
        this.#notify();
      });
    }
    this.exit = new Promise((resolve) => {
      this.#process.on('close', (code) => {
        running.delete(this.#process);
        resolve(code);
        this.#notify();
      });
    });
  }

  /** The first line that matches; rejects when the command ends without one. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (!running.has(this.#process)) {
        throw new Error(`it ended without a line like ${String(pattern)}:\n${this.lines.join('\n')}`);
      }
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    if (this.#process.pid !== undefined && running.has(this.#process)) terminate(this.#process.pid);
    await this.exit;
  }
}

/** Ends a process group, which may have ended by itself just now. */
function terminate(pid: number): void {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

let server: Terminal;

beforeAll(async () => {
  server = new Terminal(commands('server', { REPOSITORY: `file://${repository}` }), folder);
  await server.line(/^Media: /);
}, 300_000);

afterAll(async () => {
  await server.stop();
  for (const { pid } of running) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

describe('quick start', () => {
  test('the server answers on 8001 and 8080, and has said so', async () => {
    expect(await server.line(/^HTTP /)).toContain('http://127.0.0.1:8001');
    expect(await server.line(/^WebSocket /)).toContain('ws://127.0.0.1:8080');
    expect(await (await fetch('http://127.0.0.1:8001/health')).json()).toMatchObject({ status: 'healthy' });
    expect((await fetch('http://127.0.0.1:8080/')).status).toBe(426);
  });

  test('the start-up lines are those that the README shows', () => {
    const shown = [
      ...readme.matchAll(
        /^(?:HTTP|WebSocket|Demo|Dashboard|Identities:|Rooms:|Nodes:|Chat:|ICE:|Media:) .*$/gm,
      ),
    ].map(([line]) => line);
    expect(server.lines.filter((line) => shown.includes(line))).toEqual(shown);
  });

  test('a file goes from the bundled client to the bundled worker', async () => {
    const worker = new Terminal(commands('worker'), clone);
    const session = await worker.line(/^signal-session:/);
    const client = new Terminal(commands('client', { SESSION: session }), clone);
    expect([await client.exit, client.lines.join('\n')]).toEqual([0, expect.stringContaining('README.md')]);
    expect(sha256(path.join(clone, 'received', 'README.md'))).toBe(sha256(path.join(clone, 'README.md')));
    await worker.stop();
  });

  test('a real file goes from the bundled client to an aiortc worker', async () => {
    const file = path.join(clone, 'README.md');
    writeFileSync(file, randomBytes(5_500_000));
    const worker = new Terminal(commands('aiortc-worker'), clone);
    const session = /sleap-session:\S+/.exec(await worker.line(/sleap-session:/))?.[0] ?? '';
    const client = new Terminal(commands('client', { SESSION: session }), clone);
    expect([await client.exit, client.lines.join('\n')]).toEqual([0, expect.stringContaining('README.md')]);
    await worker.line(/sha256/i);
    expect(sha256(path.join(clone, 'received-by-python', 'README.md'))).toBe(sha256(file));
    await worker.stop();
  });

  test('the help is where the README says', () => {
    const help = /`(node dist\/client\.mjs --help)`/.exec(readme)?.[1] ?? '';
    const { status, stdout } = spawnSync('bash', ['-c', help], {
      cwd: clone,
      env: environment,
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stdout).toMatch(/worker[^]*client/);
  });
});

test('in place of the Python server: its three variables, and nothing else', async () => {
  const aws = await startAwsEmulators();
  try {
    await server.stop();
    const script = commands('aws', {
      'us-west-1_AbCdEfGhI': aws.userPoolId,
      '1example23456789': aws.clientId,
      'us-west-1': aws.region,
    });
    // The emulators' addresses and credentials stand in for AWS's own.
    const { env } = aws;
    const elsewhere = Object.fromEntries(
      Object.entries(env).filter(([name]) => /^AWS_|JWKS|TABLE/.test(name)),
    );
    const onAws = new Terminal(script, clone, elsewhere);
    expect(await onAws.line(/^Identities: /)).toContain(aws.userPoolId);
    expect(await onAws.line(/^Rooms: /)).toContain('DynamoDB');
    const post = async (route: string, headers = {}): Promise<Record<string, string>> =>
      (await (await fetch(`http://127.0.0.1:8001${route}`, { method: 'POST', headers })).json()) as Record<
        string,
        string
      >;
    const user = await post('/anonymous-signin');
    const room = await post('/create-room', { authorization: `Bearer ${user['id_token'] ?? ''}` });
    expect(await aws.userExists(user['username'] ?? '')).toBe(true);
    expect(await aws.getItem(room['room_id'] ?? '')).toMatchObject({ token: { S: room['token'] } });
    await onAws.stop();
  } finally {
    await aws.stop();
  }
});

test('[C1] [C7] many nodes as one: a file goes from a client on one to a worker on the other, and both end well', async () => {
  const redis = await RedisServer.start();
  try {
    // A Redis of our own stands in for the one on the usual port.
    const own = { 'redis://127.0.0.1:6379': redis.url };
    const nodes = ['node-1', 'node-2'].map((name) => new Terminal(commands(name, own), clone));
    for (const node of nodes)
      expect(await node.line(/^Nodes: /)).toContain(`share Redis at ${redis.address}`);
    const worker = new Terminal(commands('worker').replace('received', 'received-over-two'), clone);
    const session = await worker.line(/^signal-session:/);
    const client = new Terminal(commands('client-2', { SESSION: session }), clone);
    expect([await client.exit, client.lines.join('\n')]).toEqual([0, expect.stringContaining('README.md')]);
    await worker.stop();
    for (const node of nodes) await node.stop();
  } finally {
    await redis.stop();
  }
});

test('[M1] [M11] a Media Service beside the server: rooms can be in SFU mode', async () => {
  // mediasoup's own worker is fetched from elsewhere; what the tests have stands in for it.
  const media = new Terminal(commands('media'), clone, testedMediasoup());
  const node = new Terminal(commands('media-node'), clone);
  expect(await media.line(/^Media Service /)).toContain('http://127.0.0.1:8010');
  expect(await node.line(/^Media: /)).toContain('http://127.0.0.1:8010');
  const user = (await (await fetch('http://127.0.0.1:8001/anonymous-signin', { method: 'POST' })).json()) as {
    readonly id_token: string;
  };
  const made = await fetch('http://127.0.0.1:8001/rooms', {
    method: 'POST',
    headers: { authorization: `Bearer ${user.id_token}`, 'content-type': 'application/json' },
    body: '{"mode": "SFU"}',
  });
  expect(await made.json()).toMatchObject({ mode: 'SFU' });
  await node.stop();
  await media.stop();
});

test('working on it: each command of the block succeeds', async () => {
  spawnSync('git', ['checkout', '-q', 'README.md'], { cwd: clone });
  const develop = new Terminal(commands('develop'), clone);
  if ((await develop.exit) !== 0) throw new Error(develop.lines.slice(-60).join('\n'));
  expect(develop.lines.join('\n')).toMatch(/no dependency violations found[^]*ratio/);
}, 900_000);

test('every setting in the README is one that is read, and every one that is read is in the README', () => {
  const read = new Set(
    [...readFileSync('src/config-schema.ts', 'utf8').matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(
      ([, name]) => name,
    ),
  );
  const table = /## Settings\n([^]*?)\n## /.exec(readme)?.[1] ?? '';
  const told = new Set(
    [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) =>
      [...(cell ?? '').matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
    ),
  );
  expect([...told].sort()).toEqual([...read].sort());
});

test('the same of the Media Service', () => {
  const read = [...readFileSync('src/media/config.ts', 'utf8').matchAll(/^ {4}([A-Z][A-Z_]+): /gm)];
  const table = /^\| variable of the Media Service[^]*?\n\n/m.exec(readme)?.[0] ?? '';
  const told = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) => [
    ...(cell ?? '').matchAll(/`([A-Z_]+)`/g),
  ]);
  const names = (found: readonly RegExpMatchArray[]): (string | undefined)[] =>
    [...new Set(found.map(([, name]) => name))].sort();
  expect(names(told)).toEqual(names(read));
});
