import type { Command } from '../../protocol/messages.js';
import type { WireFrame } from '../../protocol/wire-frame.js';
import type { JsonObject } from '../../protocol/records.js';

/** A word of the flat dialect that is no signal. */
export interface Verb {
  /** The verb promises an answer, even to a parity session. */
  readonly answered: boolean;
  /** Throws `SignalingError` to refuse. */
  readonly read: (body: JsonObject, frame: WireFrame) => Command;
}
