import type { IdentityProvider, TokenVerifier } from '../ports/auth.js';
import type { RoomStore } from '../ports/room-store.js';
import type { Clock, IdSource, Logger, Tally } from '../ports/runtime.js';
import type { RoomRecord, SeatRecord } from '../protocol/records.js';
import type { Limits } from '../protocol/messages.js';
import type { RoomId, SessionId } from '../protocol/ids.js';
import type { IceServerSource } from '../ports/ice-servers.js';
import type { RateLimiter } from '../ports/rate-limiter.js';
import type { UserStore } from '../ports/user-store.js';
import type { Bus } from '../ports/bus.js';
import type { Presence, RoomView } from '../ports/presence.js';
import type { Departure, SeatLedger } from './cluster/seat-ledger.js';
import type { Custody } from './cluster/custody.js';
import type { Relay } from './cluster/relay.js';
import type { PostOffice } from './cluster/post-office.js';
import type { Appointments } from './appointments.js';
import type { Guesses } from './guesses.js';
import type { Hub } from './hub.js';
import type { Room } from './room.js';
import type { Session } from './session.js';
import type { UserBudgets } from './user-budgets.js';

/** What the core is given by the composition root. */
export interface Ports {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly tally: Tally;
  readonly verifier: TokenVerifier;
  readonly identities: IdentityProvider;
  readonly store: RoomStore;
  readonly presence: Presence;
  readonly bus: Bus;
  readonly users: UserStore;
  readonly ice: IceServerSource;
  readonly limiter: RateLimiter;
}

export interface CoreSettings {
  readonly limits: Limits;
  readonly roomTtlMs: number;
  /** How long a seat is kept for a peer whose socket is gone; 0: not at all. */
  readonly graceMs: number;
  /** Where a room is open, who proves nothing may come in by a dialect that knows no tokens (S2). */
  readonly allowAnonymous: boolean;
  /** Who was removed by the host is kept out for so long. */
  readonly kickBanMs: number;
  /** A session ends when its token does; otherwise it is only told. */
  readonly closeAtExpiry: boolean;
}

/** What every handler works with. */
export interface Context extends Ports, CoreSettings {
  readonly hub: Hub;
  readonly office: PostOffice;
  readonly relay: Relay;
  readonly custody: Custody;
  readonly ledger: SeatLedger;
  readonly rosters: RoomCopies;
  readonly appointments: Appointments;
  readonly userBudgets: UserBudgets;
  readonly guesses: Guesses;
}

/** This node's copies of its rooms (`cluster/rosters.ts`). */
export interface RoomCopies {
  /** The room, watched: no change of it is missed from now on. It stays until it is released. */
  open(record: RoomRecord): Promise<Room<Session>>;
  release(room: Room<Session>): void;
  /** Brings the copy up to what the presence says. */
  apply(room: Room<Session>, view: RoomView): void;
  /** Peers that were there before the memory was lost: they may be there still. */
  suppose(room: Room<Session>, seats: readonly SeatRecord[]): void;
  /** A peer of another node has left. */
  gone(room: Room<Session>, departure: Departure): void;
  /** It may have sat down here, or not: nobody knows. If it has, and nobody serves it, it will be ended. */
  doubt(roomId: RoomId, sessionId: SessionId): void;
  /** What was lost with the presence's memory may not be written again yet. */
  readonly isSettling: boolean;
}
