import type { PeerId, SessionId } from '../protocol/ids.js';
import type { Identity, PeerCard, Standing } from '../protocol/records.js';
import type { EventSink } from '../ports/event-sink.js';
import type { Ask, Event, Receipt, Relayed } from '../protocol/messages.js';
import type { Hearing, Mailbox } from './mailbox.js';
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
  /** SHA-256 of the last few that no longer hold: who shows one comes late, over a socket that was given up. */
  spentTokens: readonly string[];
  /** Of two claims to the name the one with the higher number holds; given by the presence. */
  generation: number;
  /** Messages to everybody since another node was given the mail. */
  missed: { readonly event: Relayed; readonly receipt: Receipt }[];
  /** Lets the mail go on here when the other node has not taken the seat in time. */
  cancelThaw: (() => void) | undefined;
  /** Who sits in it now: another socket may have taken it over. */
  session: Session;
  /** Peers to which a message was refused because their node did not answer: until that one comes again, none may pass. */
  barred: Map<PeerId, { readonly id: string; readonly untilMs: number }> | undefined;
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

  /** Another node is taking it over: what is for it must wait. */
  get isFrozen(): boolean {
    return 'seat' in this.state && this.state.seat.mail.isFrozen;
  }

  /** Tells the peer. False: it will not get there. */
  tell(event: Event, ask?: Ask): boolean {
    const { state } = this;
    if (state.at === 'joined' || state.at === 'detached') return state.seat.mail.tell(event, ask);
    return state.at !== 'kept' && this.sink.send(event, ask);
  }

  /** Tells a message that has an id, once. */
  hear(event: Event, receipt: Receipt): Hearing {
    const { state } = this;
    return state.at === 'joined' || state.at === 'detached' ? state.seat.mail.hear(event, receipt) : 'lost';
  }
}

export function standingOf({ state }: Session): Standing {
  if (state.at === 'joined') return 'here';
  return state.at === 'detached' ? 'away' : 'kept';
}
