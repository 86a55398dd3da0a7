/** Work that is done one after another, in the order in which it came. Bounded. */
export class Lane {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get isFull(): boolean {
    return this.#waiting >= this.#most;
  }

  /** Settles as `work` does. What failed before does not matter to it. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#waiting += 1;
    const done = this.#tail.then(work).finally(() => {
      this.#waiting -= 1;
    });
    this.#tail = done.catch(() => undefined);
    return done;
  }
}
