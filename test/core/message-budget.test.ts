import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MessageBudget } from '../../src/core/message-budget.js';

const START_MS = 1_700_000_000_000;

function taken(budget: MessageBudget, nowMs: number, tries: number): number {
  return Array.from({ length: tries }, () => budget.take(nowMs)).filter((waitMs) => waitMs === 0).length;
}

describe('MessageBudget', () => {
  test.each([
    [1, 1],
    [3, 3],
    [7, 20],
    [100, 200],
    [1500, 1500],
    [30_000, 60_000],
  ])('at %d a second allows a burst of %d and not one more', (perSecond, burst) => {
    expect(taken(new MessageBudget(perSecond, burst), START_MS, burst + 10)).toBe(burst);
  });

  test.each([
    [1, 1],
    [3, 3],
    [7, 20],
    [100, 200],
    [1500, 1500],
  ])('at %d a second with a burst of %d goes on at just that rate', (perSecond, burst) => {
    const budget = new MessageBudget(perSecond, burst);
    taken(budget, START_MS, burst);
    let count = 0;
    for (let ms = 1; ms <= 10_000; ms += 1) count += taken(budget, START_MS + ms, 3);
    expect(count).toBe(10 * perSecond);
  });

  test('says when the next one will be allowed, and allows it then and not before', () => {
    const budget = new MessageBudget(3, 1);
    expect(budget.take(START_MS)).toBe(0);
    expect(budget.take(START_MS)).toBe(334);
    expect(budget.take(START_MS + 333)).toBe(1);
    expect(budget.take(START_MS + 334)).toBe(0);
    expect(budget.take(START_MS + 334)).toBe(334);
  });

  test('takes nothing when it refuses', () => {
    const budget = new MessageBudget(10, 1);
    budget.take(START_MS);
    for (let tries = 0; tries < 1000; tries += 1) expect(budget.take(START_MS + 50)).toBe(50);
    expect(budget.take(START_MS + 100)).toBe(0);
  });

  test('shut for a while it allows nothing, and after that no burst', () => {
    const budget = new MessageBudget(10, 5);
    budget.shut(START_MS, 700);
    expect(budget.take(START_MS)).toBe(800);
    expect(budget.take(START_MS + 799)).toBe(1);
    expect(taken(budget, START_MS + 800, 10)).toBe(1);
    expect(taken(budget, START_MS + 5000, 10)).toBe(5);
  });

  test('has no limit at 0 a second', () => {
    expect(taken(new MessageBudget(0, 0), START_MS, 10_000)).toBe(10_000);
  });

  test('a burst of 0 is one of 1', () => {
    expect(taken(new MessageBudget(5, 0), START_MS, 10)).toBe(1);
  });

  test('a clock that is set back shuts nobody up', () => {
    const budget = new MessageBudget(10, 5);
    expect(taken(budget, START_MS, 10)).toBe(5);
    expect(budget.take(START_MS - 3_600_000)).toBe(100);
    expect(taken(budget, START_MS - 3_600_000 + 500, 10)).toBe(5);
  });

  test('whoever sends whenever, no stretch of time has more than the burst and the rate allow', () => {
    const gaps = fc.array(fc.nat({ max: 400 }), { maxLength: 100 });
    const rates = fc.record({
      perSecond: fc.integer({ min: 1, max: 50 }),
      burst: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(rates, gaps, ({ perSecond, burst }, waits) => {
        const budget = new MessageBudget(perSecond, burst);
        const sentAt: number[] = [];
        let nowMs = START_MS;
        for (const waitMs of waits) {
          nowMs += waitMs;
          for (let tries = 0; tries < 3; tries += 1) if (budget.take(nowMs) === 0) sentAt.push(nowMs);
        }
        const excesses = sentAt.flatMap((fromMs, from) =>
          sentAt.slice(from).map((toMs, more) => more + 1 - burst - ((toMs - fromMs) * perSecond) / 1000),
        );
        expect(Math.max(0, ...excesses)).toBeLessThan(0.001);
      }),
      { numRuns: 50 },
    );
  });
});
