import type { SignalingNode } from '../../core/signaling-node.js';
import type { RelayMeter } from '../../ports/relay-meter.js';
import type { Audit } from '../../ports/audit.js';
import type { Clock, Logger, Tally } from '../../ports/runtime.js';
import type { Encoder } from './encoder.js';
import type { Liveness } from './liveness.js';
import type { Flusher } from './outbox.js';
import type { WaitingBytes } from './waiting-bytes.js';

export interface ConnectionSettings {
  readonly maxOutboxBytes: number;
  readonly maxMessageBytes: number;
  /** Absolute: traffic does not extend it. */
  readonly preJoinMs: number;
}

/** What all connections of a process share. */
export interface ConnectionContext {
  readonly node: SignalingNode;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly audit: Audit;
  readonly tally: Tally;
  readonly relay: RelayMeter;
  readonly flusher: Flusher;
  readonly liveness: Liveness;
  readonly encoder: Encoder;
  readonly waiting: WaitingBytes;
  readonly settings: ConnectionSettings;
}
