/** `npm run hostile` in a short form, against the sources of now: what of it is no matter of time or of memory. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { Program } from '../support/spawn.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const frames = 2_000;
/** A socket that sends it is closed for it, and what came before it is too little to be closed for. */
const bigEvery = 50;
const big = frames / bigEvery;
const dialects = ['flat', 'gateway', 'webrtc'] as const;

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
  readonly during: { readonly count: number };
  readonly lost: number;
  readonly faults: readonly string[];
  readonly handlerFailures: number;
}

let folder: string;
let program: Program | undefined;
let code: number | null;
let output: string;
let rows: readonly Row[];

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'hostile-'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
  await build({
    entryPoints: ['app', 'config'].map((name) => path.join(root, `src/${name}.ts`)),
    outdir: path.join(folder, 'dist'),
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  const json = path.join(folder, 'rows.json');
  const options = ['--frames', frames, '--big-every', bigEvery, '--warm-up', 200, '--quiet-ms', 200].map(
    String,
  );
  const where = ['--dist', path.join(folder, 'dist'), '--json', json];
  program = Program.start(process.execPath, [
    path.join(root, 'scripts/hostile/run.mjs'),
    ...options,
    ...where,
  ]);
  ({ code } = await program.exited);
  ({ output } = program);
  ({ rows } = JSON.parse(readFileSync(json, 'utf8')) as { rows: Row[] });
}, 120_000);
afterAll(async () => {
  await program?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(dialects)('from a %s peer', (dialect) => {
  function row(): Row {
    const found = rows.find((one) => one.dialect === dialect);
    if (found === undefined) throw new Error(`no row:\n${output}`);
    return found;
  }

  test('[T5] each hostile frame gets an error, or ends its socket', () => {
    const { sent, errors, unanswered, kinds } = row();
    expect(sent).toBe(frames);
    expect(Object.keys(kinds).sort()).toEqual([
      '2 MB',
      '500 levels',
      'bad JSON',
      'prototype keys',
      'wrong types',
    ]);
    expect(kinds['2 MB']).toBe(big);
    expect({ errors, unanswered }).toEqual({ errors: frames - big, unanswered: 0 });
  });

  test('[T2] [T5] sockets are closed 4400 after 32 in a row, and 1009 for 2 MB', () => {
    const { closes, sockets } = row();
    expect(closes).toEqual({ 1009: big, 4400: big });
    expect(sockets).toBe(2 * big);
  });

  test('[T7] the others lose nothing and hear nothing of it, and no handler throws', () => {
    const { lost, faults, surprises, handlerFailures, during } = row();
    expect({ lost, faults, surprises, handlerFailures }).toEqual({
      lost: 0,
      faults: [],
      surprises: [],
      handlerFailures: 0,
    });
    expect(during.count).toBeGreaterThan(10);
  });
});

test('the command says that all is well, and what it has measured', () => {
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(output).toMatch(/RSS MiB +most/);
});
