import { SignalingError } from '../../protocol/errors.js';
import type { RoomId } from '../../protocol/ids.js';
import type { RoomRecord } from '../../protocol/records.js';
import type { RoomStore } from '../../ports/room-store.js';
import type { Clock } from '../../ports/runtime.js';

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
