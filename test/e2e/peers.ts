/** The two kinds of peers of the end-to-end tests, each in a process of its own, and the folder that they work in. */
import { spawnSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { Program } from '../support/spawn.js';

const python = '/usr/bin/python3';

export interface Addresses {
  readonly http: string;
  readonly ws: string;
}

export interface PeerFlags {
  readonly send?: readonly string[];
  readonly out?: string;
  readonly expect?: number;
  readonly session?: string;
  readonly more?: readonly string[];
}

export type PeerKind = 'node' | 'aiortc';
export type PeerRole = 'worker' | 'client';

/** A folder with the bundled client in it, for files and for processes, all of which end with `close`. */
export class PeerLab {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'peers-'));
  readonly #programs: Program[] = [];

  /** Bundles the client as `npm run build` does. Rejects when the machine lacks what the peers need. */
  static async open(): Promise<PeerLab> {
    assertPythonPackages();
    assertInterface();
    const lab = new PeerLab();
    const recipe = new URL('../../scripts/client-bundle.mjs', import.meta.url).href;
    const { clientBundleOptions } = (await import(recipe)) as { clientBundleOptions: BuildOptions };
    await build({ ...clientBundleOptions, outfile: lab.path('installed/client.mjs') });
    symlinkSync(path.resolve('node_modules'), lab.path('installed/node_modules'));
    return lab;
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  /** A file of bytes that are the same in every run and repeat nowhere. Returns its path. */
  file(name: string, sizeBytes: number): string {
    const target = this.path(name);
    mkdirSync(path.dirname(target), { recursive: true });
    const key = createHash('md5').update(name).digest();
    writeFileSync(
      target,
      createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes)),
    );
    return target;
  }

  start(kind: PeerKind, role: PeerRole, server: Addresses, flags: PeerFlags): Program {
    const args = [role, '--http', server.http, '--ws', server.ws, ...(flags.more ?? [])];
    if (flags.session !== undefined) args.push('--session', flags.session);
    if (flags.out !== undefined) args.push('--out', flags.out);
    if (flags.expect !== undefined) args.push('--expect', String(flags.expect));
    if (flags.send !== undefined) args.push('--send', ...flags.send);
    const program =
      kind === 'node'
        ? [process.execPath, this.path('installed/client.mjs')]
        : [python, path.resolve('test/e2e/aiortc_peer.py')];
    return this.run([...program, ...args]);
  }

  run(command: readonly string[]): Program {
    const [executable = '', ...args] = command;
    const program = Program.start(executable, args, { cwd: this.folder });
    this.#programs.push(program);
    return program;
  }

  /** Ends what a test left running. */
  async stopAll(): Promise<void> {
    await Promise.all(this.#programs.splice(0).map((program) => program.stop()));
  }

  async close(): Promise<void> {
    await this.stopAll();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Room and worker of a session string of either kind. */
export function readSession(line: string): { readonly r: string; readonly t: string; readonly p: string } {
  const json = Buffer.from(line.slice(line.indexOf(':') + 1), 'base64url').toString();
  return JSON.parse(json) as { r: string; t: string; p: string };
}

function assertPythonPackages(): void {
  if (spawnSync(python, ['-c', 'import aiortc, websockets']).status === 0) return;
  throw new Error('install python3-aiortc python3-websockets (Debian)');
}

/** aiortc takes no candidates from a loopback interface. */
function assertInterface(): void {
  const addresses = Object.values(os.networkInterfaces()).flatMap((list) => list ?? []);
  if (addresses.some(({ internal }) => !internal)) return;
  throw new Error(
    'aiortc needs a network interface beside loopback. As root: ip link add peers0 type veth peer name peers1 && ' +
      'ip addr add 10.123.45.1/24 dev peers0 && ip link set peers0 up && ip link set peers1 up',
  );
}
