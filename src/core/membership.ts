/** Taking a seat, giving it up, and who is told of it. */
import type { PeerId } from '../protocol/ids.js';
import type { Event, LeaveReason } from '../protocol/messages.js';
import type { PeerCard } from '../protocol/records.js';
import type { Context } from './context.js';
import type { Room } from './room.js';
import type { Seat, Session } from './session.js';

/** Tells everybody in the room who may be told without asking, but for `except`. */
export function announce(room: Room<Session>, event: Event, except?: Session): void {
  for (const member of room.members.values()) {
    if (member !== except && member.state.at === 'joined' && !member.state.quiet) member.sink.send(event);
  }
}

/** The cards of the peers that have a socket, in the order of their names' first coming. */
export function roster(room: Room<Session>, except?: Session): PeerCard[] {
  const cards: PeerCard[] = [];
  for (const member of room.members.values()) {
    if (member !== except && member.state.at === 'joined') cards.push(member.state.seat.card);
  }
  return cards;
}

/** The room's creator while it is there, else who has been there longest. */
export function hostOf(room: Room<Session>, fallback: PeerId): PeerId {
  let first: PeerId | undefined;
  for (const member of room.members.values()) {
    if (member.state.at !== 'joined') continue;
    if (member.state.seat.identity.sub === room.createdBy) return member.state.seat.peerId;
    first ??= member.state.seat.peerId;
  }
  return first ?? fallback;
}

/** Seats a session, in the place of whoever holds the name. */
export function takeSeat(context: Context, session: Session, seat: Seat, quiet: boolean): void {
  const { room } = seat;
  const holder = room.members.get(seat.peerId);
  // Entered before the holder goes: a room that is empty in between would be dropped, and this seat with it.
  context.hub.enter(session, seat);
  if (holder !== undefined) unseat(context, holder, 'replaced');
  session.state = { at: 'joined', quiet, seat };
  room.liveCount += 1;
  context.tally.joins += 1;
  forgetOldestName(context, room);
  announce(room, { type: 'peer_joined', peer: seat.card }, session);
}

/** Takes a session out of its room, live or detached, and tells the others if they could see it. */
export function unseat(context: Context, session: Session, reason: LeaveReason): void {
  const { state } = session;
  if (state.at !== 'joined' && state.at !== 'detached') return;
  const { seat } = state;
  session.state =
    state.at === 'joined' ? { at: 'outside', quiet: state.quiet } : { at: 'closed', quiet: state.quiet };
  if (state.at === 'joined') seat.room.liveCount -= 1;
  context.hub.remove(session, seat);
  if (state.at === 'joined') announce(seat.room, { type: 'peer_left', peerId: seat.peerId, reason });
}

/**
 * The socket is gone. A parity peer's name stays (its clean-up call comes after its socket closes, SPEC P6);
 * a full session's does not.
 */
export function disconnect(context: Context, session: Session): void {
  context.hub.sessions.delete(session);
  const { state } = session;
  if (state.at === 'joined' && state.quiet) {
    const { seat } = state;
    session.state = { at: 'detached', quiet: true, seat };
    seat.room.liveCount -= 1;
    announce(seat.room, { type: 'peer_left', peerId: seat.peerId, reason: 'disconnected' });
    return;
  }
  unseat(context, session, 'disconnected');
  session.state = { at: 'closed', quiet: session.state.quiet };
}

/** Kept names are bounded: beyond as many as the room seats, the oldest kept name is forgotten. */
function forgetOldestName(context: Context, room: Room<Session>): void {
  if (room.members.size - room.liveCount <= context.limits.maxPeersPerRoom) return;
  for (const member of room.members.values()) {
    if (member.state.at === 'detached') {
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
