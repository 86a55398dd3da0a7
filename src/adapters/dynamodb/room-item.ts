import { asRoomId } from '../../protocol/ids.js';
import {
  roomModes,
  roomStatuses,
  type RoomListing,
  type RoomRecord,
  type RoomStatus,
} from '../../protocol/records.js';

type Item = Record<string, unknown>;

/**
 * The Python server's four attributes and no other for a room that has no more: `room_id`, `created_by`, `token` (S),
 * `expires_at` (N, unix seconds). Others have `is_open` (BOOL) or `mode` (S, `P2P` or `SFU`); those with a listing `host_name` (S), `created_at` (N,
 * unix milliseconds) and `status` (S), which is called `private_status` where the room is not open: the index of what
 * is listed has only items with a `status`.
 */
export function asItem({ roomId, createdBy, token, expiresAtS, isOpen, listing, mode }: RoomRecord): Item {
  return {
    room_id: roomId,
    created_by: createdBy,
    token,
    expires_at: expiresAtS,
    ...(isOpen !== undefined && { is_open: isOpen }),
    ...(listing && {
      [statusAttribute(isOpen)]: listing.status,
      created_at: listing.createdAtMs,
      host_name: listing.hostName,
    }),
    ...(mode !== undefined && { mode }),
  };
}

/** Throws unless the item has the four attributes in their types; attributes that it does not know are let be. */
export function asRecord(item: Item): RoomRecord {
  const record = readRecord(item);
  if (record !== undefined) return record;
  throw new Error('an item of the rooms table lacks an attribute or has one of another type');
}

/** As `asRecord`; `undefined` for what it throws at. */
export function readRecord(item: Item): RoomRecord | undefined {
  const { room_id: roomId, created_by: createdBy, token, expires_at: expiresAtS } = item;
  if (
    typeof roomId !== 'string' ||
    typeof createdBy !== 'string' ||
    typeof token !== 'string' ||
    typeof expiresAtS !== 'number' ||
    !Number.isInteger(expiresAtS)
  ) {
    return undefined;
  }
  const { is_open: isOpen } = item;
  const listing = asListing(item);
  const mode = roomModes.find((known) => known === item['mode']);
  return {
    roomId: asRoomId(roomId),
    createdBy,
    token,
    expiresAtS,
    ...(typeof isOpen === 'boolean' && { isOpen }),
    ...(listing && { listing }),
    ...(mode && { mode }),
  };
}

export function statusAttribute(isOpen: boolean | undefined): 'status' | 'private_status' {
  return isOpen === true ? 'status' : 'private_status';
}

/** Other servers may have a `status` of their own: what is not wholly ours is no listing. */
function asListing(item: Item): RoomListing | undefined {
  const status = item[statusAttribute(item['is_open'] === true)];
  const { created_at: createdAtMs, host_name: hostName } = item;
  if (!isStatus(status) || typeof createdAtMs !== 'number' || typeof hostName !== 'string') return undefined;
  return Number.isSafeInteger(createdAtMs) ? { status, createdAtMs, hostName } : undefined;
}

function isStatus(value: unknown): value is RoomStatus {
  return roomStatuses.some((status) => status === value);
}
