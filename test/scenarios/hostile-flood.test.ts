/** `npm run hostile` in a short form, against the sources of now: what of it is no matter of time or of memory. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ProcessBuild } from '../support/process-build.js';
import { Program } from '../support/spawn.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const dialects = ['flat', 'gateway', 'webrtc'] as const;
const kinds = ['2 MB', '500 levels', 'bad JSON', 'prototype keys', 'wrong types'];

/** A row of scripts/hostile/siege.mjs. */
interface Row {
  readonly dialect: string;
  readonly sent: number;
  readonly errors: number;
  readonly unanswered: number;
  readonly sockets: number;
  readonly closes: Readonly<Record<string, number>>;
  readonly kinds: Readonly<Record<string, number>>;
  readonly surprises: readonly string[];
  /** Round trips from the attack's start until a moment after its end. */
  readonly since: { readonly count: number };
  readonly lost: number;
  readonly faults: readonly string[];
  readonly handlerFailures: number;
}

/** What one run of the command left. */
interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly rows: readonly Row[];
}

let made: ProcessBuild;
let program: Program | undefined;

beforeAll(async () => {
  made = await ProcessBuild.makeDist();
});
afterAll(async () => {
  await program?.stop();
  made.remove();
});

async function hostile(options: Readonly<Record<string, number>>, ...flags: readonly string[]): Promise<Run> {
  const json = path.join(made.folder, 'rows.json');
  program = Program.start(process.execPath, [
    path.join(root, 'scripts/hostile/run.mjs'),
    ...flags,
    ...Object.entries({ 'warm-ups': 0, 'settle-ms': 0, 'quiet-ms': 200, ...options }).flatMap(
      ([name, value]) => [`--${name}`, String(value)],
    ),
    '--dist',
    made.dist,
    '--json',
    json,
  ]);
  const { code } = await program.exited;
  const { rows } = JSON.parse(readFileSync(json, 'utf8')) as { rows: Row[] };
  return { code, output: program.output, rows };
}

function rowOf({ rows, output }: Run, dialect: string): Row {
  const found = rows.find((one) => one.dialect === dialect);
  if (found === undefined) throw new Error(`no row:\n${output}`);
  return found;
}

/** All is well with the others: nothing lost, nothing heard, no handler threw. */
function expectUnharmed({ lost, faults, surprises, handlerFailures, since }: Row): void {
  expect({ lost, faults, surprises, handlerFailures }).toEqual({
    lost: 0,
    faults: [],
    surprises: [],
    handlerFailures: 0,
  });
  expect(since.count).toBeGreaterThan(10);
}

describe('10,000 frames at once on one socket', () => {
  const frames = 10_000;
  let run: Run;

  beforeAll(async () => {
    run = await hostile({ frames, 'big-every': 1_000 });
  });

  test.each(dialects)('[T5] [T11] from a %s peer: 32 errors, then 4400, and no more', (dialect) => {
    const row = rowOf(run, dialect);
    expect(row).toMatchObject({ sent: frames, errors: 32, unanswered: 0, sockets: 1, closes: { 4400: 1 } });
    expect(Object.keys(row.kinds).sort()).toEqual(kinds);
  });

  test.each(dialects)('[T7] from a %s peer: the others lose nothing and hear nothing of it', (dialect) => {
    expectUnharmed(rowOf(run, dialect));
  });

  test('the command says that all is well, and what it has measured', () => {
    expect(run).toMatchObject({ code: 0 });
    expect(run.output).toMatch(/RSS MiB +most +after/);
  });
});

describe('from a peer that comes again whenever it is closed', () => {
  const frames = 2_000;
  /** A socket that sends it is closed for it, and what came before it is too little to be closed for. */
  const bigEvery = 50;
  const big = frames / bigEvery;
  let run: Run;

  beforeAll(async () => {
    run = await hostile({ frames, 'big-every': bigEvery }, '--again');
  });

  test.each(dialects)('[T5] each hostile frame of a %s peer gets an error, or ends its socket', (dialect) => {
    const row = rowOf(run, dialect);
    expect(row).toMatchObject({ sent: frames, errors: frames - big, unanswered: 0 });
    expect(Object.keys(row.kinds).sort()).toEqual(kinds);
    expect(row.kinds['2 MB']).toBe(big);
  });

  test.each(dialects)(
    '[T2] [T5] sockets of a %s peer are closed 4400 after 32 in a row, and 1009 for 2 MB',
    (dialect) => {
      expect(rowOf(run, dialect)).toMatchObject({ closes: { 1009: big, 4400: big }, sockets: 2 * big });
    },
  );

  test.each(dialects)('[T7] from a %s peer: the others lose nothing and hear nothing of it', (dialect) => {
    expectUnharmed(rowOf(run, dialect));
    expect(run).toMatchObject({ code: 0 });
  });
});
