import type { NodeId, PeerId, RoomId, SessionId } from '../protocol/ids.js';
import type { LeaveReason } from '../protocol/messages.js';
import type { ModeReason, RoomMode, SeatRecord } from '../protocol/records.js';

/** A seat as its node wants it; its generation is given by the presence. */
export type SeatClaim = Omit<SeatRecord, 'generation' | 'since' | 'nodeId'>;

/** Names one seat and no later one of the same name. */
export interface SeatKey {
  readonly roomId: RoomId;
  readonly peerId: PeerId;
  readonly generation: number;
}

/** Who sits in a room, at one moment. */
export interface RoomView {
  /** Changes when the memory of the room was lost and begun anew: then absence from `seats` proves nothing yet. */
  readonly epoch: string;
  /** Grows with each change. */
  readonly version: number;
  readonly seats: readonly SeatRecord[];
  /** Seats that an earlier memory held and that were given up since: up to this generation they are gone for certain. */
  readonly ended: readonly { readonly peerId: PeerId; readonly generation: number }[];
  /** The same of seats whose peers were removed by the host, for as long as they are kept out. */
  readonly kicked: readonly Kick[];
  /** Absent while nobody is there who could be. */
  readonly host: PeerId | undefined;
  /** Absent while this memory has not been told: then it is what the room's record says. */
  readonly mode: RoomMode | undefined;
}

/** A peer was removed by the host. */
export interface Kick {
  readonly peerId: PeerId;
  readonly generation: number;
  readonly by: PeerId;
  readonly reason?: string;
}

/** One change of a room, told to every node that watches it, its own included, in the order of their happening. */
export interface RoomChange {
  readonly roomId: RoomId;
  readonly epoch: string;
  /** The version before; when it is not the one that was seen last, something was missed. */
  readonly previous: number;
  readonly version: number;
  /** The node that made it. */
  readonly origin: NodeId;
  readonly what:
    | { readonly kind: 'seat'; readonly seat: SeatRecord; readonly note?: string }
    | {
        readonly kind: 'gone';
        readonly peerId: PeerId;
        readonly sessionId: SessionId;
        readonly generation: number;
        readonly reason: LeaveReason;
        /** When the reason is `kicked`. */
        readonly kick?: Kick;
      }
    | { readonly kind: 'host'; readonly host: PeerId }
    | { readonly kind: 'mode'; readonly mode: RoomMode; readonly reason: ModeReason; readonly by?: PeerId };
}

export interface EnterTerms {
  /** So many seats the room has. A seat is taken by who is `here`, and by a full session that is `away`. */
  readonly maxPeers: number;
  /** When the room ends, unix seconds. */
  readonly expiresAtS: number;
  /** The caller has made sure that the holder of the name with this generation may be replaced, whoever it is. */
  readonly replaces?: number;
  /** The `sub` of the room's creator: the host as long as it is there, unless it has given that away. */
  readonly createdBy: string;
  /** The mode of the room, where none is known yet; absent: `P2P`. */
  readonly mode?: RoomMode;
  /** It is the same peer as in that seat, under a new name: it keeps its rank, and is the host if that was. */
  readonly renames?: Omit<SeatKey, 'roomId'>;
  /** The name is wanted for itself: a holder who is `here` keeps it, the same user's other socket too. */
  readonly isExclusive?: true;
}

export type EnterOutcome =
  | { readonly outcome: 'seated'; readonly seat: SeatRecord; readonly view: RoomView }
  /** Another user (`identity.sub`) holds the name, and not only as `kept`. */
  | { readonly outcome: 'held'; readonly holder: SeatRecord }
  | { readonly outcome: 'full' }
  /** The host has removed this user, or this name if it has proved nothing, and it is still kept out. */
  | { readonly outcome: 'banned'; readonly retryAfterMs: number };

export type AuthorityOutcome =
  | 'done'
  /** The seat that asks is not the host's, or not a seat any more. */
  | 'not host'
  /** No such peer, or the one who asks. */
  | 'absent';

export interface ReconcileTerms {
  readonly expiresAtS: number;
  readonly createdBy: string;
  readonly host: PeerId | undefined;
  /** The mode as this node knew it: it is again if the memory of that was lost. */
  readonly mode?: RoomMode;
}

/**
 * Who sits where, over all nodes. Each step is atomic. The instance belongs to one node and speaks for it.
 *
 * Calls settle within about three seconds and reject with a `SignalingError` `STORE_UNAVAILABLE`, whose `cause` is the
 * vendor's own error, when it cannot be known whether the step was done; every step may be repeated.
 */
