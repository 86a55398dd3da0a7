/** What `npm run chaos` finds in five runs of some twenty seconds. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { nothingWrong, runScript, type Counts, type Outcome } from './chaos-command.js';

interface Run {
  readonly seed: number;
  readonly counts: Counts;
  readonly isSettled: boolean;
  readonly resumes: number;
  readonly crashes: number;
  readonly freshStarts: readonly unknown[];
  readonly keys: readonly { readonly shape: string; readonly isBad: boolean }[];
  readonly events: readonly { readonly kind: string }[];
}

const seeds = [1, 2, 3, 4, 5];
let outcome: Outcome<Run>;

beforeAll(async () => {
  const load = ['--pairs', '4', '--rate', '15', '--seconds', '18', '--at-once', '5'];
  outcome = await runScript<Run>('run.mjs', ['--seed', seeds.join(), ...load]);
}, 600_000);

function run(seed: number): Run {
  const found = outcome.results.find((one) => one.seed === seed);
  if (found === undefined) throw new Error(`seed ${seed} has no result:\n${outcome.output}`);
  return found;
}

describe.each(seeds)('chaos with seed %i', (seed) => {
  test('[C14] [S10] between sessions that survive nothing is lost, seen twice or out of order', () => {
    const { counts, isSettled } = run(seed);
    expect(isSettled).toBe(true);
    expect(counts).toMatchObject(nothingWrong);
    expect(counts.delivered).toBe(counts.sent);
    expect(counts.sent).toBeGreaterThan(500);
  });

  test('[S2] every session survives, and was resumed often', () => {
    expect(run(seed).freshStarts).toEqual([]);
    expect(run(seed).resumes).toBeGreaterThan(8);
  });

  test('[C14] [F3] sessions ended, and each end was told once', () => {
    expect(run(seed).counts.leaves).toBeGreaterThan(0);
  });

  test('no node ended by itself', () => {
    expect(run(seed).crashes).toBe(0);
  });

  test('[C14] [N8] no key is left in Redis that has no end and no owner', () => {
    expect(run(seed).keys.length).toBeGreaterThan(0);
    expect(run(seed).keys.filter(({ isBad }) => isBad)).toEqual([]);
  });
});

test('between them the seeds break everything that can be broken', () => {
  const kinds = new Set(outcome.results.flatMap(({ events }) => events.map(({ kind }) => kind)));
  expect([...kinds].sort()).toEqual([
    'cut',
    'freeze',
    'node-drain',
    'node-kill',
    'node-pause',
    'redis-kill',
    'redis-pause',
  ]);
});
