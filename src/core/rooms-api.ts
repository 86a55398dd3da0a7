/** Rooms as a directory: made to be listed, read, changed and removed from outside (S2, S4, S1). */
import type { RoomQuery } from '../ports/room-store.js';
import type { UserRecord } from '../ports/user-store.js';
import type { ChatPage } from '../protocol/chat.js';
import { SignalingError } from '../protocol/errors.js';
import { asRoomId, type RoomId } from '../protocol/ids.js';
import {
  anonymous,
  isAnonymous,
  type Identity,
  type RoomMode,
  type RoomRecord,
  type RoomStatus,
  type SeatRecord,
} from '../protocol/records.js';
import { closeRoom, endSeat } from './close-room.js';
import type { Context } from './context.js';
import { holdsSeatThere } from './membership.js';
import { newRoom } from './room-desk.js';
import { mustHaveMedia, refusedMode } from './room-mode.js';
import { sameSecret } from './secret.js';
import { seatsIn } from './seat-search.js';

/** A room, and who is in it. */
export interface RoomInside {
  readonly record: RoomRecord;
  /** What has expired is `finished`; rooms that are not listed wait until then. */
  readonly status: RoomStatus;
  /** How its media goes: as its record says while nobody is there. */
  readonly mode: RoomMode;
  /** Those that take a place, in the order of their coming. */
  readonly seats: readonly SeatRecord[];
  readonly host: SeatRecord | undefined;
}

export interface WantedOfRoom {
  readonly status?: RoomStatus;
  readonly mode?: RoomMode;
}

/**
 * What is asked about rooms from outside. A viewer or caller that is `undefined` has proved nothing. Every call may
 * reject with `STORE_UNAVAILABLE`.
 */
export interface RoomsApi {
  /** Rejects as `TokenVerifier.verify`. */
  identify(credential: string): Promise<Identity>;
  createListed(
    caller: Identity | undefined,
    terms: { readonly hostName?: string; readonly isOpen: boolean; readonly mode?: RoomMode },
  ): Promise<RoomInside>;
  /** Open rooms, the same for everybody. A page may be short; `next` tells whether there are more. */
  page(
    query: Omit<RoomQuery, 'nowS'>,
  ): Promise<{ readonly rooms: readonly RoomInside[]; readonly next?: string }>;
  /** Whoever may see it; to be asked `maySee` before it is shown to a client. */
  read(roomId: RoomId): Promise<RoomInside | undefined>;
  /** Rejects with `ROOM_NOT_FOUND`, `NOT_HOST`, `ROOM_EXPIRED`, `MEDIA_UNAVAILABLE`. */
  change(caller: Identity, roomId: RoomId, wanted: WantedOfRoom): Promise<RoomInside>;
  /** Ends the seats and the room; nobody's user is deleted. Rejects with `ROOM_NOT_FOUND`, `NOT_HOST`. */
  remove(caller: Identity, roomId: RoomId): Promise<void>;
  /** What was said in a room, for whoever `maySee` it, as `Chats.page`. Rejects with `ROOM_NOT_FOUND`. */
  messages(
    caller: Identity | undefined,
    roomId: RoomId,
    roomToken: string | undefined,
    part: { readonly before?: number; readonly limit?: number },
  ): Promise<ChatPage>;
  user(uid: string): Promise<UserRecord | undefined>;
}

/** A taken UUID means that something else is wrong. */
const maxCreateAttempts = 2;
/** So many rooms of a page are looked into at a time: a long page holds nobody else's questions up. */
const roomsAtOnce = 20;

export function createRoomsApi(context: Context): RoomsApi {
  return {
    identify: (credential) => context.verifier.verify(credential),
    createListed: (caller, terms) => createListed(context, caller, terms),
    page: (query) => page(context, query),
    read: (roomId) => read(context, roomId),
    change: (caller, roomId, wanted) => change(context, caller, roomId, wanted),
    remove: (caller, roomId) => remove(context, caller, roomId),
    messages: async (caller, roomId, roomToken, { before, limit }) => {
      const room = await read(context, roomId);
      if (room === undefined || !maySee(room, caller, roomToken)) throw new SignalingError('ROOM_NOT_FOUND');
      return context.chats.page(roomId, before, limit);
    },
    user: (uid) => context.users.find(uid),
  };
}

/** An open room is everybody's to see, another its creator's, of those who sit in it, and of who knows its token. */
export function maySee(
  { record, seats }: RoomInside,
  viewer: Identity | undefined,
  roomToken?: string,
): boolean {
  if (record.isOpen === true || isCreator(record, viewer)) return true;
  if (viewer !== undefined && seats.some(({ identity }) => identity.sub === viewer.sub)) return true;
  return roomToken !== undefined && sameSecret(roomToken, record.token);
}

async function createListed(
  context: Context,
  caller: Identity | undefined,
  { hostName: given, ...terms }: Parameters<RoomsApi['createListed']>[1],
): Promise<RoomInside> {
  if (terms.mode === 'SFU') mustHaveMedia(context);
  const creator = caller ?? anonymous(context.ids.name());
  const hostName = given ?? (isAnonymous(creator) ? 'anonymous' : creator.username);
  for (let attempt = 0; attempt < maxCreateAttempts; attempt += 1) {
    const createdAtMs = Math.floor(context.clock.now());
    const listing = { status: 'waiting', createdAtMs, hostName } as const;
    const record = newRoom(context, newRoomId(context), creator, { ...terms, listing });
    if ((await context.store.create(record, Math.floor(createdAtMs / 1000))) === 'created') {
      context.tally.rooms_created += 1;
      await remember(context, creator, { handle: hostName, createdAtMs });
      const mode = record.mode ?? 'P2P';
      return { record, status: 'waiting', mode, seats: [], host: undefined };
    }
  }
  throw new SignalingError('STORE_UNAVAILABLE', 'No free room id was found.');
}

