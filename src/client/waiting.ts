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
