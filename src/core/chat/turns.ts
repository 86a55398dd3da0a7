/** So many things are done at a time; the others wait, in the order of their coming. */
export class Turns {
  readonly #most: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  async take<Result>(run: () => Promise<Result>): Promise<Result> {
    if (this.#running < this.#most) this.#running += 1;
    // Who ends hands its turn on.
    else
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
