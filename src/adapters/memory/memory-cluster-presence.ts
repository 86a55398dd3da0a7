import { SignalingError } from '../../protocol/errors.js';
import type { NodeId, PeerId, RoomId } from '../../protocol/ids.js';
import type { LeaveReason } from '../../protocol/messages.js';
import type { ModeReason, RoomMode, SeatRecord } from '../../protocol/records.js';
import type {
  AuthorityOutcome,
  EnterOutcome,
  EnterTerms,
  Presence,
  ReconcileTerms,
  RoomChange,
  RoomView,
  SeatClaim,
  SeatKey,
} from '../../ports/presence.js';
import type { MemoryClusterState } from './memory-cluster-state.js';
import { cutOff } from './memory-cluster-bus.js';
import type { MemoryClusterNode } from './memory-cluster-node.js';

/** Of a room that nobody was in. */
const unknown: RoomView = {
  epoch: '',
  version: 0,
  seats: [],
  ended: [],
  kicked: [],
  host: undefined,
  mode: undefined,
};

/** Who sits where, in one process: every step is done when its call returns. */
export class MemoryClusterPresence implements Presence {
  readonly nodeId: NodeId;
  /** Who is back is told so at once. */
  readonly isInterrupted = false;

  constructor(
    private readonly state: MemoryClusterState,
    private readonly self: MemoryClusterNode,
  ) {
    this.nodeId = self.nodeId;
  }

  get isAlone(): boolean {
    return this.state.nodeCount < 2;
  }

  onChange(listener: (change: RoomChange) => void): void {
    this.self.onChange = listener;
  }

  watch(roomId: RoomId): Promise<void> {
    return this.step(() => {
      this.self.watched.add(roomId);
    });
  }

  unwatch(roomId: RoomId): void {
    this.self.watched.delete(roomId);
  }

  onRestored(listener: () => void): void {
    this.self.restoredListeners.push(listener);
  }

  enter(claim: SeatClaim, terms: EnterTerms): Promise<EnterOutcome> {
    return this.step(() => {
      this.state.dropSome();
      return this.state.room(claim.roomId).enter(this.nodeId, claim, terms);
    });
  }

  move(
    key: SeatKey,
    to: { readonly tokenHashes: readonly string[]; readonly note?: string },
  ): Promise<{ readonly seat: SeatRecord; readonly view: RoomView } | undefined> {
    return this.step(() => this.state.findRoom(key.roomId)?.move(this.nodeId, key, to));
  }

  update(seat: SeatRecord): Promise<boolean> {
    return this.step(() => this.state.room(seat.roomId).update(this.nodeId, seat));
  }

  leave(key: SeatKey, reason: LeaveReason): Promise<boolean> {
    return this.step(() => this.state.room(key.roomId).leave(this.nodeId, key, reason));
  }

  view(roomId: RoomId): Promise<RoomView> {
    return this.step(() => this.state.findRoom(roomId)?.view() ?? unknown);
  }

  kick(
    by: SeatKey,
    target: PeerId,
    terms: { readonly banMs: number; readonly reason?: string },
  ): Promise<AuthorityOutcome> {
    return this.step(
      () => this.state.findRoom(by.roomId)?.kick(this.nodeId, by, target, terms) ?? 'not host',
    );
  }

  transferHost(by: SeatKey, to: PeerId): Promise<AuthorityOutcome> {
    return this.step(() => this.state.findRoom(by.roomId)?.transferHost(this.nodeId, by, to) ?? 'not host');
  }

  setMode(
    roomId: RoomId,
    mode: RoomMode,
    terms: { readonly by?: SeatKey; readonly reason: ModeReason },
  ): Promise<AuthorityOutcome> {
    const nowhere = terms.by === undefined ? 'absent' : 'not host';
    return this.step(() => this.state.findRoom(roomId)?.mode.set(this.nodeId, mode, terms) ?? nowhere);
  }

  roomsOf(peerId: PeerId): Promise<readonly RoomId[]> {
    return this.step(() => this.state.roomsOf(peerId));
  }

  reconcile(roomId: RoomId, own: () => readonly SeatRecord[], terms: ReconcileTerms): Promise<RoomView> {
    return this.step(() => this.state.room(roomId).reconcile(this.nodeId, own(), terms));
  }

  touch(): Promise<void> {
    return this.step(() => undefined);
  }

  renewLease(leaseMs: number): Promise<boolean> {
    return this.step(() => {
      const nowMs = this.state.clock.now();
      const hadLease = this.self.hasLease(nowMs);
      this.self.lease = { untilMs: nowMs + leaseMs, renewedAtMs: nowMs };
      return hadLease;
    });
  }

  lapsedNodes(): Promise<readonly NodeId[]> {
    return this.step(() => this.state.lapsedNodes());
  }

  sweep(nodeId: NodeId, graceMs: number): Promise<number> {
    return this.step(() => {
      const nowMs = this.state.clock.now();
      const node = this.state.nodes.get(nodeId);
      const lastSignMs = node?.lease?.renewedAtMs ?? 0;
      if (node?.hasLease(nowMs) === true || nowMs - lastSignMs < graceMs) return 0;
      return this.state.roomsWith(nodeId).reduce((ended, room) => ended + room.sweep(this.nodeId, nodeId), 0);
    });
  }

  release(): Promise<void> {
    return this.step(() => {
      const { lease } = this.self;
      if (lease !== undefined) this.self.lease = { ...lease, untilMs: 0 };
    });
  }

  private step<Result>(run: () => Result): Promise<Result> {
    return this.self.isUp
      ? Promise.resolve(run())
      : Promise.reject(new SignalingError('STORE_UNAVAILABLE', undefined, { cause: cutOff() }));
  }
}