/** Version 4 of RFC 9562, as S2's rooms are called. */
function newRoomId({ ids }: Context): RoomId {
  const hex = ids.hex(32);
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return asRoomId(
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`,
  );
}

/** The room is made whether or not its maker can be noted. Who proved nothing is nobody to remember. */
async function remember(
  { users, logger }: Context,
  creator: Identity,
  user: Omit<UserRecord, 'uid'>,
): Promise<void> {
  if (isAnonymous(creator)) return;
  try {
    await users.remember({ uid: creator.sub, ...user });
  } catch (error) {
    logger.warn('user_not_remembered', { error });
  }
}

async function page(
  context: Context,
  query: Omit<RoomQuery, 'nowS'>,
): Promise<{ readonly rooms: readonly RoomInside[]; readonly next?: string }> {
  const { rooms: records, ...rest } = await context.store.list({ ...query, nowS: secondsNow(context) });
  const rooms: RoomInside[] = [];
  for (let at = 0; at < records.length; at += roomsAtOnce) {
    const some = records.slice(at, at + roomsAtOnce);
    rooms.push(...(await Promise.all(some.map((record) => lookInto(context, record)))));
  }
  return { rooms, ...rest };
}

async function read(context: Context, roomId: RoomId): Promise<RoomInside | undefined> {
  const record = await context.store.find(roomId);
  return record === undefined ? undefined : lookInto(context, record);
}

async function lookInto(context: Context, record: RoomRecord): Promise<RoomInside> {
  const view = await context.presence.view(record.roomId);
  const seats = view.seats.filter(holdsSeatThere).sort((a, b) => a.since - b.since);
  const status = hasExpired(context, record) ? 'finished' : (record.listing?.status ?? 'waiting');
  const mode = (seats.length > 0 ? view.mode : undefined) ?? record.mode ?? 'P2P';
  return { record, status, mode, seats, host: seats.find(({ peerId }) => peerId === view.host) };
}

async function change(
  context: Context,
  caller: Identity,
  roomId: RoomId,
  { status, mode }: WantedOfRoom,
): Promise<RoomInside> {
  const room = await governed(context, caller, roomId);
  const { record } = room;
  if (hasExpired(context, record)) throw new SignalingError('ROOM_EXPIRED');
  if (status !== undefined && record.listing === undefined) {
    throw new SignalingError('ROOM_NOT_FOUND', 'This room is not listed: it has no status.');
  }
  const refusal = mode === undefined ? undefined : refusedMode(context, mode);
  if (refusal !== undefined) throw refusal;
  if (status !== undefined && !(await context.store.setStatus(roomId, status)))
    throw new SignalingError('ROOM_NOT_FOUND');
  if (mode !== undefined) await setMode(context, roomId, mode);
  const changed = { ...record, ...(mode && { mode }) };
  if (status === undefined || record.listing === undefined) {
    return { ...room, record: changed, mode: mode ?? room.mode };
  }
  const listing = { ...record.listing, status };
  return { ...room, status, record: { ...changed, listing }, mode: mode ?? room.mode };
}

/** The record says how the room begins, the presence how it is while somebody is there. */
async function setMode({ store, presence, tally }: Context, roomId: RoomId, mode: RoomMode): Promise<void> {
  const isStored = await store.setMode(roomId, mode);
  const outcome = await presence.setMode(roomId, mode, { reason: 'host' });
  if (outcome === 'done') tally.modes_changed += 1;
  else if (!isStored)
    throw new SignalingError('ROOM_NOT_FOUND', 'This room is kept elsewhere, and nobody is in it.');
}

async function remove(context: Context, caller: Identity, roomId: RoomId): Promise<void> {
  await governed(context, caller, roomId);
  const isGone = await closeRoom(context, roomId, await seatsIn(context, roomId), {
    end: async (seat) => {
      await endSeat(context, seat);
      return true;
    },
    remove: () => context.store.remove(roomId),
  });
  if (!isGone) throw new SignalingError('STORE_UNAVAILABLE', 'Some peers of the room could not be reached.');
  context.tally.rooms_deleted += 1;
}

/** The room, if the caller is its creator or its host. Who may not see it is told that there is none. */
async function governed(context: Context, caller: Identity, roomId: RoomId): Promise<RoomInside> {
  const room = await read(context, roomId);
  if (room === undefined || !maySee(room, caller)) throw new SignalingError('ROOM_NOT_FOUND');
  if (isCreator(room.record, caller) || room.host?.identity.sub === caller.sub) return room;
  throw new SignalingError('NOT_HOST');
}

function isCreator({ createdBy }: RoomRecord, viewer: Identity | undefined): boolean {
  return viewer?.sub === createdBy;
}

function hasExpired(context: Context, { expiresAtS }: RoomRecord): boolean {
  return expiresAtS < secondsNow(context);
}

function secondsNow({ clock }: Context): number {
  return Math.floor(clock.now() / 1000);
}
