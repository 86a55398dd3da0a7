import { expect, test } from '@jest/globals';
import { Lane } from '../../src/core/lane.js';

test('[Q5] what waits in a lane is done one after another, and no more may wait than it holds', async () => {
  const lane = new Lane(3);
  const done: number[] = [];
  const release: (() => void)[] = [];
  const job = (n: number) => (): Promise<void> => {
    done.push(n);
    return new Promise((resolve) => release.push(resolve));
  };
  expect([1, 2, 3, 4].map((n) => lane.run(job(n)))).toEqual([true, true, true, false]);
  expect(done).toEqual([1]);
  release.shift()?.();
  await new Promise(setImmediate);
  expect(done).toEqual([1, 2]);
  expect(lane.run(job(5))).toBe(true);
  for (let end = release.shift(); end !== undefined; end = release.shift()) {
    end();
    await new Promise(setImmediate);
  }
  expect(done).toEqual([1, 2, 3, 5]);
  expect(lane.run(job(6))).toBe(true);
  expect(done).toEqual([1, 2, 3, 5, 6]);
});
