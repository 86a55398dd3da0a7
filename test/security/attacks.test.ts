/**
 * `npm run attacks` in a short form, against the sources of now: what of it is no matter of time. Attacks have a number of
 * turns, not of seconds, and what a limit lets through is held against the time that it had to refill.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ProcessBuild } from '../support/process-build.js';
import { Program } from '../support/spawn.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const mib = 1_048_576;
const figures = readFileSync(path.join(root, 'SECURITY.md'), 'utf8');
const spec = readFileSync(path.join(root, 'src/SPEC.md'), 'utf8');

/** A row of scripts/attacks/assault.mjs. */
interface Row {
  readonly name: string;
  readonly what: string;
  /** Rules of src/SPEC.md. */
  readonly stoppedBy: string;
  readonly got: Readonly<Record<string, number>>;
  readonly tookMs: number;
  /** By the innocent, while the attack went on. */
  readonly sentDuring: number;
  readonly lost: number;
  readonly faults: readonly string[];
  readonly rssBeforeBytes: number;
  readonly rssMostBytes: number;
  readonly leftOpen: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** By how much the memory may grow, in MiB, and what the attacker gets. A heap that has not grown yet takes some 60. */
interface Expected {
  readonly growth: number;
  readonly got: (row: Row) => void;
}

/** What a limit lets through at most: all that it has, and what comes back meanwhile. */
function allowed(perMinute: number, { tookMs }: Row): number {
  return perMinute + Math.ceil((perMinute * tookMs) / 60_000);
}

const expected: Readonly<Record<string, Expected>> = {
  'http-flood': {
    growth: 150,
    got: (row) => {
      const { 200: given = 0, 429: refused = 0, 'answered otherwise': others = 0, requests } = row.got;
      // 20 a minute of each of two kinds, of which one needs a token.
      expect(given).toBeLessThanOrEqual(allowed(20, row));
      expect(others).toBeLessThanOrEqual(allowed(20, row));
      expect(refused).toBeGreaterThan(0);
      expect(given + refused + others).toBe(requests);
      expect(row.counts['requests_limited']).toBe(refused);
    },
  },
  'unread-answers': {
    growth: 100,
    got: ({ got, counts }) => {
      expect(got['cut of those at once']).toBe((got['connections'] ?? 0) / 2);
      expect(counts['connections_cut']).toBeGreaterThanOrEqual((got['connections'] ?? 0) / 2);
    },
  },
  'upgrade-flood': {
    growth: 100,
    got: (row) => {
      const { 101: opened = 0, 429: refused = 0, tried } = row.got;
      expect(opened).toBeLessThanOrEqual(allowed(40, row));
      expect(refused).toBeGreaterThan(0);
      expect(opened + refused).toBe(tried);
      expect(row.counts['upgrades_limited']).toBe(refused);
    },
  },
  'connection-flood': {
    growth: 100,
    got: ({ got, counts }) => {
      // Twice 100 on each port; the attack waits until it is so.
      expect(got['held']).toBeLessThanOrEqual(400);
      expect(counts['connections_cut']).toBeGreaterThanOrEqual((got['connections'] ?? 0) - 400);
    },
  },
  'slow-requests': {
    growth: 100,
    got: ({ got }) => {
      expect(got['still open']).toBe(0);
      expect(got['408']).toBeGreaterThan(0);
    },
  },
  'half-open': {
    growth: 100,
    got: ({ got }) => {
      expect(got['still open']).toBe(0);
      expect(got['closed 4408']).toBe(((got['sockets'] ?? 0) / 4) * 2);
    },
  },
  'big-requests': {
    growth: 100,
    got: ({ got }) => {
      const statuses = Object.keys(got).filter((name) => /^\d+$/.test(name));
      expect(statuses.filter((status) => Number(status) >= 500)).toEqual(['501'].filter((one) => one in got));
      expect(got['431']).toBeGreaterThan(0);
      expect(got['400']).toBeGreaterThan(0);
    },
  },
  'compressed-frames': {
    growth: 100,
    got: ({ got }) => {
      expect(got['agreed to compress']).toBe(0);
      expect(got['bombs']).toBe(60);
      expect(got['closed 1002']).toBe(60);
    },
  },
  fragments: {
    growth: 150,
    got: ({ got }) => {
      const each = (got['sockets'] ?? 0) / 4;
      expect(got).toEqual({
        sockets: 4 * each,
        'closed 1002': each,
        'closed 1008': 2 * each,
        'closed 1009': each,
        'still open': 0,
      });
    },
  },
  'half-messages': {
    growth: 150,
    got: ({ got }) => {
      expect(got['sockets']).toBe(20);
    },
  },
  'control-frames': {
    growth: 100,
    got: ({ counts, got }) => {
      expect(got['frames']).toBeGreaterThan(5_000);
      expect(counts['handler_failures']).toBe(0);
    },
  },
  'trickled-frames': {
    growth: 100,
    got: ({ got }) => {
      expect(got['packets']).toBe(20_000);
    },
  },
  goodbyes: {
    growth: 100,
    got: ({ got }) => {
      expect(got['closed 1002']).toBeGreaterThan(0);
    },
  },
  'unread-mail': {
    growth: 250,
    got: ({ got }) => {
      expect(got['receivers']).toBe(20);
    },
  },
  'prototype-keys': {
    growth: 100,
    got: ({ got }) => {
      expect(got['frames']).toBeGreaterThan(100);
      expect(Object.keys(got).filter((status) => status.startsWith('5'))).toEqual([]);
    },
  },
  'bad-tokens': {
    growth: 100,
    got: ({ got }) => {
      expect(got['200']).toBeUndefined();
      expect(got['401']).toBeGreaterThan(0);
      expect(got['kept waiting']).toBeUndefined();
    },
  },
  'unknown-keys': {
    growth: 100,
    got: ({ got }) => {
      expect(got['200'] ?? got['201']).toBeUndefined();
      expect(got['401']).toBeGreaterThan(0);
    },
  },
  'many-rooms': {
    growth: 100,
    got: ({ got }) => {
      expect(got['made']).toBeGreaterThan(0);
    },
  },
  'crowded-room': {
    growth: 150,
    got: ({ got }) => {
      expect(got['let in']).toBeLessThanOrEqual(256);
    },
  },
  'detached-sessions': {
    growth: 100,
    got: ({ got }) => {
      expect(got['resumed by a guess']).toBe(0);
    },
  },
  'chat-flood': {
    growth: 200,
    got: ({ counts }) => {
      expect(counts['chats_limited']).toBeGreaterThan(0);
    },
  },
};

/** It takes a minute and a half on two cores that others use too. By then something hangs. */
const hangMs = 900_000;

let made: ProcessBuild;
const programs: Program[] = [];
const rows = new Map<string, Row>();

async function run(names: readonly string[]): Promise<void> {
  const json = path.join(made.folder, `${names[0] ?? ''}.json`);
  const options = { seconds: 0.5, scale: 0.1, 'warm-ups': 0, 'settle-ms': 0, 'quiet-ms': 150 };
  const program = Program.start(process.execPath, [
    path.join(root, 'scripts/attacks/run.mjs'),
    '--counted',
    ...Object.entries({ ...options, only: names.join(), dist: made.dist, json }).flatMap(([name, value]) => [
      `--${name}`,
      String(value),
    ]),
  ]);
  programs.push(program);
  const hung = setTimeout(() => {
    program.signal('SIGTERM');
  }, hangMs);
  const { code, signal } = await program.exited;
  clearTimeout(hung);
  if (signal !== null)
    throw new Error(`not over after ${String(hangMs / 60_000)} minutes:\n${program.output}`);
  if (code !== 0) throw new Error(program.output);
  for (const row of (JSON.parse(readFileSync(json, 'utf8')) as { rows: Row[] }).rows) rows.set(row.name, row);
}

beforeAll(async () => {
  made = await ProcessBuild.makeDist();
  // These two mostly wait.
  const slow = ['slow-requests', 'half-open'];
  const quick = Object.keys(expected).filter((name) => !slow.includes(name));
  const half = Math.ceil(quick.length / 2);
  await Promise.all([run(slow), run(quick.slice(0, half)), run(quick.slice(half))]);
}, hangMs + 60_000);
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()));
  made.remove();
});

