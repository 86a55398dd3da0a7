import { setTimeout as pause } from 'node:timers/promises';
import type { RoomId } from '../protocol/ids.js';
import type { RoomMode, RoomRecord, RoomStatus } from '../protocol/records.js';
import type { RoomPage, RoomQuery, RoomStore } from '../ports/room-store.js';
import type { Clock, Logger } from '../ports/runtime.js';
import { absentText, newStateText, readCached, writeRoom } from './cached-room.js';
import type { RoomCache } from './room-cache.js';
import { SingleFlights } from './single-flights.js';

/** What is not there is asked for again after this: others make rooms too. */
const ABSENT_MS = 5_000;
/** A reader that says nothing for so long does not come back. */
const READING_MS = 5_000;
/** What others read is waited for so often, so long; then everybody reads for themselves. */
const LOOKS = 10;
const LOOK_AGAIN_MS = 25;
/** Longer than any change takes: if its maker dies in it, nobody has cached what was before. */
const CHANGING_MS = 30_000;
const REPAY_MS = 1_000;
const MOST_DEBTS = 10_000;

export interface CachedRoomStoreParts {
  /** Where the rooms are. What it has finished writing is what it reads next. */
  readonly source: RoomStore;
  readonly cache: RoomCache;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a room is remembered. */
  readonly ttlMs: number;
}

/**
 * [O4] [O5] Rooms of a slower store, remembered where all nodes look first. A cache that does not answer is passed by.
 *
 * Nothing old stays in it: who finds nothing puts a mark of its own there before it reads, and what it has read only in
 * the mark's place; who changes a room puts another mark there, before and after, so that whatever others were
 * reading has nowhere to go. A change whose mark could not be put is put again until it is, and its room is not
 * looked up here meanwhile.
 */
export class CachedRoomStore implements RoomStore {
  private readonly flights: SingleFlights<RoomId, RoomRecord | undefined>;
  /** Rooms that may be in the cache as they were. */
  private readonly debts = new Set<RoomId>();
  private repayment: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(private readonly parts: CachedRoomStoreParts) {
    this.flights = new SingleFlights((roomId) => this.read(roomId));
  }

  async create(record: RoomRecord, nowS: number): Promise<'created' | 'taken'> {
    const { source, cache, ttlMs } = this.parts;
    const { roomId } = record;
    const mark = await this.mark(roomId);
    const outcome = await source.create(record, nowS);
    if (outcome === 'created' && mark !== undefined) await cache.swap(roomId, mark, writeRoom(record), ttlMs);
    return outcome;
  }

  find(roomId: RoomId): Promise<RoomRecord | undefined> {
    return this.flights.ask(roomId);
  }

  list(query: RoomQuery): Promise<RoomPage> {
    return this.parts.source.list(query);
  }

  setStatus(roomId: RoomId, status: RoomStatus): Promise<boolean> {
    return this.change(roomId, () => this.parts.source.setStatus(roomId, status));
  }

  setMode(roomId: RoomId, mode: RoomMode): Promise<boolean> {
    return this.change(roomId, () => this.parts.source.setMode(roomId, mode));
  }

  remove(roomId: RoomId): Promise<void> {
    return this.change(roomId, () => this.parts.source.remove(roomId));
  }

  check(): Promise<void> {
    return this.parts.source.check();
  }

  /** Nothing is put right after this. The source and the cache are their owner's to close. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.repayment);
  }

  private async read(roomId: RoomId): Promise<RoomRecord | undefined> {
    const { source, cache, clock } = this.parts;
    if (this.debts.has(roomId)) return source.find(roomId);
    const mark = newStateText('reading');
    for (let looks = 1; ; looks += 1) {
      const seen = await cache.claim(roomId, mark, READING_MS);
      if (seen === undefined) return source.find(roomId);
      if (seen === mark) return this.fill(roomId, mark);
      const found = readCached(roomId, seen);
      switch (found.is) {
        case 'room':
          // Its id may have been taken again meanwhile, by whoever knows nothing of the cache.
          if (found.record.expiresAtS * 1000 < clock.now()) return this.fill(roomId, seen);
          return found.record;
        case 'absent':
          return undefined;
        case 'nonsense':
          return this.fill(roomId, seen);
        case 'changing':
          return source.find(roomId);
        case 'reading':
          if (looks >= LOOKS) return source.find(roomId);
          await pause(LOOK_AGAIN_MS);
      }
    }
  }

  /** Reads it from the source, and puts it in the place of what was seen. */
  private async fill(roomId: RoomId, seen: string): Promise<RoomRecord | undefined> {
    const { source, cache, clock, ttlMs } = this.parts;
    let record: RoomRecord | undefined;
    try {
      record = await source.find(roomId);
    } catch (error) {
      // Nobody need wait for this reader any more.
      await cache.swap(roomId, seen, newStateText('changing'), 1);
      throw error;
    }
    if (record === undefined) await cache.swap(roomId, seen, absentText, ABSENT_MS);
    else if (record.expiresAtS * 1000 >= clock.now())
      await cache.swap(roomId, seen, writeRoom(record), ttlMs);
    return record;
  }

  private async change<Result>(roomId: RoomId, make: () => Promise<Result>): Promise<Result> {
    await this.mark(roomId);
    try {
      return await make();
    } finally {
      await this.mark(roomId);
    }
  }

  /** From now on nobody caches what is read, nor finds what was cached. `undefined`: the cache did not answer. */
  private async mark(roomId: RoomId): Promise<string | undefined> {
    const mark = newStateText('changing');
    if (await this.parts.cache.set(roomId, mark, CHANGING_MS)) {
      this.debts.delete(roomId);
      return mark;
    }
    this.owe(roomId);
    return undefined;
  }

  private owe(roomId: RoomId): void {
    if (this.debts.size >= MOST_DEBTS && !this.debts.has(roomId)) {
      this.parts.logger.warn('room_cache_not_cleared', { room: roomId });
      return;
    }
    this.debts.add(roomId);
    this.repayLater();
  }

  private repayLater(): void {
    if (this.repayment !== undefined || this.isClosed || this.debts.size === 0) return;
    this.repayment = setTimeout(() => void this.repay(), REPAY_MS);
    this.repayment.unref();
  }

  private async repay(): Promise<void> {
    // The first that is refused speaks for all: they are tried again together.
    for (const roomId of [...this.debts]) if ((await this.mark(roomId)) === undefined) break;
    this.repayment = undefined;
    this.repayLater();
  }
}
