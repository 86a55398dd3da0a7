import type { CloseReason } from '../protocol/close.js';
import type { Ask, Event } from '../protocol/messages.js';

/** What the core sees of a connection. Nothing here blocks or throws; a dead connection swallows what it is sent. */
export interface EventSink {
  /** Queues an event for the peer, in order. `ask`: the request that it answers. False: it will not get there. */
  send(event: Event, ask?: Ask): boolean;
  /** Sends what is queued, then ends the connection. The first reason stands; later calls do nothing. */
  close(reason: CloseReason): void;
  /** Does the far end still answer? Asks it (a WebSocket ping) and resolves within `withinMs`. */
  probe(withinMs: number): Promise<boolean>;
}
