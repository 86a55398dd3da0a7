/** The gate before known vulnerabilities, against a registry of our own, and what the lock file promises. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const folder = mkdtempSync(path.join(os.tmpdir(), 'audit-'));
const script = path.resolve('scripts/audit.mjs');
const id = 'GHSA-aaaa-bbbb-cccc';

/** What the registry says to the advisory request. */
let answer: (response: ServerResponse) => void;
const registry = createServer((request, response) => {
  request.resume();
  request.once('end', () => {
    if (request.url?.endsWith('/advisories/bulk') === true) answer(response);
    else response.writeHead(404).end('{}');
  });
});

beforeAll(async () => {
  registry.listen(0, '127.0.0.1');
  await once(registry, 'listening');
  const root = { name: 'fixture', version: '1.0.0', dependencies: { leftish: '1.0.0' } };
  const locked = { version: '1.0.0', integrity: `sha512-${Buffer.alloc(64).toString('base64')}` };
  const lock = {
    ...root,
    lockfileVersion: 3,
    requires: true,
    packages: { '': root, 'node_modules/leftish': locked },
  };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(root));
  writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify(lock));
});
afterAll(async () => {
  registry.close();
  registry.closeAllConnections();
  await once(registry, 'close');
  rmSync(folder, { recursive: true, force: true });
});

const advisory = (severity: string) => (response: ServerResponse) => {
  const one = { id: 1, url: `https://github.com/advisories/${id}`, title: 'It leaks', severity };
  const body = {
    leftish: [{ ...one, vulnerable_versions: '<2.0.0', cwe: [], cvss: { score: 8, vectorString: null } }],
  };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const status = (code: number) => (response: ServerResponse) => {
  response.writeHead(code, { 'content-type': 'application/json' }).end('{"error":"no"}');
};

function allow(...exceptions: readonly object[]): readonly string[] {
  const file = path.join(folder, 'allowed.json');
  writeFileSync(file, JSON.stringify(exceptions));
  return ['--allowed', file];
}

/** Runs the gate on the fixture. */
async function audit(said: typeof answer, args: readonly string[] = allow(), port?: number) {
  answer = said;
  const { port: ours } = registry.address() as AddressInfo;
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    npm_config_registry: `http://127.0.0.1:${String(port ?? ours)}/`,
    npm_config_cache: path.join(folder, 'cache'),
    npm_config_update_notifier: 'false',
  };
  const child = spawn(process.execPath, [script, ...args], { cwd: folder, env });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text: Buffer.concat(chunks).toString('utf8') };
}

