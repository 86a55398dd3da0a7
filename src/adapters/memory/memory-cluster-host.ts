import type { NodeId, PeerId } from '../../protocol/ids.js';
import type { SeatRecord } from '../../protocol/records.js';
import type { SeatKey } from '../../ports/presence.js';

/** After the memory was lost, the host's seat may be written again within this time. */
const AWAIT_MS = 10_000;

interface Host {
  readonly peerId: PeerId;
  /** By rule, by the one before, or as a node knew it when the memory was lost. */
  readonly by: 'rule' | 'gift' | 'recall';
  /** Of its user; `undefined` until its seat is written again. */
  readonly sub: string | undefined;
}

export interface MemoryClusterHostParts {
  readonly seats: ReadonlyMap<PeerId, SeatRecord>;
  /** The number at which this memory began: seats with a lower `since` are older. */
  readonly born: number;
  readonly nowMs: () => number;
  readonly tell: (origin: NodeId, host: PeerId) => void;
}

/** Which peer of a room is its host. Told of what is done to the seats, it chooses anew when the step is done. */
export class MemoryClusterHost {
  private host: Host | undefined;
  private creator: string | undefined;
  private isClaimed = false;
  private readonly awaitUntilMs: number;

  constructor(private readonly parts: MemoryClusterHostParts) {
    this.awaitUntilMs = parts.nowMs() + AWAIT_MS;
  }

  get peerId(): PeerId | undefined {
    return this.host?.peerId;
  }

  /** The room's creator is the host as long as it is there, unless it has given that away. */
  know(creator: string): void {
    // A room that was made anew while peers sit in it is theirs.
    if (this.creator === creator || (this.creator !== undefined && this.host !== undefined)) return;
    this.creator = creator;
    if (this.host?.by === 'rule' && this.host.sub !== creator) this.isClaimed = true;
  }

  /** A seat was written. */
  judge(seat: SeatRecord): void {
    const { host } = this;
    if (host?.peerId === seat.peerId) {
      if (host.sub !== undefined) return;
      this.host = this.isOld(seat) ? { ...host, sub: seat.identity.sub } : undefined;
      return;
    }
    if (host === undefined || seat.identity.sub !== this.creator || host.sub === this.creator) return;
    // Who was the host when the memory was lost was so with the creator there, or not: that holds.
    if (takesPlace(seat) && (host.by === 'rule' || (host.by === 'recall' && !this.isOld(seat))))
      this.isClaimed = true;
  }

  /** A seat was given up that this memory never held. */
  giveUp(peerId: PeerId): void {
    if (this.host?.peerId === peerId) this.host = undefined;
  }

  /** The end of every step that changes seats. */
  settle(origin: NodeId): void {
    const isVacant = !this.stands();
    if (isVacant || this.isClaimed) {
      const there = [...this.parts.seats.values()].filter(takesPlace);
      const creators = there.filter(({ identity }) => identity.sub === this.creator);
      const chosen = longestThere(creators) ?? (isVacant ? longestThere(there) : undefined);
      if (chosen !== undefined) this.appoint(origin, chosen, 'rule');
      else if (isVacant) this.host = undefined;
    }
    this.isClaimed = false;
  }

  isHost({ peerId, generation }: SeatKey): boolean {
    return this.host?.peerId === peerId && this.parts.seats.get(peerId)?.generation === generation;
  }

  /** The same peer has another seat now. */
  rename(origin: NodeId, before: SeatRecord, seat: SeatRecord): void {
    if (this.host?.peerId === before.peerId) this.appoint(origin, seat, this.host.by);
  }

  give(origin: NodeId, seat: SeatRecord): void {
    this.appoint(origin, seat, 'gift');
  }

  /** After an interruption: the host as a node knew it, if the memory of it was lost. `isOver`: its seat is gone for certain. */
  recall(origin: NodeId, peerId: PeerId, isOver: boolean): void {
    const { host } = this;
    const seat = this.parts.seats.get(peerId);
    const isBack = seat !== undefined && seat.standing !== 'kept' && this.isOld(seat);
    if (host === undefined) {
      if (isBack) this.appoint(origin, seat, 'recall');
      else if (seat === undefined && !isOver) this.await(origin, peerId);
      return;
    }
    const holder = this.parts.seats.get(host.peerId);
    // It was chosen among those who came before the nodes had said who was there.
    const isTooNew = host.by === 'rule' && host.sub !== this.creator;
    if (isBack && isTooNew && peerId !== host.peerId && holder !== undefined && !this.isOld(holder))
      this.appoint(origin, seat, 'recall');
  }

  private await(origin: NodeId, peerId: PeerId): void {
    const isAnybodyThere = [...this.parts.seats.values()].some(takesPlace);
    if (!isAnybodyThere || this.parts.nowMs() > this.awaitUntilMs) return;
    this.host = { peerId, by: 'recall', sub: undefined };
    this.parts.tell(origin, peerId);
  }

  private appoint(origin: NodeId, { peerId, identity }: SeatRecord, by: Host['by']): void {
    this.host = { peerId, by, sub: identity.sub };
    this.parts.tell(origin, peerId);
  }

  private stands(): boolean {
    if (this.host === undefined) return false;
    const { peerId, sub } = this.host;
    if (sub === undefined) return this.parts.nowMs() <= this.awaitUntilMs;
    const seat = this.parts.seats.get(peerId);
    return seat !== undefined && seat.standing !== 'kept' && seat.identity.sub === sub;
  }

  private isOld({ since }: SeatRecord): boolean {
    return since < this.parts.born;
  }
}

/** Does it count against the room's bound? A parity peer without a socket was promised nothing. */
export function takesPlace({ standing, isQuiet }: Pick<SeatRecord, 'standing' | 'isQuiet'>): boolean {
  return standing === 'here' || (standing === 'away' && !isQuiet);
}

function longestThere(seats: readonly SeatRecord[]): SeatRecord | undefined {
  return seats.reduce<SeatRecord | undefined>(
    (first, seat) => (first === undefined || seat.since < first.since ? seat : first),
    undefined,
  );
}
