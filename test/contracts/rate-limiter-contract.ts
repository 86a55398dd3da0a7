import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { RateLimiter, RateRule } from '../../src/ports/rate-limiter.js';

export interface RateLimiterSetup {
  readonly limiter: RateLimiter;
  /** So much time passes for what was taken. */
  readonly advance: (ms: number) => Promise<void>;
  readonly stop?: () => Promise<void>;
}

const HOUR_MS = 3_600_000;
/** Beside a limiter's own clock the real one may go on while a test runs. */
const MOMENT_MS = 20_000;

/** What every `RateLimiter` must do. */
export function rateLimiterContract(name: string, setup: () => Promise<RateLimiterSetup>): void {
  describe(`${name} as a RateLimiter`, () => {
    let limiter: RateLimiter;
    let advance: RateLimiterSetup['advance'];
    let stop: RateLimiterSetup['stop'];

    beforeAll(async () => {
      ({ limiter, advance, stop } = await setup());
    });
    afterAll(async () => {
      await stop?.();
    });

    const rule = (limit: number, perMs = HOUR_MS): RateRule => ({ name: 'test', limit, perMs });

    const takeSome = async (of: RateRule, key: string, tries: number): Promise<number> => {
      let count = 0;
      for (let tried = 0; tried < tries; tried += 1) if ((await limiter.take(of, key)).isAllowed) count += 1;
      return count;
    };

    test('[L1] allows as many at once as the limit says, then says when the next one may come', async () => {
      const key = randomUUID();
      expect(await takeSome(rule(4), key, 4)).toBe(4);
      const { isAllowed, retryAfterMs } = await limiter.take(rule(4), key);
      expect(isAllowed).toBe(false);
      expect(retryAfterMs).toBeLessThanOrEqual(HOUR_MS / 4);
      expect(retryAfterMs).toBeGreaterThan(HOUR_MS / 4 - MOMENT_MS);
    });

    test('[L1] an allowed one need not wait', async () => {
      await expect(limiter.take(rule(4), randomUUID())).resolves.toEqual({
        isAllowed: true,
        retryAfterMs: 0,
      });
    });

    test('[L1] gives them back one by one, at the rate of the limit', async () => {
      const key = randomUUID();
      await takeSome(rule(4), key, 4);
      await advance(HOUR_MS / 4 - MOMENT_MS);
      expect(await takeSome(rule(4), key, 4)).toBe(0);
      await advance(MOMENT_MS);
      expect(await takeSome(rule(4), key, 4)).toBe(1);
      await advance(HOUR_MS / 2);
      expect(await takeSome(rule(4), key, 4)).toBe(2);
    });

    test('[L1] gives no more back than the limit, however long nobody asked', async () => {
      const key = randomUUID();
      await takeSome(rule(4), key, 4);
      await advance(100 * HOUR_MS);
      expect(await takeSome(rule(4), key, 10)).toBe(4);
    });

    test('[L1] has no edges of windows at which twice as many pass', async () => {
      const key = randomUUID();
      const quarter = rule(60);
      let count = await takeSome(quarter, key, 1);
      await advance(HOUR_MS - 60_000);
      count = await takeSome(quarter, key, 100);
      await advance(120_000);
      count += await takeSome(quarter, key, 100);
      expect(count).toBeLessThanOrEqual(60 + 2);
    });

    test('[L1] can take several at once, and takes nothing when there are too few', async () => {
      const key = randomUUID();
      await expect(limiter.take(rule(10), key, 7)).resolves.toMatchObject({ isAllowed: true });
      await expect(limiter.take(rule(10), key, 4)).resolves.toMatchObject({ isAllowed: false });
      await expect(limiter.take(rule(10), key, 3)).resolves.toMatchObject({ isAllowed: true });
    });

    test('[L1] a cost above the limit counts as the limit', async () => {
      const key = randomUUID();
      await expect(limiter.take(rule(10), key, 500)).resolves.toMatchObject({ isAllowed: true });
      const { isAllowed, retryAfterMs } = await limiter.take(rule(10), key, 500);
      expect(isAllowed).toBe(false);
      expect(retryAfterMs).toBeLessThanOrEqual(HOUR_MS);
    });

    test('[L1] exactly the limit passes of many at the same time', async () => {
      const key = randomUUID();
      const verdicts = await Promise.all(Array.from({ length: 30 }, () => limiter.take(rule(12), key)));
      expect(verdicts.filter(({ isAllowed }) => isAllowed)).toHaveLength(12);
    });

    test('[L1] counts keys apart, whatever they are made of', async () => {
      const odd = [
        '',
        ' ',
        '{',
        '}',
        '{}',
        '{a}',
        'a',
        '%7Ba%7D',
        '__proto__',
        '2001:db8::/64',
        'ü 👋',
        '\n',
      ];
      for (const key of odd) expect(await takeSome(rule(2), key, 5)).toBe(2);
    });

    test('[L1] counts rules apart', async () => {
      const key = randomUUID();
      expect(await takeSome({ name: 'one', limit: 2, perMs: HOUR_MS }, key, 5)).toBe(2);
      expect(await takeSome({ name: 'two', limit: 3, perMs: HOUR_MS }, key, 5)).toBe(3);
    });

    test('[L1] keeps exact counts of rules whose share is no whole number', async () => {
      for (const limit of [3, 7, 49, 300])
        expect(await takeSome(rule(limit, 60_007), randomUUID(), limit)).toBe(limit);
    });

    test('[L1] 0 is no limit', async () => {
      const key = randomUUID();
      expect(await takeSome(rule(0), key, 100)).toBe(100);
      const holds = await Promise.all(Array.from({ length: 20 }, () => limiter.hold('test', key, 0)));
      for (const release of holds) {
        expect(release).toBeDefined();
        release?.();
      }
    });

    test('[L3] lets so many be held, and one more for each that is given back', async () => {
      const key = randomUUID();
      const first = await limiter.hold('test', key, 2);
      const second = await limiter.hold('test', key, 2);
      expect([first, second]).toEqual([expect.any(Function), expect.any(Function)]);
      await expect(limiter.hold('test', key, 2)).resolves.toBeUndefined();
      first?.();
      await expect(limiter.hold('test', key, 2)).resolves.toBeDefined();
      await expect(limiter.hold('test', key, 2)).resolves.toBeUndefined();
    });

    test('[L3] what is given back twice counts once', async () => {
      const key = randomUUID();
      const first = await limiter.hold('test', key, 2);
      await limiter.hold('test', key, 2);
      first?.();
      first?.();
      await expect(limiter.hold('test', key, 2)).resolves.toBeDefined();
      await expect(limiter.hold('test', key, 2)).resolves.toBeUndefined();
    });

    test('[L3] exactly the limit is held of many at the same time', async () => {
      const key = randomUUID();
      const holds = await Promise.all(Array.from({ length: 20 }, () => limiter.hold('test', key, 6)));
      expect(holds.filter((release) => release !== undefined)).toHaveLength(6);
    });

    test('[L3] counts what is held by key and by name', async () => {
      const key = randomUUID();
      await expect(limiter.hold('one', key, 1)).resolves.toBeDefined();
      await expect(limiter.hold('two', key, 1)).resolves.toBeDefined();
      await expect(limiter.hold('one', `${key}2`, 1)).resolves.toBeDefined();
      await expect(limiter.hold('one', key, 1)).resolves.toBeUndefined();
    });
  });
}
