/** Runs the commands of scripts/chaos as a user would, against the sources of now. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Program } from '../support/spawn.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Outcome<Result> {
  readonly code: number | null;
  /** Everything that it printed, for a failed test's message. */
  readonly output: string;
  readonly results: readonly Result[];
}

/** The counts of scripts/chaos/verdict.mjs. */
export interface Counts {
  readonly sent: number;
  readonly delivered: number;
  readonly leaves: number;
  readonly [name: string]: number;
}

/** What must be, whatever was broken; the other counts are free. */
export const nothingWrong = {
  lost: 0,
  duplicated: 0,
  outOfOrder: 0,
  ghosts: 0,
  missing: 0,
  doubleLeaves: 0,
  missedLeaves: 0,
  falseLeaves: 0,
};

/** Bundles the server into a folder of its own, so that no build is needed and none is touched, and runs the script. */
export async function runScript<Result>(script: string, args: readonly string[]): Promise<Outcome<Result>> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'chaos-'));
  try {
    const entry = await bundleServer(folder);
    const json = path.join(folder, 'result.json');
    const command = [path.join(root, 'scripts/chaos', script), ...args, '--entry', entry, '--json', json];
    const program = Program.start(process.execPath, command);
    try {
      const { code } = await program.exited;
      return { code, output: program.output, results: readResults(json, program.output) as Result[] };
    } finally {
      // Its children end with it, unless it was killed: it is asked first.
      program.signal('SIGTERM');
      await program.exited;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readResults(file: string, output: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`it wrote no results:\n${output}`, { cause: error });
  }
}

async function bundleServer(folder: string): Promise<string> {
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const outfile = path.join(folder, 'main.mjs');
  await build({
    entryPoints: [path.join(root, 'src/main.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return outfile;
}
