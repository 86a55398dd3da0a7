import type { Clock, IdSource, Logger } from '../ports/runtime.js';

/** What every backend may use. */
export interface Surroundings {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
}

export function nothingToClose(): void {
  // It holds no connection of its own.
}
