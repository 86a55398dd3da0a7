import type { MediaPlacement } from '../../ports/media-placement.js';
import type { Clock } from '../../ports/runtime.js';
import type { RoomId } from '../../protocol/ids.js';

const keptMs = 24 * 3_600_000;
/** So many of the oldest are looked at for each that comes. */
const looks = 4;

interface Place {
  readonly service: string;
  readonly untilMs: number;
}

/** Where one process alone has placed its rooms. */
export class MemoryMediaPlacement implements MediaPlacement {
  readonly #clock: Clock;
  /** Those that end first come first. */
  readonly #places = new Map<RoomId, Place>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  find(roomId: RoomId): Promise<string | undefined> {
    const service = this.#at(roomId);
    if (service !== undefined) this.#put(roomId, service);
    return Promise.resolve(service);
  }

  place(roomId: RoomId, service: string, instead?: string): Promise<string> {
    const now = this.#at(roomId);
    const placed = now === undefined || now === instead ? service : now;
    this.#put(roomId, placed);
    return Promise.resolve(placed);
  }

  forget(roomId: RoomId): Promise<void> {
    this.#places.delete(roomId);
    return Promise.resolve();
  }

  #at(roomId: RoomId): string | undefined {
    const place = this.#places.get(roomId);
    return place !== undefined && place.untilMs > this.#clock.now() ? place.service : undefined;
  }

  #put(roomId: RoomId, service: string): void {
    const nowMs = this.#clock.now();
    this.#places.delete(roomId);
    this.#places.set(roomId, { service, untilMs: nowMs + keptMs });
    let looked = 0;
    for (const [id, { untilMs }] of this.#places) {
      looked += 1;
      if (looked > looks || untilMs > nowMs) return;
      this.#places.delete(id);
    }
  }
}
