/** Taking a seat, giving it up, and who is told of it. */
import type { PeerId } from '../protocol/ids.js';
import type { SeatKey } from '../ports/presence.js';
import type { Event, LeaveReason } from '../protocol/messages.js';
import type { PeerCard, SeatRecord } from '../protocol/records.js';
import type { Context } from './context.js';
import type { Room } from './room.js';
import type { Seat, Session } from './session.js';

/** There, or expected back: within its window the others have not been told that it left. */
export function isPresent({ state }: Session): boolean {
  return state.at === 'joined' || state.at === 'detached';
}

/** Does it take one of the room's seats? A parity peer without a socket was promised nothing. */
function holdsSeat({ state }: Session): boolean {
  return state.at === 'joined' || (state.at === 'detached' && !state.quiet);
}

/** The same of a peer on another node. */
export function holdsSeatThere({ standing, isQuiet }: SeatRecord): boolean {
  return standing === 'here' || (standing === 'away' && !isQuiet);
}

/** Tells everybody here who may be told without asking, but for `except`. */
export function announce(room: Room<Session>, event: Event, except?: Session): void {
  for (const member of room.members.values()) {
    if (member !== except && isPresent(member) && !member.state.quiet) member.tell(event);
  }
}

interface Entry {
  readonly card: PeerCard;
  readonly sub: string;
}

/** Who holds a seat in the room, on all nodes; while nobody is elsewhere, in the order of their names' first coming. */
function entries(room: Room<Session>, except?: Session): Entry[] {
  const found: Entry[] = [];
  for (const member of room.members.values()) {
    if (member === except || !holdsSeat(member) || !('seat' in member.state)) continue;
    const { card, identity } = member.state.seat;
    found.push({ card, sub: identity.sub });
  }
  if (room.remotes.size === 0) return found;
  for (const { seat } of room.remotes.values()) {
    if (holdsSeatThere(seat)) found.push({ card: seat.card, sub: seat.identity.sub });
  }
  return found.sort((a, b) => a.card.connectedAtMs - b.card.connectedAtMs);
}

/** The cards of the peers in the room. */
export function roster(room: Room<Session>, except?: Session): PeerCard[] {
  return entries(room, except).map(({ card }) => card);
}

/** The room's creator while it is there, else who has been there longest. */
export function hostOf(room: Room<Session>, fallback: PeerId): PeerId {
  const there = entries(room);
  const host = there.find(({ sub }) => sub === room.createdBy) ?? there[0];
  return host?.card.peerId ?? fallback;
}

/** Was the seat taken away before its session could sit down? A deletion need not wait for our answer. */
export function isEnded(room: Room<Session>, { peerId, generation }: SeatKey): boolean {
  return room.arriving.get(peerId)?.ended.has(generation) === true;
}

/** Has somebody taken the name after this seat was given, here or elsewhere? Its change may come before our answer. */
export function isOvertaken(room: Room<Session>, { peerId, generation }: SeatKey): boolean {
  const remote = room.remotes.get(peerId)?.seat;
  if (remote !== undefined && remote.generation > generation) return true;
  const state = room.members.get(peerId)?.state;
  return state !== undefined && 'seat' in state && state.seat.generation > generation;
}

/** Seats a session, in the place of whoever holds the name; the presence has agreed. */
export function takeSeat(context: Context, session: Session, seat: Seat, quiet: boolean): void {
  const { room, peerId } = seat;
  const holder = room.members.get(peerId);
  const remote = room.remotes.get(peerId)?.seat;
  // Entered before the holder goes: a room that is empty in between would be dropped, and this seat with it.
  context.hub.enter(session, seat);
  room.remotes.delete(peerId);
  const wasPresent =
    (holder !== undefined && isPresent(holder)) || (remote !== undefined && remote.standing !== 'kept');
  if (holder !== undefined) vacate(context, holder);
  session.state = { at: 'joined', quiet, seat };
  room.liveCount += 1;
  context.tally.joins += 1;
  if (wasPresent) announce(room, { type: 'peer_left', peerId, reason: 'replaced' }, session);
  forgetOldestName(context, room);
  announce(room, { type: 'peer_joined', peer: seat.card }, session);
}

