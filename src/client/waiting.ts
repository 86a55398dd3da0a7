import { ClientError } from './client-error.js';

export const interrupted = (): ClientError => new ClientError('interrupted', 'interrupted');

/** The promise's value, unless `timeoutMs` pass (`late` says what that means) or `stop` fires before. */
export function within<T>(
  promise: Promise<T>,
  timeoutMs: number,
  late: () => ClientError,
  stop: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onStop = (): void => {
      settle();
      reject(interrupted());
    };
    const timer = setTimeout(() => {
      settle();
      reject(late());
    }, timeoutMs);
    const settle = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', onStop);
    };
    stop.addEventListener('abort', onStop);
    promise.finally(settle).then(resolve, reject);
    if (stop.aborted) onStop();
  });
}

/** Lets many wait for whatever changes next; each looks for itself whether it was what it waits for. */
export class Changes {
  #wake: () => void = () => undefined;
  #next = this.#prepare();

  get next(): Promise<void> {
    return this.#next;
  }

  notify(): void {
    const wake = this.#wake;
    this.#next = this.#prepare();
    wake();
  }

  #prepare(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
