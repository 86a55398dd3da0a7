/** What the latency of a relay means, with time in the test's hand. */
import { describe, expect, test } from '@jest/globals';
import { Histogram } from '../../src/ports/histogram.js';
import { RelayMeter } from '../../src/ports/relay-meter.js';

/** Two clocks that have nothing to do with each other, as on a real machine. */
class Clocks {
  wallMs = 1_800_000_000_000;
  steadyMs = 77;

  now(): number {
    return this.wallMs;
  }

  elapsed(): number {
    return this.steadyMs;
  }
}

/** Sockets; only which is which counts. */
const [anna, bert, carl] = [{ name: 'anna' }, { name: 'bert' }, { name: 'carl' }];

function open(): { readonly meter: RelayMeter; readonly clocks: Clocks } {
  return { meter: new RelayMeter(), clocks: new Clocks() };
}

describe('[J2] the latency of a relay on one node', () => {
  test('is from when the piece was read to when all was flushed, for each message and receiver', () => {
    const { meter, clocks } = open();
    meter.begin(anna, clocks);
    clocks.steadyMs += 2;
    meter.handed(bert);
    meter.handed(carl);
    meter.end();
    clocks.steadyMs += 1;
    // The wall clock is set back meanwhile: nobody minds.
    clocks.wallMs -= 3_600_000;
    expect(meter.local.count).toBe(0);
    meter.flushed(clocks);
    expect([meter.local.count, meter.local.sumMs]).toEqual([2, 6]);
  });

  test('counts all of a turn from its first piece with a message: who came behind it has waited too', () => {
    const { meter, clocks } = open();
    meter.begin(carl, clocks);
    meter.end();
    clocks.steadyMs += 100;
    for (const reader of [anna, bert]) {
      meter.begin(reader, clocks);
      meter.handed(carl);
      meter.end();
      clocks.steadyMs += 10;
    }
    meter.flushed(clocks);
    expect(meter.local.sumMs).toBe(20 + 20);
    meter.flushed(clocks);
    expect(meter.local.count).toBe(2);
  });

  test('takes no account of what its sender writes for others to pass on, nor of what no peer has just sent', () => {
    const { meter, clocks } = open();
    meter.begin(anna, clocks);
    meter.handed(anna);
    meter.end();
    meter.handed(bert);
    meter.flushed(clocks);
    meter.begin(carl, clocks);
    meter.end();
    meter.flushed(clocks);
    expect([meter.local.count, meter.remote.count]).toEqual([0, 0]);
  });
});

describe('[J3] the latency of a relay between nodes', () => {
  test('is by the wall clocks, from when the letters were written to when all was flushed', () => {
    const { meter, clocks } = open();
    meter.letters(clocks.wallMs - 4, () => {
      meter.handed(bert);
      meter.handed(carl);
    });
    clocks.wallMs += 1;
    clocks.steadyMs += 500;
    meter.flushed(clocks);
    expect([meter.remote.count, meter.remote.sumMs, meter.skewed]).toEqual([2, 10, 0]);
    expect(meter.local.count).toBe(0);
  });

  test('is never below zero: what seems to have come before it left is counted apart', () => {
    const { meter, clocks } = open();
    meter.letters(clocks.wallMs + 30, () => {
      meter.handed(bert);
    });
    meter.flushed(clocks);
    expect([meter.remote.count, meter.remote.sumMs, meter.skewed]).toEqual([1, 0, 1]);
  });

  test('takes no account of letters that no peer here is told of', () => {
    const { meter, clocks } = open();
    meter.letters(clocks.wallMs, () => undefined);
    meter.flushed(clocks);
    expect(meter.remote.count).toBe(0);
  });
});

test('a histogram counts a time under the first bound that it does not exceed', () => {
  const histogram = new Histogram([1, 5]);
  for (const ms of [0, 1, 1.5, 5, 5.1, 900]) histogram.observe(ms);
  histogram.observe(2, 10);
  expect([...histogram.counts]).toEqual([2, 12, 2]);
  expect(histogram.sumMs).toBeCloseTo(932.6);
  expect(histogram.count).toBe(16);
});
