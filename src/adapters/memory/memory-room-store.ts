import { SignalingError } from '../../protocol/errors.js';
import type { RoomId } from '../../protocol/ids.js';
import type { RoomListing, RoomMode, RoomRecord, RoomStatus } from '../../protocol/records.js';
import type { RoomPage, RoomQuery, RoomStore } from '../../ports/room-store.js';
import type { Clock } from '../../ports/runtime.js';
import { asListed, readPage } from '../room-pages.js';

/** An expired room stays findable this long, so that a late peer is told `Room expired` and not `Room not found`. */
const KEEP_EXPIRED_S = 3600;
const DEFAULT_MAX_ROOMS = 100_000;
/** More than one record looked at for each one added: what is past keeping cannot pile up. */
const LOOKS_PER_CREATE = 4;

/**
 * Rooms of one process. Needs no timer: each `create` looks at the next few records and drops those past keeping.
 * At `maxRooms` expired rooms make way early; when all are live, `create` rejects `STORE_UNAVAILABLE`.
 */
export class MemoryRoomStore implements RoomStore {
  private readonly rooms = new Map<RoomId, RoomRecord>();
  private sweep = this.rooms.values();
  /** While full of live rooms: the first second in which one of them will have expired. */
  private fullUntilS = 0;

  constructor(
    private readonly clock: Clock,
    private readonly maxRooms: number = DEFAULT_MAX_ROOMS,
  ) {}

  create(record: RoomRecord, nowS: number): Promise<'created' | 'taken'> {
    this.sweepSome();
    const holder = this.rooms.get(record.roomId);
    if (holder !== undefined && holder.expiresAtS >= nowS) return Promise.resolve('taken');
    this.rooms.delete(record.roomId);
    if (this.rooms.size >= this.maxRooms && !this.makeWay(nowS)) {
      return Promise.reject(new SignalingError('STORE_UNAVAILABLE', 'The room store is full.'));
    }
    this.rooms.set(record.roomId, { ...record });
    this.fullUntilS = Math.min(this.fullUntilS, record.expiresAtS);
    return Promise.resolve('created');
  }

  find(roomId: RoomId): Promise<RoomRecord | undefined> {
    const record = this.rooms.get(roomId);
    return Promise.resolve(record !== undefined && this.isPastKeeping(record) ? undefined : record);
  }

  /** Sorts all open listed rooms; they are in order already, but for clocks that were set back. */
  async list(query: RoomQuery): Promise<RoomPage> {
    const listed = [...this.rooms.values()].flatMap((record) => {
      const { listing, roomId, expiresAtS } = record;
      if (record.isOpen !== true || listing === undefined || this.isPastKeeping(record)) return [];
      return [{ roomId, expiresAtS, createdAtMs: listing.createdAtMs, status: listing.status, record }];
    });
    listed.sort((a, b) => b.createdAtMs - a.createdAtMs);
    const { entries, ...rest } = await readPage(query, {
      at: (status, atMs) =>
        Promise.resolve(listed.filter((room) => room.status === status && room.createdAtMs === atMs)),
      before: (status, beforeMs = Number.POSITIVE_INFINITY, count) =>
        Promise.resolve(
          listed.filter((room) => room.status === status && room.createdAtMs < beforeMs).slice(0, count),
        ),
    });
    return { rooms: entries.map(({ record }) => asListed(record, query.nowS)), ...rest };
  }

  setStatus(roomId: RoomId, status: RoomStatus): Promise<boolean> {
    const record = this.rooms.get(roomId);
    if (record?.listing === undefined || this.isPastKeeping(record)) return Promise.resolve(false);
    const listing: RoomListing = { ...record.listing, status };
    this.rooms.set(roomId, { ...record, listing });
    return Promise.resolve(true);
  }

  setMode(roomId: RoomId, mode: RoomMode): Promise<boolean> {
    const record = this.rooms.get(roomId);
    if (record === undefined || this.isPastKeeping(record)) return Promise.resolve(false);
    this.rooms.set(roomId, { ...record, mode });
    return Promise.resolve(true);
  }

  remove(roomId: RoomId): Promise<void> {
    this.rooms.delete(roomId);
    return Promise.resolve();
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  /** Records held, expired ones included. */
  get size(): number {
    return this.rooms.size;
  }

  private isPastKeeping(record: RoomRecord): boolean {
    return record.expiresAtS + KEEP_EXPIRED_S < this.clock.now() / 1000;
  }

  private sweepSome(): void {
    for (let looks = 0; looks < LOOKS_PER_CREATE; looks += 1) {
      const next = this.sweep.next();
      if (next.done === true) {
        this.sweep = this.rooms.values();
        return;
      }
      if (this.isPastKeeping(next.value)) this.rooms.delete(next.value.roomId);
    }
  }

  /** Drops every expired room. Looks at all of them, but not again before one more has expired. */
  private makeWay(nowS: number): boolean {
    if (nowS <= this.fullUntilS) return false;
    let firstExpiryS = Number.POSITIVE_INFINITY;
    for (const record of this.rooms.values()) {
      if (record.expiresAtS < nowS) this.rooms.delete(record.roomId);
      else firstExpiryS = Math.min(firstExpiryS, record.expiresAtS);
    }
    const hasPlace = this.rooms.size < this.maxRooms;
    this.fullUntilS = hasPlace ? 0 : firstExpiryS;
    return hasPlace;
  }
}
