/**
 * An answer that is asked anew for whoever wants it: who comes while one is under way shares the next, which begins when
 * that has ended. So however many want it, one is under way, and nobody gets what was asked before it came.
 */
export class Fresh<Answer> {
  readonly #ask: () => Promise<Answer>;
  #running: Promise<Answer> | undefined;
  #next: Promise<Answer> | undefined;

  constructor(ask: () => Promise<Answer>) {
    this.#ask = ask;
  }

  /** Settles as `ask` does. */
  get(): Promise<Answer> {
    if (this.#running !== undefined) {
      const again = (): Promise<Answer> => {
        this.#next = undefined;
        return this.get();
      };
      this.#next ??= this.#running.then(again, again);
      return this.#next;
    }
    this.#running = this.#ask().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }
}
