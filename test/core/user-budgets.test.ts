import { describe, expect, test } from '@jest/globals';
import { MemoryRateLimiter } from '../../src/adapters/memory/memory-rate-limiter.js';
import { UserBudgets, type UserBudget } from '../../src/core/user-budgets.js';
import { FakeClock } from '../support/fake-clock.js';

const SHARE_MS = 250;

/** Lets what was asked be answered. */
async function turns(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function send(budget: UserBudget, nowMs: number, tries: number): number {
  return Array.from({ length: tries }, () => budget.take(nowMs)).filter((waitMs) => waitMs === 0).length;
}

describe('UserBudgets', () => {
  test('[L4] all sessions of a user have one budget, other users have theirs', () => {
    const budgets = new UserBudgets(10, 10);
    const [first, second, other] = [budgets.budgetOf('u'), budgets.budgetOf('u'), budgets.budgetOf('v')];
    expect(send(first, 0, 8)).toBe(8);
    expect(send(second, 0, 8)).toBe(2);
    expect(send(other, 0, 8)).toBe(8);
  });

  test('[L4] a budget goes with the last session of its user', () => {
    const budgets = new UserBudgets(10, 10);
    const [first, second] = [budgets.budgetOf('u'), budgets.budgetOf('u')];
    budgets.giveBack(first, 0);
    expect(budgets.size).toBe(1);
    budgets.giveBack(second, 0);
    expect(budgets.size).toBe(0);
  });

  test('[L4] hanging up gives nothing back: what was used is remembered until it would be there again anyway', () => {
    const budgets = new UserBudgets(10, 10);
    const first = budgets.budgetOf('u');
    expect(send(first, 0, 20)).toBe(10);
    budgets.giveBack(first, 0);
    expect(send(budgets.budgetOf('u'), 0, 20)).toBe(0);
    budgets.giveBack(first, 0);
    // Who ends later looks after it.
    budgets.giveBack(budgets.budgetOf('v'), 1_000);
    expect(budgets.size).toBe(0);
  });

  test('[L4] has no limit at 0 a second, shared or not', () => {
    const clock = new FakeClock();
    const budgets = new UserBudgets(0, 0);
    budgets.share(new MemoryRateLimiter(clock), clock);
    expect(send(budgets.budgetOf('u'), clock.now(), 5000)).toBe(5000);
    expect(clock.pending).toBe(0);
  });

  describe('shared by two nodes', () => {
    const setup = () => {
      const clock = new FakeClock();
      const limiter = new MemoryRateLimiter(clock);
      const nodes = [new UserBudgets(100, 100), new UserBudgets(100, 100)].map((budgets) => ({
        budgets,
        stop: budgets.share(limiter, clock),
        user: budgets.budgetOf('u'),
      }));
      const [here, there] = nodes;
      if (here === undefined || there === undefined) throw new Error('two were made');
      return { clock, here, there };
    };

    test('[L4] what a user sends on one node is missing on the other a moment later', async () => {
      const { clock, here, there } = setup();
      expect(send(here.user, clock.now(), 100)).toBe(100);
      expect(send(there.user, clock.now(), 100)).toBe(100);
      clock.advance(SHARE_MS);
      await turns();
      // One of them was told to wait until both were paid.
      expect([here, there].filter(({ user }) => user.take(clock.now()) > 0)).toHaveLength(1);
    });

    test('[L4] over some time two nodes allow one user about the rate of one', async () => {
      const { clock, here, there } = setup();
      let count = 0;
      for (let ms = 0; ms < 20_000; ms += 10) {
        clock.advance(10);
        await turns();
        count += send(here.user, clock.now(), 2) + send(there.user, clock.now(), 2);
      }
      // 2,000 by the rate, 200 by the two bursts; without sharing it would be 4,200.
      expect(count).toBeGreaterThan(1900);
      expect(count).toBeLessThan(2800);
    });

    test('[L4] who stays within the rate of one, spread over two, never waits', async () => {
      const { clock, here, there } = setup();
      for (let ms = 0; ms < 5000; ms += 25) {
        clock.advance(25);
        await turns();
        expect(send(here.user, clock.now(), 1) + send(there.user, clock.now(), 1)).toBe(2);
      }
    });

    test('no timer runs while nobody sends much, nor after the end', async () => {
      const { clock, here } = setup();
      send(here.user, clock.now(), 24);
      expect(clock.pending).toBe(0);
      send(here.user, clock.now(), 1);
      expect(clock.pending).toBe(1);
      clock.advance(SHARE_MS);
      await turns();
      expect(clock.pending).toBe(0);
      send(here.user, clock.now(), 25);
      here.stop();
      expect(clock.pending).toBe(0);
    });

    test('[L4] a clock that is set back shuts nobody up', async () => {
      const { clock, here, there } = setup();
      send(here.user, clock.now(), 100);
      send(there.user, clock.now(), 100);
      clock.advance(SHARE_MS);
      await turns();
      const earlier = clock.now() - 3_600_000;
      const waits = [here, there].map(({ user }) => user.take(earlier));
      expect(Math.max(...waits)).toBeLessThanOrEqual(1010);
      for (const { user } of [here, there]) expect(user.take(earlier + 1010)).toBe(0);
    });
  });
});
