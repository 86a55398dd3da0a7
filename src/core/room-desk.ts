/** What is asked about rooms from outside a room: make one, delete one. */
import { SignalingError } from '../protocol/errors.js';
import { asRoomId, type PeerId, type RoomId } from '../protocol/ids.js';
import type { Identity, RoomMode, RoomRecord, SeatRecord } from '../protocol/records.js';
import type { Context } from './context.js';
import { mustHaveMedia } from './room-mode.js';
import { closeRoom, endSeat } from './close-room.js';
import { seatsIn, seatsNamed } from './seat-search.js';

const roomIdDigits = 8;
const roomTokenDigits = 6;
/** Two rooms in a row with a taken id are unlikely (32 bits); five mean that something else is wrong. */
const maxCreateAttempts = 5;

/** Makes a room for the bearer of an identity token. Rejects with what the verifier or the store says. */
export async function createRoom(
  context: Context,
  idToken: string,
  terms: { readonly mode?: RoomMode } = {},
): Promise<RoomRecord> {
  const identity = await context.verifier.verify(idToken);
  if (terms.mode === 'SFU') mustHaveMedia(context);
  for (let attempt = 0; attempt < maxCreateAttempts; attempt += 1) {
    const nowMs = context.clock.now();
    const record = newRoom(context, asRoomId(context.ids.hex(roomIdDigits)), identity, terms);
    if ((await context.store.create(record, Math.floor(nowMs / 1000))) === 'created') {
      context.tally.rooms_created += 1;
      return record;
    }
  }
  throw new SignalingError('STORE_UNAVAILABLE', 'No free room id was found.');
}

/** A room that is not stored yet. */
export function newRoom(
  { clock, ids, roomTtlMs }: Context,
  roomId: RoomId,
  { sub: createdBy }: Identity,
  more: Pick<RoomRecord, 'isOpen' | 'listing' | 'mode'> = {},
): RoomRecord {
  const expiresAtS = Math.floor((clock.now() + roomTtlMs) / 1000);
  return { roomId, createdBy, token: ids.hex(roomTokenDigits), expiresAtS, ...more };
}

export type DeletionTarget = { readonly peerId: PeerId } | { readonly roomId: RoomId };
export type DeletionOutcome = 'peer not found' | 'room not found' | 'deleted';

/**
 * Deletes the room that a peer sits (or last sat) in, on whichever node, its peers and their throw-away users (D4).
 * Sockets stay open. A peer whose user cannot be deleted just now keeps its place, so that the call can be repeated.
 */
export async function deletePeersAndRoom(
  context: Context,
  target: DeletionTarget,
  bearer: string | undefined,
): Promise<DeletionOutcome> {
  const caller = bearer === undefined ? undefined : await context.verifier.verify(bearer);
  if ('roomId' in target) return deleteByRoomId(context, target.roomId, caller);
  const seat = await choose(context, await seatsNamed(context, target.peerId), caller);
  if (seat === undefined) return 'peer not found';
  await empty(context, seat.roomId, await seatsIn(context, seat.roomId));
  return 'deleted';
}

/**
 * Which of the peers of that name is meant, of those that the caller may delete: its own, else the one that proved to
 * be the user of that name, else the newest. So nobody can hide another's seat by taking its name in a room of their
 * own. Rejects with `FORBIDDEN` when there are such peers, and none may be deleted.
 */
async function choose(
  context: Context,
  seats: readonly SeatRecord[],
  caller: Identity | undefined,
): Promise<SeatRecord | undefined> {
  const own = seats.filter(({ identity }) => identity.sub === caller?.sub);
  let refusal: SignalingError | undefined;
  for (const seat of new Set([...own, ...seats.filter(isOwnName), ...seats])) {
    try {
      await requireRight(context, caller, seat.roomId, [seat]);
      return seat;
    } catch (error) {
      if (!(error instanceof SignalingError) || error.code !== 'FORBIDDEN') throw error;
      refusal ??= error;
    }
  }
  if (refusal !== undefined) throw refusal;
  return undefined;
}

function isOwnName({ identity, peerId }: SeatRecord): boolean {
  return identity.username === peerId || identity.sub === peerId;
}

