/** Runs the commands of scripts/chaos as a user would, against the sources of now. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { ProcessBuild } from '../support/process-build.js';
import { Program } from '../support/spawn.js';
import { logFolder } from '../support/test-logs.js';

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

/** Runs the script against a bundle of its own. */
export async function runScript<Result>(script: string, args: readonly string[]): Promise<Outcome<Result>> {
  const made = await ProcessBuild.make('src/main.ts');
  try {
    const { entry } = made;
    const json = path.join(made.folder, 'result.json');
    const logs = logFolder();
    const kept = logs === undefined ? [] : ['--logs', logs];
    const command = [
      path.join(root, 'scripts/chaos', script),
      ...args,
      '--entry',
      entry,
      '--json',
      json,
      ...kept,
    ];
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
    made.remove();
  }
}

function readResults(file: string, output: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`it wrote no results:\n${output}`, { cause: error });
  }
}
