/** Taking a seat, giving it up, and who is told of it. */
import { dialectLabel } from '../ports/metrics.js';
import type { SeatKey } from '../ports/presence.js';
import type { Event, LeaveReason, RosterEntry } from '../protocol/messages.js';
import type { PeerCard, SeatRecord } from '../protocol/records.js';
import type { Context } from './context.js';
import { note } from './note.js';
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

/** S4's rooms seat as many. In larger ones everybody would be told of everybody too often: the change alone is told. */
const mostInState = 50;

/** Tells everybody here who may be told without asking, but for `except`; `say`: not all may be told the same. */
export function announce(room: Room<Session>, say: Event | ((to: Seat) => Event), except?: Session): void {
  // Each written once for all: first the one event to everybody, then the other.
  if (typeof say === 'function' || say.type === 'peer_left') tellState(room, except);
  for (const member of told(room, except)) {
    if (typeof say === 'object') member.tell(say);
    else if ('seat' in member.state) member.tell(say(member.state.seat));
  }
}

function tellState(room: Room<Session>, except: Session | undefined): void {
  if (room.members.size + room.remotes.size > mostInState) return;
  // Of those who are told of everybody at each change nobody may be here: then it is not collected.
  let state: Event | undefined;
  for (const member of told(room, except)) {
    if (!member.sink.wantsRoomState) continue;
    state ??= { type: 'room_state', peers: roster(room) };
    member.tell(state);
  }
}

function* told(room: Room<Session>, except: Session | undefined): Generator<Session> {
  for (const member of room.members.values())
    if (member !== except && isPresent(member) && !member.state.quiet) yield member;
}

interface Entry {
  readonly card: PeerCard;
  readonly since: number;
}

/** Who holds a seat in the room, on all nodes, in the order of their coming. */
function entries(room: Room<Session>, except?: Session): Entry[] {
  const found: Entry[] = [];
  for (const member of room.members.values()) {
    if (member === except || !holdsSeat(member) || !('seat' in member.state)) continue;
    found.push(member.state.seat);
  }
  for (const { seat } of room.remotes.values()) if (holdsSeatThere(seat)) found.push(seat);
  return found.sort((a, b) => a.since - b.since);
}

/** The cards of the peers in the room. */
export function roster(room: Room<Session>, except?: Session): PeerCard[] {
  return entries(room, except).map(({ card }) => card);
}

/** The others as this one sees them. */
export function rosterFor({ room, session, since: own }: Seat): RosterEntry[] {
  return entries(room, session).map(({ card, since }) => ({ ...card, isPolite: since < own }));
}

/** How the arrival of a peer is told. Who was there before does not yield to it; but a seat may come back. */
export function joined({ card, since }: Entry): (to: Seat) => Event {
  const event = (isPolite: boolean): Event => ({ type: 'peer_joined', peer: { ...card, isPolite } });
  // One event for all who are told the same: it is written once.
  const [toEarlier, toLater] = [event(false), event(true)];
  return (to) => (since < to.since ? toLater : toEarlier);
}

/** Was the seat taken away before its session could sit down? A deletion need not wait for our answer. */
export function endOf(room: Room<Session>, { peerId, generation }: SeatKey): LeaveReason | undefined {
  return room.arriving.get(peerId)?.ended.get(generation);
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
  if (holder !== undefined) {
    if ('seat' in holder.state) context.media.left(holder.state.seat);
    vacate(context, holder);
  }
  session.state = { at: 'joined', quiet, seat };
  room.liveCount += 1;
  context.tally.metrics.families.joins.add({ dialect: dialectLabel(session.sink.dialect) });
  if (wasPresent) announce(room, { type: 'peer_left', peerId, reason: 'replaced' }, session);
  forgetOldestName(context, room);
  announce(room, joined(seat), session);
}

/** Another socket goes on with a session: the seat, its mail and its name are handed over, and nobody has left. */
export function passSeat(from: Session, to: Session, seat: Seat): void {
  const wasDetached = from.state.at === 'detached';
  if (from.state.at === 'detached') from.state.endGrace();
  from.state = { at: 'closed', quiet: false };
  seat.room.members.set(seat.peerId, to);
  to.id = from.id;
  to.state = { at: 'joined', quiet: false, seat };
  seat.session = to;
  if (wasDetached) announce(seat.room, { type: 'peer_resumed', peerId: seat.peerId }, to);
}

/** Takes a session out of its room on this node, and tells nobody. */
export function vacate(context: Context, session: Session): void {
  const { state } = session;
  if (!('seat' in state)) return;
  const { seat, quiet } = state;
  if (holdsSeat(session)) seat.room.liveCount -= 1;
  if (state.at === 'detached') state.endGrace();
  session.callOff();
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
  if (wasPresent) note(context, 'left', session, { code: reason });
  vacate(context, session);
  context.ledger.left(seat, reason);
  if (wasPresent) announce(seat.room, { type: 'peer_left', peerId: seat.peerId, reason });
  context.relay.gone(seat.room, seat.peerId);
  context.media.left(seat);
}

/**
 * The socket is gone. The seat is kept for the grace window, and mail waits; then it is given up. A parity peer's
 * name stays even then: its clean-up call comes after its socket closes (SPEC P6).
 */
export function disconnect(context: Context, session: Session): void {
  context.hub.sessions.delete(session);
  session.callOff();
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
  note(context, 'left', session, { code: 'disconnected' });
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
    if (room.expiresAtMs >= nowMs) continue;
    if (room.liveCount > 0) {
      if (room.record.isOpen === true) void renewOpen(context, room);
      continue;
    }
    for (const member of room.members.values()) unseat(context, member, 'left');
    context.hub.dropIfEmpty(room);
  }
}

/** An open room lives as long as somebody sits in it. */
async function renewOpen({ store, clock, logger, roomTtlMs }: Context, room: Room<Session>): Promise<void> {
  const nowMs = clock.now();
  const renewed = { ...room.record, expiresAtS: Math.floor((nowMs + roomTtlMs) / 1000) };
  try {
    // Another node may have been faster: then its record is found by who comes next.
    await store.create(renewed, Math.floor(nowMs / 1000));
    room.renew(renewed);
  } catch (error) {
    logger.warn('room_not_renewed', { room: room.id, error });
  }
}
