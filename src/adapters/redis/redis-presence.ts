import { SignalingError } from '../../protocol/errors.js';
import { asRoomId, type NodeId, type PeerId, type RoomId } from '../../protocol/ids.js';
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
import type { Logger } from '../../ports/runtime.js';
import { RedisAuthority } from './redis-authority.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisLeases } from './redis-leases.js';
import { RedisRoomChanges } from './redis-room-changes.js';
import { RedisRoomSteps } from './redis-room-steps.js';
import { RedisSeats } from './redis-seats.js';
import type { RedisSubscriber } from './redis-subscriber.js';
import { RedisTime } from './redis-time.js';
import { touchRooms } from './redis-touch.js';
import { keepUntil, RedisWhereabouts } from './redis-whereabouts.js';

/** Rooms that are swept at once. */
const SWEEPS = 16;

export interface RedisPresenceParts {
  readonly redis: RedisConnection;
  readonly subscriber: RedisSubscriber;
  readonly nodeId: NodeId;
  readonly logger: Logger;
  /** How long a peer that is away is expected back. */
  readonly graceMs: number;
}

/** Who sits where, in Redis. The steps are scripts (`room-scripts.ts`), and each publishes the change that it makes. */
export class RedisPresence implements Presence {
  readonly nodeId: NodeId;
  readonly isAlone = false;
  private readonly leases: RedisLeases;
  private readonly seats: RedisSeats;
  private readonly authority: RedisAuthority;
  private readonly changes: RedisRoomChanges;
  private readonly whereabouts: RedisWhereabouts;

  constructor(private readonly parts: RedisPresenceParts) {
    const { redis, subscriber, nodeId, logger, graceMs } = parts;
    this.nodeId = nodeId;
    const time = new RedisTime();
    this.leases = new RedisLeases(redis, nodeId, time);
    this.changes = new RedisRoomChanges(subscriber, logger);
    const whereabouts = new RedisWhereabouts(redis, nodeId, logger);
    this.whereabouts = whereabouts;
    const steps = new RedisRoomSteps(redis, time, nodeId);
    const { leases } = this;
    this.seats = new RedisSeats({ steps, leases, whereabouts, nodeId, graceMs });
    this.authority = new RedisAuthority({ steps, leases, whereabouts });
    subscriber.onRestored(() => {
      whereabouts.doubt();
    });
  }

  get isInterrupted(): boolean {
    return this.parts.subscriber.isInterrupted;
  }

  onChange(listener: (change: RoomChange) => void): void {
    this.changes.onChange(listener);
  }

  watch(roomId: RoomId): Promise<void> {
    return orUnavailable(this.changes.watch(roomId));
  }

  unwatch(roomId: RoomId): void {
    this.changes.unwatch(roomId);
  }

  onRestored(listener: () => void): void {
    this.parts.subscriber.onRestored(listener);
  }

  enter(claim: SeatClaim, terms: EnterTerms): Promise<EnterOutcome> {
    return orUnavailable(this.seats.enter(claim, terms));
  }

  move(
    key: SeatKey,
    to: { readonly tokenHashes: readonly string[]; readonly note?: string },
  ): Promise<{ readonly seat: SeatRecord; readonly view: RoomView } | undefined> {
    return orUnavailable(this.seats.move(key, to));
  }

  update(seat: SeatRecord): Promise<boolean> {
    return orUnavailable(this.seats.update(seat));
  }

  leave(key: SeatKey, reason: LeaveReason): Promise<boolean> {
    return orUnavailable(this.seats.leave(key, reason));
  }

  view(roomId: RoomId): Promise<RoomView> {
    return orUnavailable(this.seats.view(roomId));
  }

  kick(
    by: SeatKey,
    target: PeerId,
    terms: { readonly banMs: number; readonly reason?: string },
  ): Promise<AuthorityOutcome> {
    return orUnavailable(this.authority.kick(by, target, terms));
  }

  transferHost(by: SeatKey, to: PeerId): Promise<AuthorityOutcome> {
    return orUnavailable(this.authority.transferHost(by, to));
  }

  setMode(
    roomId: RoomId,
    mode: RoomMode,
    terms: { readonly by?: SeatKey; readonly reason: ModeReason },
  ): Promise<AuthorityOutcome> {
    return orUnavailable(this.authority.setMode(roomId, mode, terms));
  }

  async roomsOf(peerId: PeerId): Promise<readonly RoomId[]> {
    return (await orUnavailable(this.whereabouts.roomsOfPeer(peerId))).map(asRoomId);
  }

  reconcile(roomId: RoomId, own: () => readonly SeatRecord[], terms: ReconcileTerms): Promise<RoomView> {
    return orUnavailable(this.seats.reconcile(roomId, own, terms));
  }

  async touch(seats: readonly Pick<SeatRecord, 'roomId' | 'peerId'>[]): Promise<void> {
    const rooms = [...new Set(seats.map(({ roomId }) => roomId))];
    const touching = touchRooms(this.parts.redis, this.nodeId, seats);
    await orUnavailable(Promise.all([touching, this.whereabouts.note(rooms, keepUntil())]));
  }

  async renewLease(leaseMs: number): Promise<boolean> {
    const held = await orUnavailable(this.leases.renew(leaseMs));
    void this.whereabouts.tidy();
    return held;
  }

  lapsedNodes(): Promise<readonly NodeId[]> {
    return orUnavailable(this.leases.lapsed());
  }

  sweep(node: NodeId, graceMs: number): Promise<number> {
    return orUnavailable(this.sweepRooms(node, graceMs));
  }

  release(): Promise<void> {
    return orUnavailable(this.leases.release());
  }

  private async sweepRooms(node: NodeId, graceMs: number): Promise<number> {
    const life = await this.leases.judge(node, graceMs);
    if (life === undefined) return 0;
    const rooms = (await this.whereabouts.roomsOfNode(node)).map(asRoomId);
    let ended = 0;
    for (let at = 0; at < rooms.length; at += SWEEPS) {
      const some = rooms.slice(at, at + SWEEPS).map((roomId) => this.seats.sweep(roomId, node, life));
      for (const count of await Promise.all(some)) ended += count;
    }
    await this.leases.strike(node, life);
    return ended;
  }
}

async function orUnavailable<Result>(call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (cause) {
    throw new SignalingError('STORE_UNAVAILABLE', undefined, { cause });
  }
}
