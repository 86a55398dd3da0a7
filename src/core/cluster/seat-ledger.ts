import type { Kick, Presence, SeatKey } from '../../ports/presence.js';
import type { Logger } from '../../ports/runtime.js';
import type { PeerId, RoomId } from '../../protocol/ids.js';
import type { LeaveReason } from '../../protocol/messages.js';
import type { SeatRecord } from '../../protocol/records.js';
import { tokenHashes } from '../resume-tokens.js';
import { standingOf, type Seat } from '../session.js';

export interface Departure {
  readonly peerId: PeerId;
  readonly generation: number;
  readonly reason: LeaveReason;
  /** When that is `kicked`. */
  readonly kick?: Kick;
}

/** What the presence is told of the seats of this node: in order for each seat, nobody waiting for it. */
export class SeatLedger {
  readonly #presence: Presence;
  readonly #logger: Logger;
  /** What is being written, and whether there is more to write behind it. */
  readonly #writing = new Map<Seat, { isStale: boolean }>();
  /** Seats given up of which the presence does not know yet; those that it could not be told are `isStuck`. */
  readonly #leaving = new Map<SeatKey, { readonly reason: LeaveReason; isStuck: boolean }>();
  /** Rooms in which something could not be written. */
  readonly #unwritten = new Set<RoomId>();

  constructor(presence: Presence, logger: Logger) {
    this.#presence = presence;
    this.#logger = logger;
  }

  record(seat: Seat): SeatRecord {
    return {
      roomId: seat.room.id,
      peerId: seat.peerId,
      sessionId: seat.session.id,
      nodeId: this.#presence.nodeId,
      generation: seat.generation,
      since: seat.since,
      identity: seat.identity,
      card: seat.card,
      isQuiet: seat.session.state.quiet,
      standing: standingOf(seat.session),
      tokenHashes: seat.mail.isCounted ? tokenHashes(seat) : [],
    };
  }

  /** The seat is not what it was: metadata, standing or tokens. */
  changed(seat: Seat): void {
    const writing = this.#writing.get(seat);
    if (writing === undefined) void this.#write(seat);
    else writing.isStale = true;
  }

  left(seat: Seat, reason: LeaveReason): void {
    this.leave({ roomId: seat.room.id, peerId: seat.peerId, generation: seat.generation }, reason);
  }

  leave({ roomId, peerId, generation }: SeatKey, reason: LeaveReason): void {
    void this.#leave({ roomId, peerId, generation }, reason);
  }

  /** Says again what could not be said: a seat that nobody gives up would be a ghost. */
  retry(): void {
    for (const [key, { reason, isStuck }] of this.#leaving) if (isStuck) void this.#leave(key, reason);
  }

  /** Seats of a room that were given up here, as other nodes may not know yet. */
  leavingFrom(roomId: RoomId): Departure[] {
    const departures: Departure[] = [];
    for (const [{ peerId, generation, ...key }, { reason }] of this.#leaving) {
      if (key.roomId === roomId) departures.push({ peerId, generation, reason });
    }
    return departures;
  }

  /** Rooms in which the presence may not say what this node would: to be reconciled. */
  takeUnwritten(): readonly RoomId[] {
    const rooms = [...this.#unwritten];
    this.#unwritten.clear();
    return rooms;
  }

  async #write(seat: Seat): Promise<void> {
    const writing = { isStale: true };
    this.#writing.set(seat, writing);
    try {
      while (writing.isStale && seat.session.state.at !== 'closed' && 'seat' in seat.session.state) {
        writing.isStale = false;
        // Not ours any more, or so it seems: the room is looked at again.
        if (!(await this.#presence.update(this.record(seat)))) this.#unwritten.add(seat.room.id);
      }
    } catch (error) {
      this.#failed(seat, error);
    } finally {
      this.#writing.delete(seat);
    }
  }

  async #leave(key: SeatKey, reason: LeaveReason): Promise<void> {
    const leaving = { reason, isStuck: false };
    this.#leaving.set(key, leaving);
    try {
      await this.#presence.leave(key, reason);
      this.#leaving.delete(key);
    } catch (error) {
      leaving.isStuck = true;
      this.#logger.debug('leave_not_written', { room: key.roomId, error });
    }
  }

  #failed({ room }: Seat, error: unknown): void {
    if (this.#unwritten.size === 0) this.#logger.warn('presence_not_written', { error });
    this.#unwritten.add(room.id);
  }
}
