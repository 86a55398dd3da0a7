import type { PeerId, SessionId } from '../protocol/ids.js';
import type { Identity, PeerCard, Standing } from '../protocol/records.js';
import type { Secret } from '../protocol/secret.js';
import type { EventSink } from '../ports/event-sink.js';
import type { Ask, Event, Receipt, Relayed } from '../protocol/messages.js';
import type { Hearing, Mailbox } from './mailbox.js';
import type { MessageBudget } from './message-budget.js';
import type { UserBudget } from './user-budgets.js';
import type { Room } from './room.js';
import { WireFrame } from '../protocol/wire-frame.js';

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
  /** Of two peers the one with the higher came later. */
  readonly since: number;
  /** Messages to everybody since another node was given the mail. */
  missed: { readonly event: Relayed; readonly receipt: Receipt }[];
  /** Lets the mail go on here when the other node has not taken the seat in time. */
  cancelThaw: (() => void) | undefined;
  /** The server made its name up, and the peer has not said its own (S2). */
  readonly isNameless: boolean;
  /** Who sits in it now: another socket may have taken it over. */
  session: Session;
  /** The place of the last chat message that it was told. */
  chatSeq: number;
  /** It is being told what was said meanwhile: what is new must wait. */
  isBehindInChat: boolean;
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

/** What is known of a socket before it says anything. */
export interface Arrived {
  /** The token that the upgrade carried. */
  readonly credential: Secret | undefined;
  /** Where it comes from, for limits. */
  readonly address: string;
  /** The header of that name that the upgrade carried: the trace that its joins belong to. */
  readonly traceparent?: unknown;
}

/** What is planned for a session that sits: the end of its proof, new ICE servers, its user's budget given back. */
type Planned = 'expiry' | 'ice' | 'budget';

/** One peer's stay. The core changes `state`; nobody else does. */
export class Session {
  /** A session that goes on over another socket keeps its id. */
  id: SessionId;
  readonly sink: EventSink;
  readonly arrived: Arrived;
  /** Its address is a room's: outside that it has no use. */
  isDoor = false;
  /** What its peer may send; all sockets of its user together have one too, while it sits. */
  readonly budget: MessageBudget;
  userBudget: UserBudget | undefined;
  /** Its first join is free of more than itself. */
  hasJoined = false;
  /** Messages refused because there were too many, less those that were not. */
  excess = 0;
  /** Calls off what is planned for it. */
  readonly #planned = new Map<Planned, () => void>();
  /** Until when the peer has proved who it is, unix milliseconds. */
  provenUntilMs = Number.POSITIVE_INFINITY;
  state: SessionState = { at: 'outside', quiet: false };
  /** Malformed frames since the last good one. */
  strikes = 0;
  /** Has a silent refusal been logged yet? One line a session is enough. */
  silentRefusalLogged = false;
  refusedJoinLogged = false;

  constructor(id: SessionId, sink: EventSink, arrived: Arrived, budget: MessageBudget) {
    this.id = id;
    this.sink = sink;
    this.arrived = arrived;
    this.budget = budget;
  }

  /** Something will be done for it, in the place of what was planned before; `cancel` calls it off. */
  plan(what: Planned, cancel: () => void): void {
    this.#planned.get(what)?.();
    this.#planned.set(what, cancel);
  }

  callOff(): void {
    for (const cancel of this.#planned.values()) cancel();
    this.#planned.clear();
  }

  /** Another node is taking it over: what is for it must wait. */
  get isFrozen(): boolean {
    return 'seat' in this.state && this.state.seat.mail.isFrozen;
  }

  /** Tells the peer. False: it will not get there. */
  tell(event: Event, ask?: Ask): boolean {
    const { state } = this;
    if (state.quiet && isNotice(event)) return false;
    if (state.at === 'joined' || state.at === 'detached')
      return state.seat.mail.tell(state.quiet ? addressed(event, state.seat) : event, ask);
    return state.at !== 'kept' && this.sink.send(event, ask);
  }

  /** Tells a message that has an id, once. */
  hear(event: Event, receipt: Receipt): Hearing {
    const { state } = this;
    if (state.quiet && isNotice(event)) return 'lost';
    if (state.at !== 'joined' && state.at !== 'detached') return 'lost';
    return state.seat.mail.hear(state.quiet ? addressed(event, state.seat) : event, receipt);
  }
}

/** The Python server would not have sent one. */
function isNotice(event: Event): boolean {
  return event.type === 'signal' && event.kind === 'notice';
}

/** The Python server forwards nothing without a target: what is for everybody is for this peer. */
function addressed(event: Event, { peerId }: Seat): Event {
  if (event.type !== 'signal' || event.to !== undefined) return event;
  const { type, kind, from, body, frame } = event;
  const unsigned = frame === undefined ? frame : new WireFrame(frame.dialect, frame.bytes, false);
  return { type, kind, from, to: peerId, body, frame: unsigned, isAddressed: true };
}

export function standingOf({ state }: Session): Standing {
  if (state.at === 'joined') return 'here';
  return state.at === 'detached' ? 'away' : 'kept';
}

/** Dialects of one family differ in spelling only: `webrtc` and `webrtc_snake` are one. */
export function familyOf({ dialect }: EventSink): string {
  return dialect.split('_', 1)[0] ?? dialect;
}