// Five minutes, because npm starts several times in a test, each for a second of a processor that others may use.
describe('npm run audit', () => {
  test('[V9] opens when nothing is known', async () => {
    const nothing = (response: ServerResponse): unknown =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    expect(await audit(nothing)).toEqual({
      code: 0,
      text: 'audit: 0 known vulnerabilities, none of them grave and new\n',
    });
  }, 300_000);

  test.each(['high', 'critical'])(
    '[V9] closes on one that is %s, and names it',
    async (severity) => {
      const { code, text } = await audit(advisory(severity));
      expect([code, text]).toEqual([1, expect.stringContaining(`${severity} leftish: It leaks`)]);
      expect(text).toMatch(new RegExp(`${id}.*REFUSED`));
      // Also where it need not be possible: it was.
      expect(await audit(advisory(severity), ['--if-possible', ...allow()])).toMatchObject({ code: 1 });
    },
    300_000,
  );

  test('[V9] tells of a lesser one, and opens', async () => {
    const { code, text } = await audit(advisory('moderate'));
    expect([code, text]).toEqual([0, expect.stringContaining('moderate leftish: It leaks')]);
  }, 300_000);

  test('[V9] opens for an exception with a reason until its day, and not after it', async () => {
    const reason = 'the function is never called';
    const good = allow({ id, reason, until: '9999-12-31' });
    expect(await audit(advisory('high'), good)).toMatchObject({
      code: 0,
      text: expect.stringContaining(reason),
    });
    const { code, text } = await audit(advisory('high'), allow({ id, reason, until: '2020-01-01' }));
    expect([code, text]).toEqual([1, expect.stringContaining(`the exception for ${id} ended on 2020-01-01`)]);
    const other = allow({ id: 'GHSA-xxxx-xxxx-xxxx', reason, until: '9999-12-31' });
    expect(await audit(advisory('high'), other)).toMatchObject({ code: 1 });
  }, 300_000);

  test.each([{ id }, { id, reason: ' ', until: '9999-12-31' }, { id, reason: 'x', until: 'never' }])(
    '[V9] refuses the exception %j',
    async (exception) => {
      const { code, text } = await audit(advisory('high'), allow(exception));
      expect([code, text]).toEqual([1, expect.stringContaining('needs id, reason and until')]);
    },
    300_000,
  );

  test.each([403, 404, 405])(
    '[V9] says plainly that a registry that answers %i cannot say',
    async (code) => {
      const strict = await audit(status(code));
      expect([strict.code, strict.text]).toEqual([1, expect.stringContaining('NOT CHECKED')]);
      const lenient = await audit(status(code), ['--if-possible', ...allow()]);
      expect([lenient.code, lenient.text]).toEqual([0, expect.stringContaining('NOT CHECKED')]);
    },
    300_000,
  );

  test('[V9] nor can one that nobody answers for', async () => {
    const unused = createServer().listen(0, '127.0.0.1');
    await once(unused, 'listening');
    const { port } = unused.address() as AddressInfo;
    unused.close();
    await once(unused, 'close');
    expect(await audit(status(404), allow(), port)).toMatchObject({ code: 1 });
    const lenient = await audit(status(404), ['--if-possible', ...allow()], port);
    expect([lenient.code, lenient.text]).toEqual([0, expect.stringContaining('NOT CHECKED')]);
  }, 300_000);

  test('[V9] a registry that fails is a failure, whatever is possible', async () => {
    const { code, text } = await audit(status(500), ['--if-possible', ...allow()]);
    expect([code, text]).toEqual([1, expect.stringContaining('the registry failed')]);
  }, 300_000);

  test('[V9] the list that is used names nothing without a reason, and nothing for longer than a year', () => {
    const list = JSON.parse(readFileSync('scripts/audit-allowed.json', 'utf8')) as Record<string, string>[];
    for (const { reason = '', until = '' } of list) {
      expect(reason.length).toBeGreaterThan(20);
      expect(Date.parse(until)).toBeLessThan(Date.now() + 366 * 86_400_000);
    }
  });
});

describe('the lock file', () => {
  interface Locked {
    readonly integrity?: string;
    readonly resolved?: string;
    readonly link?: boolean;
    readonly hasInstallScript?: boolean;
    readonly dev?: boolean;
  }
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const installed = Object.entries(packages).filter(([where]) => where !== '');

  test('[V12] has a SHA-512 for every package, and none that comes from elsewhere than the registry', () => {
    expect(installed.length).toBeGreaterThan(100);
    for (const [where, { integrity, resolved, link }] of installed) {
      expect([where, integrity]).toEqual([where, expect.stringMatching(/^sha512-[\w+/]{86}==$/)]);
      expect([where, link, resolved]).toEqual([where, undefined, undefined]);
    }
  });

  test('[V12] no install script runs, and what production installs has only two that would: both bring what they need', () => {
    const scripted = installed.filter(
      ([, { hasInstallScript, dev }]) => hasInstallScript === true && dev !== true,
    );
    expect(scripted.map(([where]) => where).sort()).toEqual([
      'node_modules/bufferutil',
      'node_modules/mediasoup',
    ]);
    expect(readFileSync('.npmrc', 'utf8')).toMatch(/^ignore-scripts=true$/m);
    expect(readFileSync('scripts/install.mjs', 'utf8')).toContain("'--ignore-scripts'");
  });
});
