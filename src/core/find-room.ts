/** The room that a peer asks for, if it may come in. */
import { SignalingError } from '../protocol/errors.js';
import type { RoomId } from '../protocol/ids.js';
import type { CommandOf } from '../protocol/messages.js';
import { isAnonymous, type Identity, type RoomRecord } from '../protocol/records.js';
import type { Context } from './context.js';
import { note } from './note.js';
import { newRoom } from './room-desk.js';
import { sameSecret } from './secret.js';
import type { Session } from './session.js';

/** Rejects with the first of: no such room, the token, its time. Makes an open room where a door leads to none. */
export async function findRoom(
  context: Context,
  session: Session,
  command: CommandOf<'join'>,
  identity: Identity,
): Promise<RoomRecord> {
  const { roomId } = command;
  // The Python server fails inside its store call for this, so its word is the store's.
  if (roomId === undefined)
    throw new SignalingError('STORE_UNAVAILABLE', 'The store cannot hold this room_id: send a string.');
  const stored = await context.store.find(roomId);
  // What the store has forgotten, those who sit in it have not: a door must not make another of that name.
  const record = stored ?? (command.isDoor === true ? context.hub.room(roomId)?.record : undefined);
  if (command.isDoor === true && leadsToNone(context, command, record)) {
    if (context.hub.isBuried(roomId)) throw new SignalingError('ROOM_NOT_FOUND');
    if (record === undefined) await refuseOccupied(context, roomId);
    return makeOpen(context, session, { roomId, identity, old: record });
  }
  if (record === undefined || isAnother(command, record)) throw new SignalingError('ROOM_NOT_FOUND');
  if (isUntold(record, command))
    throw new SignalingError('MISSING_FIELDS', 'Missing: token. This room is not open.');
  // The token is compared before the clock: who does not know it learns nothing about the room.
  if (!mayEnter(context, session, record, command, identity)) throw new SignalingError('INVALID_ROOM_TOKEN');
  if (isOver(context, record)) throw new SignalingError('ROOM_EXPIRED');
  return record;
}

function isOver({ clock }: Context, { expiresAtS, isOpen }: RoomRecord): boolean {
  // An open one is made anew, which stores allow from the next second on.
  const nowS = clock.now() / 1000;
  return (isOpen === true ? Math.floor(nowS) : nowS) > expiresAtS;
}

/** Peers of another node sit in a room that the store does not know any more: nobody here knows who may come in. */
async function refuseOccupied({ presence }: Context, roomId: RoomId): Promise<void> {
  const { seats } = await presence.view(roomId);
  if (seats.some(({ standing }) => standing !== 'kept')) throw new SignalingError('ROOM_EXPIRED');
}

function mayEnter(
  { guesses, clock }: Context,
  { arrived }: Session,
  record: RoomRecord,
  { roomToken, isDoor }: CommandOf<'join'>,
  identity: Identity,
): boolean {
  if (record.isOpen === true) return true;
  if (roomToken !== undefined)
    return guesses.spend(arrived.address, clock.now(), () => sameSecret(roomToken.reveal(), record.token));
  // Who comes by an address alone has no place to say it; the room's creator needs no leave of anybody.
  return isDoor === true && !isAnonymous(identity) && identity.sub === record.createdBy;
}

interface Wanted {
  readonly roomId: RoomId;
  readonly identity: Identity;
  /** What is known of it, though its time is over. */
  readonly old: RoomRecord | undefined;
}

/** May an open room be made, or made anew? Who brings a token means a room that has one. */
function leadsToNone(
  context: Context,
  { roomToken }: CommandOf<'join'>,
  record: RoomRecord | undefined,
): boolean {
  if (record === undefined) return roomToken === undefined;
  return record.isOpen === true && isOver(context, record);
}

/** A room was deleted, and somebody has made an open one of that name: not the one that the token is of. */
function isAnother({ isDoor, roomToken }: CommandOf<'join'>, { isOpen, token }: RoomRecord): boolean {
  return (
    isDoor === true && isOpen === true && roomToken !== undefined && !sameSecret(roomToken.reveal(), token)
  );
}

async function makeOpen(
  context: Context,
  session: Session,
  { roomId, identity, old }: Wanted,
): Promise<RoomRecord> {
  const rule = { name: 'rooms', limit: context.limits.roomsPerMinute, perMs: 60_000 };
  const { isAllowed, retryAfterMs } = await context.limiter.take(rule, session.arrived.address);
  if (!isAllowed) {
    note(context, 'limit_reached', session, { code: 'rooms' });
    throw new SignalingError('RATE_LIMITED', 'Too many new rooms from this address.', { retryAfterMs });
  }
  const made = newRoom(context, roomId, identity, { isOpen: true });
  // Who comes when its time is over finds it as it was: those who sit there still do, and its creator is its creator.
  const record = old?.isOpen === true ? { ...old, expiresAtS: made.expiresAtS } : made;
  if ((await context.store.create(record, Math.floor(context.clock.now() / 1000))) === 'created') {
    context.tally.rooms_created += 1;
    note(context, 'room_created', session, { room: roomId, sub: identity.sub });
    return record;
  }
  // Somebody else was faster.
  const theirs = await context.store.find(roomId);
  if (theirs?.isOpen === true) return theirs;
  throw new SignalingError('STORE_UNAVAILABLE');
}

/** The Python server takes a token of another JSON type for a wrong one. */
function isUntold({ isOpen }: RoomRecord, { roomToken, isDoor, quiet }: CommandOf<'join'>): boolean {
  return isOpen !== true && roomToken === undefined && isDoor !== true && !quiet;
}
