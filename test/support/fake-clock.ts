import type { Clock } from '../../src/ports/runtime.js';

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

/** Time in the test's hand. Starts at the real time unless told, so that tokens are judged as usual. */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<Timer>();

  constructor(nowMs = Date.now()) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  elapsed(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, run };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** How many things are set to run. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets time pass; timers run in their order, those that they set included. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.run();
    }
    this.#nowMs = endMs;
  }

  soon(run: () => void): void {
    setImmediate(run);
  }
}
