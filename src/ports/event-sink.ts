import type { CloseReason } from '../protocol/close.js';
import type { Ask, Event } from '../protocol/messages.js';

/** What the core sees of a connection. Nothing here blocks; a dead connection swallows what it is sent. */
export interface EventSink {
  /** The name of its dialect. */
  readonly dialect: string;
  /** Its peer is told who is in the room at each change. */
  readonly wantsRoomState: boolean;
  /** Its peer is told of what it did to the room itself. */
  readonly hearsItself: boolean;
  /**
   * The event as a frame of this peer's dialect; `undefined` when that has no word for it. Does not depend on the
   * connection's being alive.
   * Throws `RangeError` for what is nested too deeply to be written. `ask`: the request that it answers.
   */
  encode(event: Event, ask?: Ask): Buffer | undefined;
  /** Queues a frame for the peer, in order. False: it will not get there. */
  write(payload: Buffer): boolean;
  /** Both at once. True when there was nothing to say. */
  send(event: Event, ask?: Ask): boolean;
  /** Sends what is queued, then ends the connection. The first reason stands; later calls do nothing. */
  close(reason: CloseReason, text?: string): void;
  /** Does the far end still answer? Asks it (a WebSocket ping) and resolves within `withinMs`. */
  probe(withinMs: number): Promise<boolean>;
}
