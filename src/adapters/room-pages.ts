/** Pages of listed rooms, the newest first, from a store that can read each status apart in that order. */
import { SignalingError } from '../protocol/errors.js';
import { asRoomId, type RoomId } from '../protocol/ids.js';
import { roomStatuses, type RoomRecord, type RoomStatus } from '../protocol/records.js';
import type { RoomQuery } from '../ports/room-store.js';

/** What decides where, and under what, a room is listed. */
export interface RoomEntry {
  readonly roomId: RoomId;
  /** A whole number. */
  readonly createdAtMs: number;
  readonly expiresAtS: number;
}

/** What stands there and is no room of ours: it is passed over, and counts as looked at. */
export interface Foreign {
  /** A whole number, not before the one under which it stands. */
  readonly createdAtMs: number;
  readonly isForeign: true;
}

/** The rooms that the store keeps under each status. Rooms of one millisecond may come in any order. */
export interface Shelves<Entry extends RoomEntry> {
  /** All that were made in this millisecond. */
  at(status: RoomStatus, createdAtMs: number): Promise<readonly Entry[]>;
  /** At least `count` of those that were made before it, the newest first, if there are so many. Fewer: no more. */
  before(
    status: RoomStatus,
    createdAtMs: number | undefined,
    count: number,
  ): Promise<readonly (Entry | Foreign)[]>;
}

/**
 * Where a status is wanted that some of those read do not have (they have expired, or have not), so many more are
 * looked at; the page may then be short, and `next` goes on behind what was seen.
 */
export const MORE_LOOKS = 1000;
const MAX_SKIP = 1000;

/** A place in the order, so many of the rooms behind it are left out. */
interface Cursor {
  readonly createdAtMs: number;
  readonly roomId: string;
  readonly skip: number;
}

/** Rejects with `INVALID_MESSAGE` when `query.after` is no cursor or too many are skipped; else as the shelves do. */
export async function readPage<Entry extends RoomEntry>(
  query: RoomQuery,
  shelves: Shelves<Entry>,
): Promise<{ readonly entries: readonly Entry[]; readonly next?: string }> {
  const { status: wanted, limit, nowS } = query;
  const from = query.after === undefined ? undefined : readCursor(query.after);
  const offset = query.offset + (from?.skip ?? 0);
  if (offset > MAX_SKIP) throw invalid('offset', `leaves out more than ${MAX_SKIP}; go on by after`);
  const count = offset + limit + 1 + (wanted === undefined ? 0 : MORE_LOOKS);
  // What has expired is finished, wherever it stands.
  const statuses = wanted === undefined || wanted === 'finished' ? roomStatuses : [wanted];
  const parts = await Promise.all(statuses.map((status) => readShelf(shelves, status, from, count)));
  const seenToMs = Math.max(...parts.map((part) => part.seenToMs));
  const found = new Map<string, Entry>();
  for (const [at, { entries }] of parts.entries()) {
    for (const entry of entries) {
      const status = hasExpired(entry, nowS) ? 'finished' : statuses[at];
      if (entry.createdAtMs >= seenToMs && (wanted === undefined || wanted === status))
        // A store may still have it under two.
        found.set(`${entry.createdAtMs} ${entry.roomId}`, entry);
    }
  }
  const rooms = [...found.values()].sort(inOrder);
  const page = rooms.slice(offset, offset + limit);
  const last = page.at(-1);
  if (last !== undefined && rooms.length > offset + limit) {
    return { entries: page, next: writeCursor({ ...last, skip: 0 }) };
  }
  if (seenToMs === Number.NEGATIVE_INFINITY) return { entries: page };
  const skip = Math.max(0, offset - rooms.length);
  return { entries: page, next: writeCursor({ createdAtMs: seenToMs - 1, roomId: '', skip }) };
}

export function isOurs<Entry extends RoomEntry>(looked: Entry | Foreign): looked is Entry {
  return !('isForeign' in looked);
}

/** Its last second is still the room's. */
export function hasExpired({ expiresAtS }: Pick<RoomEntry, 'expiresAtS'>, nowS: number): boolean {
  return expiresAtS < nowS;
}

/** As it is shown: what has expired is `finished`. */
export function asListed(record: RoomRecord, nowS: number): RoomRecord {
  const { listing } = record;
  if (listing === undefined || !hasExpired(record, nowS)) return record;
  return { ...record, listing: { ...listing, status: 'finished' } };
}

/** Complete down to and with the millisecond `seenToMs`; minus infinity: to the end. */
async function readShelf<Entry extends RoomEntry>(
  shelves: Shelves<Entry>,
  status: RoomStatus,
  from: Cursor | undefined,
  count: number,
): Promise<{ readonly entries: readonly Entry[]; readonly seenToMs: number }> {
  const [level, older] = await Promise.all([
    from === undefined ? [] : shelves.at(status, from.createdAtMs),
    shelves.before(status, from?.createdAtMs, count),
  ]);
  const behind = level.filter((entry) => from !== undefined && inOrder(from, entry) < 0);
  const rooms = older.filter(isOurs);
  const last = older.at(-1);
  if (last === undefined || older.length < count) {
    return { entries: [...behind, ...rooms], seenToMs: Number.NEGATIVE_INFINITY };
  }
  // More of the last one's millisecond may lie behind it, and belong before it.
  const beside = await shelves.at(status, last.createdAtMs);
  return { entries: [...behind, ...rooms, ...beside], seenToMs: last.createdAtMs };
}

type Place = Pick<Cursor, 'createdAtMs' | 'roomId'>;

function inOrder(a: Place, b: Place): number {
  if (a.createdAtMs !== b.createdAtMs) return b.createdAtMs - a.createdAtMs;
  if (a.roomId === b.roomId) return 0;
  return a.roomId < b.roomId ? -1 : 1;
}

function writeCursor({ createdAtMs, roomId, skip }: Cursor): string {
  return Buffer.from(JSON.stringify([createdAtMs, roomId, skip])).toString('base64url');
}

function readCursor(text: string): Cursor {
  const [createdAtMs, roomId, skip] = parsed(text);
  const isGood =
    typeof createdAtMs === 'number' &&
    Number.isSafeInteger(createdAtMs) &&
    typeof roomId === 'string' &&
    typeof skip === 'number' &&
    Number.isInteger(skip) &&
    skip >= 0 &&
    skip <= MAX_SKIP;
  if (!isGood) throw invalid('after', 'must be the `next` of an earlier page');
  return { createdAtMs, roomId: asRoomId(roomId), skip };
}

function invalid(field: string, fault: string): SignalingError {
  return new SignalingError('INVALID_MESSAGE', `${field} ${fault}`, { fields: { [field]: [fault] } });
}

function parsed(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    // Not one of ours.
    return [];
  }
}
