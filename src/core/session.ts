import type { PeerId, SessionId } from '../protocol/ids.js';
import type { Identity, PeerCard } from '../protocol/records.js';
import type { EventSink } from '../ports/event-sink.js';
import type { Ask, Event } from '../protocol/messages.js';
import type { Mailbox, Receipt } from './mailbox.js';
import type { Room } from './room.js';

/** A seat in a room: who sits there, as whom. */
export interface Seat {
  readonly identity: Identity;
  readonly room: Room<Session>;
  readonly peerId: PeerId;
  /** Replaced as a whole when the peer updates its metadata. */
  card: PeerCard;
  readonly mail: Mailbox;
  /** Private to the peer, and new with each socket: it alone may go on where that socket broke. */
  resumeToken: string;
  /** The one before, good until the peer has acknowledged something: the reply with the new one may be lost. */
  previousToken: string | undefined;
}

/** A field exists only in the state where it means something. */
export type SessionState =
  /** In no room. `quiet` once it was a parity session: its seat was deleted, its socket stays open. */
  | { readonly at: 'outside'; readonly quiet: boolean }
  | { readonly at: 'joined'; readonly quiet: boolean; readonly seat: Seat }
  /** The socket is gone; the seat is kept for the grace window, and mail waits. */
  | { readonly at: 'detached'; readonly quiet: boolean; readonly seat: Seat; readonly endGrace: () => void }
  /** A parity session after that: only its name is kept. */
  | { readonly at: 'kept'; readonly quiet: true; readonly seat: Seat }
  | { readonly at: 'closed'; readonly quiet: boolean };

/** One peer's stay. The core changes `state`; nobody else does. */
export class Session {
  /** A session that goes on over another socket keeps its id. */
  id: SessionId;
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

  /** Tells the peer. False: it will not get there. `receipt`: who wants to know when the peer has it. */
  tell(event: Event, ask?: Ask, receipt?: Receipt): boolean {
    const { state } = this;
    if (state.at === 'joined' || state.at === 'detached') return state.seat.mail.tell(event, ask, receipt);
    return state.at !== 'kept' && this.sink.send(event, ask);
  }
}
