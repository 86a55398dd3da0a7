import type { SignalingError } from '../protocol/errors.js';
import type { CloseReason } from '../protocol/close.js';
import type { RoomId } from '../protocol/ids.js';
import type { Ask, Command, Event } from '../protocol/messages.js';

/** A frame that means something. */
export interface DecodedCommand {
  readonly command: Command;
  readonly ask: Ask;
  /** The spelling that this client turns out to use: it is answered in it from now on. */
  readonly speaks?: Dialect;
}

/** A frame that does not, and what to say of it. */
export interface DecodedRefusal {
  readonly error: SignalingError;
  /** Absent when not even the verb could be read. */
  readonly ask?: Ask;
  /** The Python server ends the socket of a registered peer for such a frame. */
  readonly endsQuiet: boolean;
}

/** What a dialect may know of the socket that it is spoken on. */
export interface Scope {
  /** The room in the socket's address, where there is one. */
  readonly roomId: RoomId | undefined;
  /** Unix milliseconds, for dialects that stamp what they write. */
  readonly now: () => number;
}

/** A pure translation between frames and the vocabulary: no state, no I/O, and nothing here throws. */
export interface Dialect {
  /** Frames go unchanged between dialects of one name. */
  readonly name: string;
  /** Its peers are told who is in the room at each change. */
  readonly wantsRoomState: boolean;
  /** Its peers are told of what they did to the room themselves. */
  readonly hearsItself: boolean;
  /** Reads one frame. `isBinary`: it came as a binary frame. */
  decode(bytes: Buffer, isBinary: boolean, scope: Scope): DecodedCommand | DecodedRefusal;
  /**
   * Writes one event as the text of a frame, none where this dialect has no word for it. `ask`: the request that it
   * answers. What answers nothing is written once for all receivers in a room: it must not depend on whose socket it is.
   */
  encode(event: Event, ask: Ask | undefined, scope: Scope): Buffer | string | undefined;
  /** How it spells the end of a socket, where it has a way of its own. */
  close?(reason: CloseReason): { readonly code: number; readonly text: string } | undefined;
}

/** What a path speaks. */
export interface Entrance {
  readonly dialect: Dialect;
  readonly roomId: RoomId | undefined;
  /** What the address alone asks for: to be run before the first frame. */
  readonly hello: DecodedCommand | DecodedRefusal | undefined;
}

/** The same, with what holds for all paths. */
export interface Door extends Entrance {
  /** The credential comes in the first message: until then nothing is asked for. */
  readonly waitsForToken: boolean;
}
