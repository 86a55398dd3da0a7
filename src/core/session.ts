import type { PeerId, SessionId } from '../protocol/ids.js';
import type { Identity, PeerCard } from '../protocol/records.js';
import type { EventSink } from '../ports/event-sink.js';
import type { Room } from './room.js';

/** A seat in a room: who sits there, as whom. */
export interface Seat {
  readonly identity: Identity;
  readonly room: Room<Session>;
  readonly peerId: PeerId;
  /** Replaced as a whole when the peer updates its metadata. */
  card: PeerCard;
}

/** A field exists only in the state where it means something. */
export type SessionState =
  /** In no room. `quiet` once it was a parity session: its seat was deleted, its socket stays open. */
  | { readonly at: 'outside'; readonly quiet: boolean }
  | { readonly at: 'joined'; readonly quiet: boolean; readonly seat: Seat }
  /** The socket is gone, the name is kept. Only parity sessions get here. */
  | { readonly at: 'detached'; readonly quiet: true; readonly seat: Seat }
  | { readonly at: 'closed'; readonly quiet: boolean };

/** One peer's stay. The core changes `state`; nobody else does. */
export class Session {
  readonly id: SessionId;
  readonly sink: EventSink;
  state: SessionState = { at: 'outside', quiet: false };
  /** Malformed frames since the last good one. */
  strikes = 0;
  /** Has a silent refusal been logged yet? One line a session is enough. */
  silentRefusalLogged = false;
  refusedJoinLogged = false;

  constructor(id: SessionId, sink: EventSink) {
    this.id = id;
    this.sink = sink;
  }
}
