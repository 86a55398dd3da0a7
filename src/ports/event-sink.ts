import type { CloseReason } from '../protocol/close.js';
import type { Ask, Event } from '../protocol/messages.js';

/** What the core sees of a connection. Nothing here blocks; a dead connection swallows what it is sent. */
export interface EventSink {
  /** The name of its dialect. */
  readonly dialect: string;
  /**
   * The event as a frame of this peer's dialect. Does not depend on the connection's being alive.
   * Throws `RangeError` for what is nested too deeply to be written. `ask`: the request that it answers.
   */
  encode(event: Event, ask?: Ask): Buffer;
  /** Queues a frame for the peer, in order. False: it will not get there. */
  write(payload: Buffer): boolean;
  /** Both at once. */
  send(event: Event, ask?: Ask): boolean;
  /** Sends what is queued, then ends the connection. The first reason stands; later calls do nothing. */
  close(reason: CloseReason): void;
  /** Does the far end still answer? Asks it (a WebSocket ping) and resolves within `withinMs`. */
  probe(withinMs: number): Promise<boolean>;
}
