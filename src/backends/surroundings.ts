import type { Clock, IdSource, Logger, Tally } from '../ports/runtime.js';
import type { Telemetry } from '../ports/telemetry.js';
import type { NodeId } from '../protocol/ids.js';

/** What every backend may use. */
export interface Surroundings {
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Of this life of this process. */
  readonly nodeId: NodeId;
  readonly logger: Logger;
  readonly tally: Tally;
  readonly telemetry: Telemetry;
}

export function nothingToClose(): void {
  // It holds no connection of its own.
}
