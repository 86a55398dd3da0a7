import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { asSessionId, type NodeId, type PeerId, type RoomId } from '../../protocol/ids.js';
import type { LeaveReason } from '../../protocol/messages.js';
import type { SeatRecord } from '../../protocol/records.js';
import type {
  AuthorityOutcome,
  EnterOutcome,
  EnterTerms,
  Kick,
  ReconcileTerms,
  RoomChange,
  RoomView,
  SeatClaim,
  SeatKey,
} from '../../ports/presence.js';
import { MemoryClusterHost, takesPlace } from './memory-cluster-host.js';
import { MemoryClusterKicks } from './memory-cluster-kicks.js';
import { MemoryClusterMode } from './memory-cluster-mode.js';
import { isSame, mayReplace, renamedSeat } from './memory-seat-claims.js';

/** A memory that begins anew must not be forgotten before its sessions: this long past the end of the room. */
const KEEP_EXPIRED_S = 3600;

/** What a room needs of the cluster that it is part of. */
export interface RoomSurroundings {
  /** Numbers for versions and generations: each higher than all before, whatever room they are for. */
  readonly nextNumber: () => number;
  readonly tell: (change: RoomChange) => void;
  readonly nowMs: () => number;
}

/** The seats of one room. Each method is one atomic step, as `Presence` describes it. */
export class MemoryClusterRoom {
  private readonly epoch = randomUUID();
  private readonly seats = new Map<PeerId, SeatRecord>();
  /** Seats that are older than this memory and were given up in it. */
  private readonly ended = new Map<PeerId, number>();
  private readonly born: number;
  private readonly host: MemoryClusterHost;
  readonly mode: MemoryClusterMode;
  private readonly kicks: MemoryClusterKicks;
  private version = 0;
  private expiresAtS = 0;

  constructor(
    private readonly roomId: RoomId,
    private readonly surroundings: RoomSurroundings,
  ) {
    this.born = surroundings.nextNumber();
    const { seats, born } = this;
    const { nowMs } = surroundings;
    this.kicks = new MemoryClusterKicks(nowMs);
    const tell = this.tell.bind(this);
    const tellHost = (origin: NodeId, host: PeerId): void => {
      tell(origin, { kind: 'host', host });
    };
    this.host = new MemoryClusterHost({ seats, born, nowMs, tell: tellHost });
    this.mode = new MemoryClusterMode({ seats, born, host: this.host, tell });
  }

  view(): RoomView {
    const ended = [...this.ended].map(([peerId, generation]) => ({ peerId, generation }));
    const { epoch, version, host, kicks, mode } = this;
    const seats = [...this.seats.values()];
    return { epoch, version, seats, ended, kicked: kicks.kicked, host: host.peerId, mode: mode.current };
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
    const { peerId, identity } = claim;
    const retryAfterMs = this.kicks.banMs(peerId, identity);
    if (retryAfterMs > 0) return { outcome: 'banned', retryAfterMs };
    const holder = this.seats.get(peerId);
    if (holder !== undefined && !mayReplace(holder, claim, terms)) return { outcome: 'held', holder };
    const taken = [...this.seats.values()].filter((seat) => seat !== holder && takesPlace(seat)).length;
    if (takesPlace(claim) && taken >= terms.maxPeers) return { outcome: 'full' };
    this.host.know(terms.createdBy);
    this.mode.begin(node, terms.mode, this.version === 0);
    const generation = this.surroundings.nextNumber();
    const before = renamedSeat(this.seats, terms);
    const since = before?.since ?? generation;
    const seat: SeatRecord = { ...claim, nodeId: node, generation, since };
    this.write(node, seat, { version: generation });
    if (before !== undefined) this.host.rename(node, before, seat);
    this.host.settle(node);
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
    const generation = this.surroundings.nextNumber();
    const seat: SeatRecord = { ...holder, tokenHashes, nodeId: node, generation, standing: 'here' };
    this.write(node, seat, { version: generation, ...(note === undefined ? {} : { note }) });
    this.host.settle(node);
    return { seat, view: this.view() };
  }

  update(node: NodeId, seat: SeatRecord): boolean {
    const holder = this.seats.get(seat.peerId);
    const isOwn = holder === undefined ? this.isFromBefore(seat) : isSame(holder, seat);
    if (!isOwn || seat.nodeId !== node) return false;
    this.write(node, seat);
    this.host.settle(node);
    return true;
  }

