import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { asSessionId, type NodeId, type PeerId, type RoomId } from '../../protocol/ids.js';
import type { LeaveReason } from '../../protocol/messages.js';
import type { SeatRecord } from '../../protocol/records.js';
import type {
  EnterOutcome,
  EnterTerms,
  RoomChange,
  RoomView,
  SeatClaim,
  SeatKey,
} from '../../ports/presence.js';

/** A memory that begins anew must not be forgotten before its sessions: this long past the end of the room. */
const KEEP_EXPIRED_S = 3600;

/** What a room needs of the cluster that it is part of. */
export interface RoomSurroundings {
  /** Numbers for versions and generations: each higher than all before, whatever room they are for. */
  readonly nextNumber: () => number;
  readonly tell: (change: RoomChange) => void;
}

/** The seats of one room. Each method is one atomic step, as `Presence` describes it. */
export class MemoryClusterRoom {
  private readonly epoch = randomUUID();
  private readonly seats = new Map<PeerId, SeatRecord>();
  /** Seats that are older than this memory and were given up in it. */
  private readonly ended = new Map<PeerId, number>();
  private readonly born: number;
  private version = 0;
  private expiresAtS = 0;

  constructor(
    private readonly roomId: RoomId,
    private readonly surroundings: RoomSurroundings,
  ) {
    this.born = surroundings.nextNumber();
  }

  view(): RoomView {
    const ended = [...this.ended].map(([peerId, generation]) => ({ peerId, generation }));
    return { epoch: this.epoch, version: this.version, seats: [...this.seats.values()], ended };
  }

  /** Does it serve a seat here? Kept names are served by nobody. */
  hasSeatOf(node: NodeId): boolean {
    return [...this.seats.values()].some(({ nodeId, standing }) => nodeId === node && standing !== 'kept');
  }

  has(peerId: PeerId): boolean {
    return this.seats.has(peerId);
  }

  /** Past its end, with nobody in it but kept names. */
  isOver(nowS: number): boolean {
    if (this.seats.size === 0 && this.expiresAtS < nowS) return true;
    if (this.expiresAtS + KEEP_EXPIRED_S >= nowS) return false;
    return [...this.seats.values()].every(({ standing }) => standing === 'kept');
  }

  enter(node: NodeId, claim: SeatClaim, terms: EnterTerms): EnterOutcome {
    this.lengthen(terms.expiresAtS);
    const holder = this.seats.get(claim.peerId);
    if (holder !== undefined && !mayReplace(holder, claim, terms)) return { outcome: 'held', holder };
    const taken = [...this.seats.values()].filter((seat) => seat !== holder && takesPlace(seat)).length;
    if (takesPlace(claim) && taken >= terms.maxPeers) return { outcome: 'full' };
    const seat = this.write(node, { ...claim, nodeId: node, generation: 0 }, { isNew: true });
    return { outcome: 'seated', seat, view: this.view() };
  }

  move(
    node: NodeId,
    key: SeatKey,
    to: { readonly tokenHashes: readonly string[]; readonly note?: string },
  ): { readonly seat: SeatRecord; readonly view: RoomView } | undefined {
    const holder = this.seats.get(key.peerId);
    if (holder?.generation !== key.generation) return undefined;
    const { tokenHashes, note } = to;
    const moved: SeatRecord = { ...holder, tokenHashes, nodeId: node, standing: 'here' };
    const seat = this.write(node, moved, { isNew: true, ...(note === undefined ? {} : { note }) });
    return { seat, view: this.view() };
  }

  update(node: NodeId, seat: SeatRecord): boolean {
    const holder = this.seats.get(seat.peerId);
    const isOwn = holder === undefined ? this.isFromBefore(seat) : isSame(holder, seat);
    if (!isOwn || seat.nodeId !== node) return false;
    this.write(node, seat);
    return true;
  }

  leave(node: NodeId, key: SeatKey, reason: LeaveReason): boolean {
    const holder = this.seats.get(key.peerId);
    if (holder === undefined && this.isFromBefore(key)) {
      this.ended.set(key.peerId, key.generation);
      const { peerId, generation } = key;
      this.tell(node, { kind: 'gone', peerId, sessionId: asSessionId(''), generation, reason });
      return true;
    }
    if (holder?.generation !== key.generation) return false;
    this.remove(node, holder, reason);
    return true;
  }

  reconcile(node: NodeId, own: readonly SeatRecord[], expiresAtS: number): RoomView {
    this.lengthen(expiresAtS);
    const mine = new Map(own.map((seat) => [seat.peerId, seat]));
    for (const seat of [...this.seats.values()]) {
      const isStray = mine.get(seat.peerId)?.sessionId !== seat.sessionId;
      if (seat.nodeId === node && seat.standing !== 'kept' && isStray)
        this.remove(node, seat, 'disconnected');
    }
    for (const seat of own) {
      const holder = this.seats.get(seat.peerId);
      if (holder === undefined || (isSame(holder, seat) && !isDeepStrictEqual(holder, seat)))
        this.write(node, seat);
    }
    return this.view();
  }

  /** Returns how many seats it ended. */
  sweep(origin: NodeId, lapsed: NodeId): number {
    let ended = 0;
    for (const seat of [...this.seats.values()]) {
      if (seat.nodeId !== lapsed || seat.standing === 'kept') continue;
      if (seat.isQuiet) this.write(origin, { ...seat, standing: 'kept' });
      else this.remove(origin, seat, 'disconnected');
      ended += 1;
    }
    return ended;
  }

  private write(
    node: NodeId,
    seat: SeatRecord,
    how: { readonly isNew?: true; readonly note?: string } = {},
  ): SeatRecord {
    const version = this.surroundings.nextNumber();
    const written = how.isNew === true ? { ...seat, generation: version } : seat;
    this.seats.set(seat.peerId, written);
    this.ended.delete(seat.peerId);
    const note = how.note === undefined ? {} : { note: how.note };
    this.tell(node, { kind: 'seat', seat: written, ...note }, version);
    return written;
  }

  private remove(node: NodeId, { peerId, sessionId, generation }: SeatRecord, reason: LeaveReason): void {
    this.seats.delete(peerId);
    this.tell(node, { kind: 'gone', peerId, sessionId, generation, reason });
  }

  private tell(origin: NodeId, what: RoomChange['what'], version = this.surroundings.nextNumber()): void {
    const { roomId, epoch, version: previous } = this;
    this.version = version;
    this.surroundings.tell({ roomId, epoch, previous, version, origin, what });
  }

  /** The memory of such a seat was lost: that it is not here proves nothing. */
  private isFromBefore({ peerId, generation }: Pick<SeatRecord, 'peerId' | 'generation'>): boolean {
    return generation < this.born && generation > (this.ended.get(peerId) ?? 0);
  }

  private lengthen(expiresAtS: number): void {
    this.expiresAtS = Math.max(this.expiresAtS, expiresAtS);
  }
}

/** Does it count against the room's bound? A parity peer without a socket was promised nothing. */
function takesPlace({ standing, isQuiet }: Pick<SeatRecord, 'standing' | 'isQuiet'>): boolean {
  return standing === 'here' || (standing === 'away' && !isQuiet);
}

function mayReplace(holder: SeatRecord, claim: SeatClaim, { replaces }: EnterTerms): boolean {
  if (holder.standing === 'kept' || holder.identity.sub === claim.identity.sub) return true;
  return holder.generation === replaces;
}

function isSame(holder: SeatRecord, seat: SeatRecord): boolean {
  return holder.generation === seat.generation && holder.nodeId === seat.nodeId;
}