function rowOf(name: string): Row {
  const row = rows.get(name);
  if (row === undefined) throw new Error(`no row of ${name}`);
  return row;
}

describe.each(Object.entries(expected))('%s', (name, { growth, got }) => {
  test('[V29] others lose nothing, no handler throws, no socket stays, and the memory has a ceiling', () => {
    const row = rowOf(name);
    expect(row).toMatchObject({ lost: 0, faults: [], leftOpen: 0, counts: { handler_failures: 0 } });
    expect(row.sentDuring).toBeGreaterThan(0);
    expect((row.rssMostBytes - row.rssBeforeBytes) / mib).toBeLessThan(growth);
  });

  test('[V29] the attacker gets no more than its part', () => {
    got(rowOf(name));
  });

  test('[V29] its figures are in SECURITY.md, with what it does and what stops it', () => {
    const { what, stoppedBy } = rowOf(name);
    expect(figures).toContain(`| ${name} | ${what} | ${stoppedBy} |`);
    expect(stoppedBy.split(', ').filter((rule) => !spec.includes(`* **${rule}** `))).toEqual([]);
  });
});

test('[V29] each attack is tested', () => {
  const parts = ['assault', 'attacker', 'raw-socket', 'run', 'swarm'];
  const attacks = readdirSync(path.join(root, 'scripts/attacks'))
    .map((name) => name.replace(/\.mjs$/, ''))
    .filter((name) => !parts.includes(name));
  expect(Object.keys(expected).sort()).toEqual(attacks.sort());
});
