import type { SignalingError } from '../protocol/errors.js';
import type { Ask, Command, Event } from '../protocol/messages.js';

/** A frame that means something. */
export interface DecodedCommand {
  readonly command: Command;
  readonly ask: Ask;
}

/** A frame that does not, and what to say of it. */
export interface DecodedRefusal {
  readonly error: SignalingError;
  /** Absent when not even the verb could be read. */
  readonly ask?: Ask;
  /** The Python server ends the socket of a registered peer for such a frame. */
  readonly endsQuiet: boolean;
}

/** A pure translation between frames and the vocabulary: no state, no I/O, and nothing here throws. */
export interface Dialect {
  readonly name: string;
  /** Reads one frame. `isBinary`: it came as a binary frame. */
  decode(bytes: Buffer, isBinary: boolean): DecodedCommand | DecodedRefusal;
  /** Writes one event as the text of a frame. `ask`: the request that it answers. */
  encode(event: Event, ask: Ask | undefined): Buffer | string;
}
