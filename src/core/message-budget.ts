/** Sums of fractions are not exact; so much of a message does not count. */
const slack = 1e-6;

/**
 * How many messages may come, without bursts at the edges of windows: the generic cell rate algorithm as a bucket that
 * leaks (ITU-T I.371). For the relay path: `take` is synchronous and allocates nothing.
 */
export class MessageBudget {
  readonly #perMs: number;
  readonly #burst: number;
  /** Messages in the bucket, and when that was so. */
  #used = 0;
  #atMs = 0;

  /** `perSecond` sustained, 0 for no limit; `burst` at once, at least 1. */
  constructor(perSecond: number, burst: number) {
    this.#perMs = Math.max(perSecond, 0) / 1000;
    this.#burst = Math.max(burst, 1) + slack;
  }

  /** 0: `cost` are taken, at most all of a burst. Else nothing is, and before so many milliseconds they will not be. */
  take(nowMs: number, cost = 1): number {
    if (this.#perMs === 0) return 0;
    // Nothing leaks when the clock was set back, but from then on it does again.
    const leaked = Math.max(nowMs - this.#atMs, 0) * this.#perMs;
    this.#used = Math.max(this.#used - leaked, 0);
    this.#atMs = nowMs;
    const taken = Math.min(cost, this.#burst - slack);
    const over = this.#used + taken - this.#burst;
    if (over > 0) return Math.ceil(over / this.#perMs);
    this.#used += taken;
    return 0;
  }

  /** It was not used after all. */
  giveBack(cost: number): void {
    this.#used = Math.max(0, this.#used - cost);
  }

  /** All of a burst is there. */
  isWhole(nowMs: number): boolean {
    return this.#used - (nowMs - this.#atMs) * this.#perMs <= slack;
  }

  /** None for so long, and after that one by one: as if the burst had been used up just then. */
  shut(nowMs: number, forMs: number): void {
    this.#used = this.#burst - slack + forMs * this.#perMs;
    this.#atMs = nowMs;
  }
}
