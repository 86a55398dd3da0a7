import type { Clock } from '../ports/runtime.js';

const tickMs = 1_000;

/** What is to be done for sessions at some second: one timer for all, and none while there is nothing to do. */
export class Appointments {
  readonly #clock: Clock;
  /** By the tick in which they are due. */
  readonly #due = new Map<number, Set<() => void>>();
  #lastTick = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `run` once, within a second after `atMs` (unix milliseconds). The returned function calls it off. */
  at(atMs: number, run: () => void): () => void {
    if (!Number.isFinite(atMs)) return () => undefined;
    if (this.#cancel === undefined) this.#start();
    const tick = Math.max(this.#lastTick + 1, Math.ceil(atMs / tickMs));
    const due = this.#due.get(tick) ?? new Set();
    this.#due.set(tick, due);
    due.add(run);
    return () => {
      due.delete(run);
      // When its time has come, others may have taken its place.
      if (due.size === 0 && this.#due.get(tick) === due) this.#due.delete(tick);
    };
  }

  close(): void {
    this.#cancel?.();
    this.#due.clear();
  }

  #start(): void {
    this.#lastTick = Math.floor(this.#clock.now() / tickMs);
    this.#schedule();
  }

  #schedule(): void {
    this.#cancel = this.#clock.after(tickMs, () => {
      this.#tick();
    });
  }

  #tick(): void {
    const now = Math.floor(this.#clock.now() / tickMs);
    for (const [tick, due] of this.#due) {
      if (tick > now) continue;
      this.#due.delete(tick);
      for (const run of due) run();
    }
    this.#lastTick = now;
    if (this.#due.size > 0) this.#schedule();
    else this.#cancel = undefined;
  }
}
