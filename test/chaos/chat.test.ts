/** What `npm run chaos:chat` finds in two runs of some fifteen seconds. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { runScript, type Outcome } from './chaos-command.js';

interface Run {
  readonly seed: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly cases: readonly string[];
  readonly crashes: number;
  readonly resumes: number;
  readonly events: readonly { readonly kind: string }[];
}

const seeds = [1, 2];
let outcome: Outcome<Run>;

beforeAll(async () => {
  outcome = await runScript<Run>('chat.mjs', ['--seed', seeds.join(), '--seconds', '15', '--clients', '6']);
}, 600_000);

function run(seed: number): Run {
  const found = outcome.results.find((one) => one.seed === seed);
  if (found === undefined) throw new Error(`seed ${seed} has no result:\n${outcome.output}`);
  return found;
}

describe.each(seeds)('chat in chaos with seed %i', (seed) => {
  test('[Q6] every message that was answered is in the history exactly once, the same on every node', () => {
    const { counts, cases } = run(seed);
    expect(cases).toEqual([]);
    expect(counts).toMatchObject({ lost: 0, doubled: 0, forged: 0, refused: 0, unanswered: 0, histories: 0 });
    expect(counts['answered']).toBeGreaterThan(200);
    expect(counts['kept']).toBe(counts['answered']);
  });

  test('[Q2] [Q10] whose session lasts hears each message once', () => {
    expect(run(seed).counts).toMatchObject({ seenTwice: 0, missed: 0 });
    expect(run(seed).resumes).toBeGreaterThan(4);
  });

  test('no node ended by itself', () => {
    expect(run(seed).crashes).toBe(0);
  });
});

test('between them the seeds kill nodes and Redis, and the Chat Service is out of order', () => {
  const kinds = new Set(outcome.results.flatMap(({ events }) => events.map(({ kind }) => kind)));
  for (const kind of ['node-kill', 'redis-kill', 'redis-pause', 'node-drain']) expect(kinds).toContain(kind);
  expect([...kinds].some((kind) => kind.startsWith('chat-service'))).toBe(true);
});
