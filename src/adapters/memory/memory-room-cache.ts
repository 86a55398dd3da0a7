import type { RoomId } from '../../protocol/ids.js';
import type { Clock } from '../../ports/runtime.js';
import type { RoomCache } from '../room-cache.js';

const DEFAULT_MAX_ROOMS = 10_000;

interface Entry {
  readonly text: string;
  readonly untilMs: number;
}

/** For one process. Of too many rooms the one that was looked at longest ago is forgotten. */
export class MemoryRoomCache implements RoomCache {
  private readonly entries = new Map<RoomId, Entry>();

  constructor(
    private readonly clock: Clock,
    private readonly maxRooms: number = DEFAULT_MAX_ROOMS,
  ) {}

  claim(roomId: RoomId, text: string, ms: number): Promise<string> {
    const entry = this.current(roomId);
    if (entry === undefined) {
      this.put(roomId, text, ms);
      return Promise.resolve(text);
    }
    this.entries.delete(roomId);
    this.entries.set(roomId, entry);
    return Promise.resolve(entry.text);
  }

  swap(roomId: RoomId, seen: string, text: string, ms: number): Promise<void> {
    if (this.current(roomId)?.text === seen) this.put(roomId, text, ms);
    return Promise.resolve();
  }

  set(roomId: RoomId, text: string, ms: number): Promise<boolean> {
    this.put(roomId, text, ms);
    return Promise.resolve(true);
  }

  /** Entries held, those past their time included. */
  get size(): number {
    return this.entries.size;
  }

  private current(roomId: RoomId): Entry | undefined {
    const entry = this.entries.get(roomId);
    if (entry === undefined || entry.untilMs > this.clock.now()) return entry;
    this.entries.delete(roomId);
    return undefined;
  }

  private put(roomId: RoomId, text: string, ms: number): void {
    this.entries.delete(roomId);
    this.entries.set(roomId, { text, untilMs: this.clock.now() + ms });
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.maxRooms) return;
      this.entries.delete(oldest);
    }
  }
}
