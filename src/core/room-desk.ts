/** What is asked about rooms from outside a room: make one, delete one. */
import { SignalingError } from '../protocol/errors.js';
import { asRoomId, type PeerId, type RoomId } from '../protocol/ids.js';
import type { Identity, RoomRecord } from '../protocol/records.js';
import type { Context } from './context.js';
import { unseat } from './membership.js';
import type { Room } from './room.js';
import type { Seat, Session } from './session.js';

const roomIdDigits = 8;
const roomTokenDigits = 6;
/** Two rooms in a row with a taken id are unlikely (32 bits); five mean that something else is wrong. */
const maxCreateAttempts = 5;

/** Makes a room for the bearer of an identity token. Rejects with what the verifier or the store says. */
export async function createRoom(context: Context, idToken: string): Promise<RoomRecord> {
  const identity = await context.verifier.verify(idToken);
  for (let attempt = 0; attempt < maxCreateAttempts; attempt += 1) {
    const nowMs = context.clock.now();
    const record: RoomRecord = {
      roomId: asRoomId(context.ids.hex(roomIdDigits)),
      createdBy: identity.sub,
      token: context.ids.hex(roomTokenDigits),
      expiresAtS: Math.floor((nowMs + context.roomTtlMs) / 1000),
    };
    if ((await context.store.create(record, Math.floor(nowMs / 1000))) === 'created') {
      context.tally.rooms_created += 1;
      return record;
    }
  }
  throw new SignalingError('STORE_UNAVAILABLE', 'No free room id was found.');
}

export type DeletionTarget = { readonly peerId: PeerId } | { readonly roomId: RoomId };
export type DeletionOutcome = 'peer not found' | 'room not found' | 'deleted';

/**
 * Deletes the room that a peer sits (or last sat) in, its peers and their throw-away users (D4). Sockets stay open.
 * A peer whose user cannot be deleted just now keeps its place, so that the call can be repeated.
 */
export async function deletePeersAndRoom(
  context: Context,
  target: DeletionTarget,
  bearer: string | undefined,
): Promise<DeletionOutcome> {
  const caller = bearer === undefined ? undefined : await context.verifier.verify(bearer);
  if ('roomId' in target) return deleteByRoomId(context, target.roomId, caller);
  const seat = choose(context.hub.seatsOf(target.peerId), caller);
  if (seat === undefined) return 'peer not found';
  requireRight(caller, seat.room, [seat]);
  await empty(context, seat.room);
  return 'deleted';
}

/**
 * Which of the peers of that name is meant: the caller's own, else the one that proved to be the user of that name,
 * else the newest. So nobody can hide another's seat by taking its name in a room of their own.
 */
function choose(seats: readonly Seat[], caller: Identity | undefined): Seat | undefined {
  const own = caller === undefined ? undefined : seats.find(({ identity }) => identity.sub === caller.sub);
  return own ?? seats.find(isOwnName) ?? seats[0];
}

function isOwnName({ identity, peerId }: Seat): boolean {
  return identity.username === peerId || identity.sub === peerId;
}

async function deleteByRoomId(
  context: Context,
  roomId: RoomId,
  caller: Identity | undefined,
): Promise<DeletionOutcome> {
  const room = context.hub.room(roomId);
  if (room !== undefined) {
    requireRight(
      caller,
      room,
      seatsOf(room).map(([, seat]) => seat),
    );
    await empty(context, room);
    return 'deleted';
  }
  // Nobody sits in it here. Only its creator may remove it from the store then.
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
  const seat = choose(context.hub.seatsOf(peerId), caller);
  const session = seat?.room.members.get(peerId);
  if (seat === undefined || session === undefined) return { found: false, roomDeleted: false };
  requireRight(caller, seat.room, [seat]);
  const deleted = await dismiss(context, session, seat);
  return { found: true, roomDeleted: deleted && (await removeIfEmpty(context, seat.room)) };
}

/** Without a token the caller is trusted as the Python server trusts it (D12); with one it must be theirs to delete. */
function requireRight(caller: Identity | undefined, room: Room<Session>, seats: readonly Seat[]): void {
  if (caller === undefined || caller.sub === room.createdBy) return;
  if (seats.some((seat) => seat.identity.sub === caller.sub)) return;
  throw new SignalingError('FORBIDDEN', 'This token is neither of the peer nor of the creator of the room.');
}

function seatsOf(room: Room<Session>): [Session, Seat][] {
  return [...room.members.values()].flatMap((session): [Session, Seat][] =>
    'seat' in session.state ? [[session, session.state.seat]] : [],
  );
}

/** A record is read before its reader sits down: for so long after a deletion nobody may sit down in its room. */
const buriedMs = 30_000;

async function empty(context: Context, room: Room<Session>): Promise<void> {
  context.hub.bury(room.id);
  const unbury = (): void => {
    context.hub.unbury(room.id);
  };
  await Promise.all(seatsOf(room).map(([session, seat]) => dismiss(context, session, seat)));
  if (await removeIfEmpty(context, room)) context.clock.after(buriedMs, unbury);
  else unbury();
}

async function removeIfEmpty(context: Context, room: Room<Session>): Promise<boolean> {
  if (room.members.size > 0) return false;
  try {
    await context.store.remove(room.id);
    context.tally.rooms_deleted += 1;
  } catch (error) {
    // The room expires by itself; the caller's part is done.
    context.logger.warn('room_not_removed', { room: room.id, error });
  }
  return true;
}

/**
 * Deletes a peer's user and takes the peer out of its room. A user is deleted only when the peer goes by that
 * user's own name and proved to be it: a name alone must not delete somebody else's account.
 */
async function dismiss(context: Context, session: Session, seat: Seat): Promise<boolean> {
  const { identity } = seat;
  if (isOwnName(seat)) {
    try {
      const outcome = await context.identities.deleteUser(identity.username);
      if (outcome === 'deleted') context.tally.users_deleted += 1;
    } catch (error) {
      context.tally.user_deletions_failed += 1;
      context.logger.warn('user_not_deleted', { session: session.id, error });
      return false;
    }
  }
  const { state } = session;
  if (!('seat' in state) || state.seat !== seat) return true;
  if (!state.quiet) {
    session.tell({ type: 'room_closed', roomId: seat.room.id, reason: 'deleted' });
  }
  unseat(context, session, 'deleted');
  return true;
}
