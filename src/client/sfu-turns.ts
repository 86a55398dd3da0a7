import { RequestLost, RequestRefused } from './frames.js';

const retryMs = 1_000;

/** Work of one bridge, one piece after the other. */
export class Turns {
  readonly #onError: (error: unknown) => void;
  #tail: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Settles as `run` does, which waits for what came before. */
  run(run: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(run);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** The same again and again while the server may come to do it. `run` knows itself whether there is anything to do yet. */
  untilDone(run: () => Promise<void>): void {
    this.run(run).catch((error: unknown) => {
      if (this.#isClosed) return;
      this.#onError(error);
      const pauseMs = pauseAfter(error);
      if (pauseMs === undefined) return;
      setTimeout(() => {
        this.untilDone(run);
      }, pauseMs);
    });
  }

  /** Nothing is tried again, and nobody told of what fails. */
  close(): void {
    this.#isClosed = true;
  }
}

/** `undefined`: the same would be refused again. */
function pauseAfter(error: unknown): number | undefined {
  if (error instanceof RequestLost) return retryMs;
  if (!(error instanceof RequestRefused) || !error.retryable) return undefined;
  return Math.max(retryMs, error.retryAfterMs);
}
