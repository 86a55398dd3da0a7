/**
 * Counts durations in plain numbers, so that the relay path can add to it: a search over some twenty bounds, and three
 * additions. The metrics adapter reads it when it is scraped.
 */
export class Histogram {
  /** Upper bounds, milliseconds, ascending. */
  readonly boundsMs: readonly number[];
  /** How many fell below each bound and not below the one before; the last is for what is beyond all of them. */
  readonly counts: Float64Array;
  sumMs = 0;

  constructor(boundsMs: readonly number[]) {
    this.boundsMs = boundsMs;
    this.counts = new Float64Array(boundsMs.length + 1);
  }

  /** `times` of them lasted `ms`. */
  observe(ms: number, times = 1): void {
    const { boundsMs, counts } = this;
    let at = 0;
    while (at < boundsMs.length && ms > (boundsMs[at] ?? 0)) at += 1;
    counts[at] = (counts[at] ?? 0) + times;
    this.sumMs += ms * times;
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }
}