/** Another socket goes on with a session: the seat, its mail and its name are handed over, and nobody has left. */
export function passSeat(context: Context, from: Session, to: Session, seat: Seat): void {
  const wasDetached = from.state.at === 'detached';
  if (from.state.at === 'detached') from.state.endGrace();
  from.state = { at: 'closed', quiet: false };
  seat.room.members.set(seat.peerId, to);
  to.id = from.id;
  to.state = { at: 'joined', quiet: false, seat };
  seat.session = to;
  context.tally.resumes += 1;
  if (wasDetached) announce(seat.room, { type: 'peer_resumed', peerId: seat.peerId }, to);
}

/** Takes a session out of its room on this node, and tells nobody. */
export function vacate(context: Context, session: Session): void {
  const { state } = session;
  if (!('seat' in state)) return;
  const { seat, quiet } = state;
  if (holdsSeat(session)) seat.room.liveCount -= 1;
  if (state.at === 'detached') state.endGrace();
  session.state = state.at === 'joined' ? { at: 'outside', quiet } : { at: 'closed', quiet };
  context.custody.forget(seat);
  // Its socket may go on to another seat: nothing of this one may reach it there.
  seat.mail.close();
  context.hub.remove(session, seat);
}

/** Takes a session out of its room and tells the others, here and elsewhere, if they could see it. */
export function unseat(context: Context, session: Session, reason: LeaveReason): void {
  const { state } = session;
  if (!('seat' in state)) return;
  const { seat } = state;
  const wasPresent = isPresent(session);
  vacate(context, session);
  context.ledger.left(seat, reason);
  if (wasPresent) announce(seat.room, { type: 'peer_left', peerId: seat.peerId, reason });
  context.relay.gone(seat.room, seat.peerId);
}

/**
 * The socket is gone. The seat is kept for the grace window, and mail waits; then it is given up. A parity peer's
 * name stays even then: its clean-up call comes after its socket closes (SPEC P6).
 */
export function disconnect(context: Context, session: Session): void {
  context.hub.sessions.delete(session);
  const { state } = session;
  if (state.at === 'outside') session.state = { at: 'closed', quiet: state.quiet };
  if (state.at !== 'joined') return;
  const { seat, quiet } = state;
  seat.mail.detach();
  const endGrace = context.clock.after(context.graceMs, () => {
    giveUp(context, session);
  });
  session.state = { at: 'detached', quiet, seat, endGrace };
  if (quiet) seat.room.liveCount -= 1;
  if (context.graceMs === 0) {
    giveUp(context, session);
    return;
  }
  context.ledger.changed(seat);
  announce(seat.room, { type: 'peer_disconnecting', peerId: seat.peerId }, session);
}

/** The grace window is over. */
function giveUp(context: Context, session: Session): void {
  const { state } = session;
  if (state.at !== 'detached') return;
  if (!state.quiet) {
    unseat(context, session, 'disconnected');
    return;
  }
  state.endGrace();
  const { seat } = state;
  session.state = { at: 'kept', quiet: true, seat };
  context.ledger.changed(seat);
  announce(seat.room, { type: 'peer_left', peerId: seat.peerId, reason: 'disconnected' });
}

/** Kept names are bounded: beyond as many as the room seats, the oldest kept name is forgotten. */
function forgetOldestName(context: Context, room: Room<Session>): void {
  if (room.members.size - room.liveCount <= context.limits.maxPeersPerRoom) return;
  for (const member of room.members.values()) {
    if (member.state.quiet && !holdsSeat(member)) {
      unseat(context, member, 'left');
      return;
    }
  }
}

/** Forgets the names kept in rooms that have expired and that nobody sits in any more. */
export function sweepExpired(context: Context): void {
  const nowMs = context.clock.now();
  for (const room of context.hub.rooms()) {
    if (room.liveCount > 0 || room.expiresAtMs >= nowMs) continue;
    for (const member of room.members.values()) unseat(context, member, 'left');
    context.hub.dropIfEmpty(room);
  }
}
