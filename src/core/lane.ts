/**
 * What one session waits for, one thing after another, while everything else of it goes on. Bounded, because a peer
 * decides how fast it is filled.
 */
export class Lane {
  readonly #most: number;
  #tail: Promise<void> = Promise.resolve();
  #count = 0;

  /** `most` jobs at a time, the one that is under way included. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Runs `job` when those before it have ended, and at once when there are none. Returns `false`, and does not run it, when the lane is
   * full. `job` never rejects: it says itself what went wrong.
   */
  run(job: () => Promise<void>): boolean {
    if (this.#count >= this.#most) return false;
    const isIdle = this.#count === 0;
    this.#count += 1;
    const ended = (): void => {
      this.#count -= 1;
    };
    this.#tail = (isIdle ? job() : this.#tail.then(job)).then(ended, ended);
    return true;
  }
}
