import { describe, expect, test } from '@jest/globals';
import { MemoryRateLimiter } from '../../src/adapters/memory/memory-rate-limiter.js';
import { rateLimiterContract } from '../contracts/rate-limiter-contract.js';
import { FakeClock } from '../support/fake-clock.js';

rateLimiterContract('MemoryRateLimiter', () => {
  const clock = new FakeClock();
  return Promise.resolve({
    limiter: new MemoryRateLimiter(clock),
    advance: (ms) => {
      clock.advance(ms);
      return Promise.resolve();
    },
  });
});

describe('MemoryRateLimiter', () => {
  const rule = { name: 'test', limit: 2, perMs: 1000 };

  test('[L1] the time that it names is exact', async () => {
    const clock = new FakeClock();
    const limiter = new MemoryRateLimiter(clock);
    await limiter.take(rule, 'a', 2);
    await expect(limiter.take(rule, 'a')).resolves.toEqual({ isAllowed: false, retryAfterMs: 500 });
    clock.advance(499);
    await expect(limiter.take(rule, 'a')).resolves.toEqual({ isAllowed: false, retryAfterMs: 1 });
    clock.advance(1);
    await expect(limiter.take(rule, 'a')).resolves.toEqual({ isAllowed: true, retryAfterMs: 0 });
  });

  test('drops what is past while new keys come, so that it does not grow', async () => {
    const clock = new FakeClock();
    const limiter = new MemoryRateLimiter(clock);
    for (let count = 0; count < 20_000; count += 1) {
      clock.advance(1);
      // One in ten is long.
      const perMs = count % 10 === 0 ? 4000 : 1000;
      await limiter.take({ name: 'test', limit: 1, perMs }, String(count));
    }
    expect(limiter.size).toBeLessThan(2 * (900 + 400));
  });

  test('holds no more keys than it may, and forgets the one that was used least recently', async () => {
    const limiter = new MemoryRateLimiter(new FakeClock(), 3);
    for (const key of ['a', 'b', 'c', 'a', 'd']) await limiter.take(rule, key);
    expect(limiter.size).toBe(3);
    await expect(limiter.take(rule, 'a')).resolves.toMatchObject({ isAllowed: false });
    await expect(limiter.take(rule, 'b', 2)).resolves.toMatchObject({ isAllowed: true });
  });

  test('[L3] keeps nothing of what was given back', async () => {
    const limiter = new MemoryRateLimiter(new FakeClock());
    const releases = await Promise.all([1, 2, 3].map(() => limiter.hold('test', 'a', 3)));
    expect(limiter.size).toBe(1);
    for (const release of releases) release?.();
    expect(limiter.size).toBe(0);
  });

  test('[L1] a clock that is set back shuts nobody out for long', async () => {
    const clock = new FakeClock();
    const limiter = new MemoryRateLimiter(clock);
    await limiter.take(rule, 'a', 2);
    clock.advance(-3_600_000);
    await expect(limiter.take(rule, 'a')).resolves.toEqual({ isAllowed: false, retryAfterMs: 500 });
  });
});
