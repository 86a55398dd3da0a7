import { every, type MediaClock } from './media-clock.js';
import type { MediaLog } from './media-log.js';
import type { OwnerLimits } from './media-owner.js';
import { noRouter } from './media-refusal.js';
import { MediaRoom, type RoomState } from './media-room.js';
import type { Workers } from './workers.js';

export interface RoomSettings {
  readonly limits: OwnerLimits;
  /** Owners that nobody names for so long are closed. */
  readonly ownerTtlMs: number;
  /** So are rooms without owners that nobody asks to keep. */
  readonly roomTtlMs: number;
}

const sweepMs = 1_000;

/**
 * The rooms that have a router. What nobody names any more is swept away: signaling nodes that still have a session name
 * it once a second. Time is counted in sweeps: a service that was stopped for a while ages nobody.
 */
export class MediaRooms {
  readonly #workers: Workers;
  readonly #settings: RoomSettings;
  readonly #log: MediaLog;
  readonly #rooms = new Map<string, MediaRoom>();
  readonly #opening = new Map<string, Promise<MediaRoom>>();
  readonly #stopSweeping: () => void;
  #isClosed = false;

  constructor(workers: Workers, settings: RoomSettings, clock: MediaClock, log: MediaLog) {
    this.#workers = workers;
    this.#settings = settings;
    this.#log = log;
    this.#stopSweeping = every(clock, sweepMs, () => {
      this.#sweep();
    });
  }

  get all(): readonly MediaRoom[] {
    return [...this.#rooms.values()];
  }

  find(id: string): MediaRoom | undefined {
    return this.#rooms.get(id);
  }

  /** The same; throws `NO_ROUTER`. */
  get(id: string): MediaRoom {
    const room = this.find(id);
    if (room === undefined) throw noRouter();
    return room;
  }

  /** The room, opened where it was not; one opening at a time. */
  async open(id: string): Promise<MediaRoom> {
    const room = this.#rooms.get(id);
    if (room !== undefined) {
      room.unkept = 0;
      return room;
    }
    const opening = this.#opening.get(id) ?? this.#begin(id);
    this.#opening.set(id, opening);
    return opening;
  }

  /** Names who is there. Gives those of the rooms that are open. */
  keep(named: Readonly<Record<string, readonly string[]>>): Record<string, RoomState> {
    const open: [string, RoomState][] = [];
    for (const [id, owners] of Object.entries(named)) {
      const room = this.#rooms.get(id);
      if (room === undefined) continue;
      room.name(owners);
      open.push([id, room.state]);
    }
    return Object.fromEntries(open);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopSweeping();
    for (const room of this.all) room.close();
  }

  async #begin(id: string): Promise<MediaRoom> {
    try {
      const room = new MediaRoom(id, await this.#workers.createRouter(), this.#settings.limits);
      if (this.#isClosed) room.close();
      if (!room.isOpen) throw noRouter();
      this.#rooms.set(id, room);
      room.router.observer.once('close', () => {
        this.#rooms.delete(id);
        this.#log.info('room_closed', { room: id, epoch: room.state.epoch });
      });
      this.#log.info('room_opened', { room: id, epoch: room.state.epoch, pid: room.worker.pid });
      return room;
    } finally {
      this.#opening.delete(id);
    }
  }

  #sweep(): void {
    for (const room of this.all) {
      for (const owner of room.owners) {
        owner.unnamed += 1;
        if (owner.unnamed * sweepMs < this.#settings.ownerTtlMs) continue;
        this.#log.info('owner_swept', { room: room.id, owner: owner.id });
        room.closeOwner(owner.id);
      }
      room.unkept += 1;
      if (room.owners.length === 0 && room.unkept * sweepMs >= this.#settings.roomTtlMs) room.close();
    }
  }
}
