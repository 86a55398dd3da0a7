import type { RoomView } from '../../ports/presence.js';
import type { PeerId } from '../../protocol/ids.js';
import type { LeaveReason } from '../../protocol/messages.js';
import type { SeatRecord } from '../../protocol/records.js';

interface Departed {
  readonly peerId: PeerId;
  readonly generation: number;
  readonly reason: LeaveReason;
}

interface Ending {
  readonly generation: number;
  readonly reason: LeaveReason;
  /** What the presence said of the room before this version is older than the end. */
  readonly version: number;
}

/** What its own node has given up never comes back, but the presence may not know yet. */
const never = Number.POSITIVE_INFINITY;

/**
 * Seats whose ends this node has heard of before its copy of the room has come as far: an answer that was under way
 * meanwhile, or a presence that has not been told yet, still shows them. Taken for true they would sit down again, and
 * their second end would be told too.
 */
export class Endings {
  readonly #ends = new Map<PeerId, Ending>();

  /** A later version may show it again: who was taken for dead may live. */
  heard({ peerId, generation, reason }: Departed, version: number): void {
    const known = this.#ends.get(peerId);
    if (known !== undefined && known.generation > generation) return;
    if (known?.generation === generation && known.version > version) return;
    this.#ends.set(peerId, { generation, reason, version });
  }

  givenUp(departed: Departed): void {
    this.heard(departed, never);
  }

  /** Is what was said of the seat in that version overtaken by its end? */
  isOver({ peerId, generation }: SeatRecord, version: number): boolean {
    const end = this.#ends.get(peerId);
    return end !== undefined && generation <= end.generation && version < end.version;
  }

  /** The copy is what that view says. */
  reached({ version, seats }: RoomView): void {
    for (const [peerId, end] of this.#ends) {
      const isShown = seats.some((seat) => seat.peerId === peerId && seat.generation <= end.generation);
      if (version >= end.version || (end.version === never && !isShown)) this.#ends.delete(peerId);
    }
  }

  /** For a node to which a session goes on: its peer was told of these. */
  get departures(): Departed[] {
    return [...this.#ends]
      .filter(([, { version }]) => version === never)
      .map(([peerId, { generation, reason }]) => ({ peerId, generation, reason }));
  }
}