async function deleteByRoomId(
  context: Context,
  roomId: RoomId,
  caller: Identity | undefined,
): Promise<DeletionOutcome> {
  const seats = await seatsIn(context, roomId);
  if (seats.length > 0) {
    await requireRight(context, caller, roomId, seats);
    await empty(context, roomId, seats);
    return 'deleted';
  }
  // Nobody sits in it. Only its creator may remove it from the store then.
  const record = caller === undefined ? undefined : await context.store.find(roomId);
  if (record === undefined || record.createdBy !== caller?.sub) return 'room not found';
  await context.store.remove(roomId);
  context.tally.rooms_deleted += 1;
  return 'deleted';
}

/** Version 2.0's deletion of one peer; the room goes when it was the last. */
export async function deletePeer(
  context: Context,
  peerId: PeerId,
  bearer: string | undefined,
): Promise<{ readonly found: boolean; readonly roomDeleted: boolean }> {
  const caller = bearer === undefined ? undefined : await context.verifier.verify(bearer);
  const seat = await choose(context, await seatsNamed(context, peerId), caller);
  if (seat === undefined) return { found: false, roomDeleted: false };
  const isDeleted = await dismiss(context, seat);
  return { found: true, roomDeleted: isDeleted && (await removeIfEmpty(context, seat.roomId)) };
}

/**
 * Without a token the caller is trusted as the Python server trusts it (D12), about peers that could be its own; not
 * about others, nor about rooms whose ids are no secret. With one it must be theirs to delete.
 */
async function requireRight(
  context: Context,
  caller: Identity | undefined,
  roomId: RoomId,
  seats: readonly SeatRecord[],
): Promise<void> {
  if (caller !== undefined && seats.some(({ identity }) => identity.sub === caller.sub)) return;
  const record = context.hub.room(roomId)?.record ?? (await context.store.find(roomId));
  if (caller === undefined) {
    const isPublic = record?.isOpen === true || record?.listing !== undefined;
    if (!isPublic && seats.some(({ isQuiet }) => isQuiet)) return;
    const text = isPublic ? 'Anybody may know the id of this room' : 'That is nobody who has registered';
    throw new SignalingError('FORBIDDEN', `${text}: a token is needed to delete.`);
  }
  if (caller.sub === record?.createdBy) return;
  throw new SignalingError('FORBIDDEN', 'This token is neither of the peer nor of the creator of the room.');
}

/** The room goes with its peers. Whoever's user cannot be deleted just now keeps its place, and the room with it. */
async function empty(context: Context, roomId: RoomId, found: readonly SeatRecord[]): Promise<void> {
  await closeRoom(context, roomId, found, {
    end: (seat) => dismiss(context, seat),
    remove: () => removeRecord(context, roomId),
  });
}

async function removeIfEmpty(context: Context, roomId: RoomId): Promise<boolean> {
  if ((await seatsIn(context, roomId)).length > 0) return false;
  await removeRecord(context, roomId);
  return true;
}

async function removeRecord(context: Context, roomId: RoomId): Promise<void> {
  try {
    await context.store.remove(roomId);
    context.tally.rooms_deleted += 1;
  } catch (error) {
    // The room expires by itself; the caller's part is done.
    context.logger.warn('room_not_removed', { room: roomId, error });
  }
}

/**
 * Deletes a peer's user and takes the peer out of its room. A user is deleted only when the peer goes by that
 * user's own name and proved to be it: a name alone must not delete somebody else's account.
 */
async function dismiss(context: Context, seat: SeatRecord): Promise<boolean> {
  const { identity, sessionId } = seat;
  // Whoever registered chose that name. Others are called after their users, and everybody sees it.
  if (seat.isQuiet && isOwnName(seat)) {
    try {
      const outcome = await context.identities.deleteUser(identity.username);
      if (outcome === 'deleted') {
        context.tally.users_deleted += 1;
        const { roomId: room, peerId: peer } = seat;
        context.audit.record('user_deleted', { sub: identity.sub, session: sessionId, room, peer });
      }
    } catch (error) {
      context.tally.user_deletions_failed += 1;
      context.logger.warn('user_not_deleted', { session: sessionId, error });
      return false;
    }
  }
  await endSeat(context, seat);
  return true;
}