  leave(node: NodeId, key: SeatKey, reason: LeaveReason): boolean {
    const holder = this.seats.get(key.peerId);
    if (holder === undefined && this.isFromBefore(key)) {
      this.ended.set(key.peerId, key.generation);
      const { peerId, generation } = key;
      this.tell(node, { kind: 'gone', peerId, sessionId: asSessionId(''), generation, reason });
      this.host.giveUp(peerId);
      this.host.settle(node);
      return true;
    }
    if (holder?.generation !== key.generation) return false;
    this.remove(node, holder, reason);
    // Others may know it from the memory before.
    if (holder.since < this.born) this.ended.set(key.peerId, key.generation);
    this.host.settle(node);
    return true;
  }

  kick(
    node: NodeId,
    by: SeatKey,
    target: PeerId,
    { banMs, reason }: { readonly banMs: number; readonly reason?: string },
  ): AuthorityOutcome {
    this.host.settle(node);
    if (!this.host.isHost(by)) return 'not host';
    const seat = this.seats.get(target);
    if (seat === undefined || seat.standing === 'kept' || target === by.peerId) return 'absent';
    const because = reason === undefined ? {} : { reason };
    const kick: Kick = { peerId: target, generation: seat.generation, by: by.peerId, ...because };
    this.kicks.note(kick, seat, banMs);
    this.remove(node, seat, 'kicked', kick);
    return 'done';
  }

  transferHost(node: NodeId, by: SeatKey, to: PeerId): AuthorityOutcome {
    this.host.settle(node);
    if (!this.host.isHost(by)) return 'not host';
    const seat = this.seats.get(to);
    if (seat === undefined || !takesPlace(seat) || to === by.peerId) return 'absent';
    this.host.give(node, seat);
    return 'done';
  }

  reconcile(node: NodeId, own: readonly SeatRecord[], terms: ReconcileTerms): RoomView {
    this.lengthen(terms.expiresAtS);
    this.host.know(terms.createdBy);
    const mine = new Map(own.map((seat) => [seat.peerId, seat]));
    for (const seat of [...this.seats.values()]) {
      const isStray = mine.get(seat.peerId)?.sessionId !== seat.sessionId;
      if (seat.nodeId === node && seat.standing !== 'kept' && isStray)
        this.remove(node, seat, 'disconnected');
    }
    for (const seat of own) {
      const holder = this.seats.get(seat.peerId);
      const isMissing = holder === undefined && !this.kicks.has(seat) && !this.hasEnded(seat);
      if (isMissing || (holder !== undefined && isSame(holder, seat) && !isDeepStrictEqual(holder, seat)))
        this.write(node, seat);
    }
    this.mode.recall(node, own, terms);
    if (terms.host !== undefined) this.host.recall(node, terms.host, this.ended.has(terms.host));
    this.host.settle(node);
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
    this.host.settle(origin);
    return ended;
  }

  private write(
    node: NodeId,
    seat: SeatRecord,
    how: { readonly version?: number; readonly note?: string } = {},
  ): void {
    this.seats.set(seat.peerId, seat);
    this.ended.delete(seat.peerId);
    const note = how.note === undefined ? {} : { note: how.note };
    this.tell(node, { kind: 'seat', seat, ...note }, how.version);
    this.host.judge(seat);
  }

  private remove(
    node: NodeId,
    { peerId, sessionId, generation }: SeatRecord,
    reason: LeaveReason,
    kick?: Kick,
  ): void {
    this.seats.delete(peerId);
    const why = kick === undefined ? { reason } : { reason, kick };
    this.tell(node, { kind: 'gone', peerId, sessionId, generation, ...why });
  }

  private tell(origin: NodeId, what: RoomChange['what'], version = this.surroundings.nextNumber()): void {
    const { roomId, epoch, version: previous } = this;
    this.version = version;
    this.surroundings.tell({ roomId, epoch, previous, version, origin, what });
  }

  /** The memory of such a seat was lost: that it is not here proves nothing. */
  private isFromBefore(seat: Pick<SeatRecord, 'peerId' | 'generation'>): boolean {
    return seat.generation < this.born && !this.hasEnded(seat) && !this.kicks.has(seat);
  }

  private hasEnded({ peerId, generation }: Pick<SeatRecord, 'peerId' | 'generation'>): boolean {
    return generation <= (this.ended.get(peerId) ?? 0);
  }

  private lengthen(expiresAtS: number): void {
    this.expiresAtS = Math.max(this.expiresAtS, expiresAtS);
  }
}