export interface Presence {
  readonly nodeId: NodeId;
  /** No other node can share it: there is nobody to hand anything over to. */
  readonly isAlone: boolean;
  /** It was out of reach and may answer again, but `onRestored` has not said so yet: changes may have been missed. */
  readonly isInterrupted: boolean;

  /** Calls `listener` with every change of the rooms that are watched. Set before the first `watch`. */
  onChange(listener: (change: RoomChange) => void): void;
  /** Resolves when no change of the room from now on is missed. */
  watch(roomId: RoomId): Promise<void>;
  unwatch(roomId: RoomId): void;
  /** Calls `listener` when it works again after a time in which changes may have been missed or memory lost. */
  onRestored(listener: () => void): void;

  /**
   * Takes a name for a session of this node, in the place of whoever holds it: the same user, a `kept` name, or the
   * holder named in `terms.replaces`. The seat that is given has the highest generation of the room. The replaced one
   * needs no `gone`: who sees the new seat knows.
   */
  enter(claim: SeatClaim, terms: EnterTerms): Promise<EnterOutcome>;
  /**
   * Moves a session to this node, with the tokens that hold from now on, if its seat still has that generation, and
   * gives it a new one. `note` goes with the change and is not kept. `undefined`: somebody else was faster.
   */
  move(
    key: SeatKey,
    to: { readonly tokenHashes: readonly string[]; readonly note?: string },
  ): Promise<{ readonly seat: SeatRecord; readonly view: RoomView } | undefined>;
  /** Writes what has changed of a seat of this node. False: it is no longer this node's to write. */
  update(seat: SeatRecord): Promise<boolean>;
  /** Gives a seat up, whichever node serves it. False: there is no such seat. */
  leave(key: SeatKey, reason: LeaveReason): Promise<boolean>;
  view(roomId: RoomId): Promise<RoomView>;
  /**
   * Ends the seat of a peer, if `by` is the seat of the host, and keeps its user out for `banMs` (whoever proved nothing
   * is kept out by its name). All are told: `gone`, `kicked`.
   */
  kick(
    by: SeatKey,
    target: PeerId,
    terms: { readonly banMs: number; readonly reason?: string },
  ): Promise<AuthorityOutcome>;
  /** Makes another peer the host, if `by` is the seat of the host. All are told. */
  transferHost(by: SeatKey, to: PeerId): Promise<AuthorityOutcome>;
  /**
   * Changes the mode of a room. With `by`, only if that is the seat of the host. All are told, unless it is the mode
   * already, which is `done` too. `absent`: nobody has a seat there.
   */
  setMode(
    roomId: RoomId,
    mode: RoomMode,
    terms: { readonly by?: SeatKey; readonly reason: ModeReason },
  ): Promise<AuthorityOutcome>;
  /** Rooms in which a peer of that name has, or may have had, a seat. */
  roomsOf(peerId: PeerId): Promise<readonly RoomId[]>;

  /**
   * After an interruption: writes the seats of this node in that room again where they are missing (as they are, with
   * their generations), removes what stands there for this node and is none of them, and returns the view after that.
   * `own` is asked at the last moment, so that what was taken meanwhile is among them. A seat of it that is in the view with a higher generation, or another node, is not this node's any more.
   * What was kicked meanwhile is not written again. `terms.host`: who was the host as far as this node knows; it is
   * again if the memory of that was lost, and stays so for the ten seconds in which its seat may be written again.
   */
  reconcile(roomId: RoomId, own: () => readonly SeatRecord[], terms: ReconcileTerms): Promise<RoomView>;

  /** The peers of these seats have shown that they live. */
  touch(seats: readonly Pick<SeatRecord, 'roomId' | 'peerId'>[]): Promise<void>;
  /**
   * Says that this node lives, for `leaseMs` more. Resolves to `false` when the last lease had ended (or there was
   * none): others may have taken it for dead.
   */
  renewLease(leaseMs: number): Promise<boolean>;
  /** Nodes that have seats and no lease: dead, or cut off. */
  lapsedNodes(): Promise<readonly NodeId[]>;
  /**
   * Removes what a lapsed node has left, once its last sign of life is `graceMs` ago: full sessions are `gone`
   * (`disconnected`), parity peers become `kept`. Of several nodes that do it at once, each seat is removed by one.
   * A node whose lease is back is left alone. Resolves to how many seats were ended.
   */
  sweep(node: NodeId, graceMs: number): Promise<number>;
  /** Ends the lease, so that others need not wait for its end. */
  release(): Promise<void>;
}
