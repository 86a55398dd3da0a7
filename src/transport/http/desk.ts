import type { RoomsApi } from '../../core/rooms-api.js';
import type { Audit } from '../../ports/audit.js';
import type { RateLimiter } from '../../ports/rate-limiter.js';
import type { Logger, Tally } from '../../ports/runtime.js';
import type { Traces } from '../../ports/telemetry.js';
import type { PeerId, RoomId } from '../../protocol/ids.js';
import type { IceConfig } from '../../protocol/ice.js';
import type { Secret } from '../../protocol/secret.js';
import type { Json, RoomMode, RoomRecord } from '../../protocol/records.js';

import type { TrustedProxies } from '../client-address.js';
import type { PageParts } from './pages/page-parts.js';

/** What the HTTP routes ask of the core; `SignalingNode` is one. */
export interface Desk {
  /** Signs a throw-away user in. Rejects with `IDENTITY_UNAVAILABLE`; its message is safe to show (D13). */
  signIn(): Promise<{ readonly idToken: string; readonly username: string }>;
  /** Rejects with `INVALID_TOKEN`, `IDENTITY_UNAVAILABLE` or `STORE_UNAVAILABLE`. */
  createRoom(idToken: string, terms?: { readonly mode?: RoomMode }): Promise<RoomRecord>;
  /** `bearer`: the caller's token if one was sent. Rejects with `INVALID_TOKEN` or `FORBIDDEN`. */
  deletePeersAndRoom(
    by: { readonly peerId: PeerId } | { readonly roomId: RoomId },
    bearer?: string,
  ): Promise<'peer not found' | 'room not found' | 'deleted'>;
  /** As above, for one peer; `roomDeleted` when it was the last of its room. */
  deletePeer(
    peerId: PeerId,
    bearer?: string,
  ): Promise<{ readonly found: boolean; readonly roomDeleted: boolean }>;
  /** Counts of this moment, for `/metrics`. */
  stats(): {
    readonly rooms: number;
    readonly connections: number;
    readonly sessions: number;
    readonly peersByRole: Readonly<Record<string, number>>;
  };
  /** Rooms as a directory. */
  readonly rooms: RoomsApi;
  iceConfigOf(credential: string): Promise<IceConfig>;
  anonymousIceConfig(): IceConfig;
  /** Counts a wrong key; resolves when it may be refused: at once, to 0, or late, to how long to wait before the next. */
  wrongKey(address: string): Promise<number>;
  /** Empty when ready; else one short word per thing that is not, e.g. 'draining', 'room store'. */
  notReady(): Promise<readonly string[]>;
}

export interface HttpSettings {
  /** D12: deletions need a token. Without it they only check one that is sent. */
  readonly requireDeleteAuth: boolean;
  /** D5: origins that may call from a browser, as browsers spell them; `*` for all. Empty: none. */
  readonly allowedOrigins: readonly string[];
  /** The peer that a JSON value of the wire names (numbers and `true` can); `undefined` when it can name none. */
  readonly peerKey: (value: Json) => PeerId | undefined;
  readonly trustedProxies: TrustedProxies;
  /** Who proves nothing may make and read open rooms, and has TURN credentials. */
  readonly allowAnonymous: boolean;
  /** By address; 0: no limit. */
  readonly signInsPerMinute: number;
  readonly roomsPerMinute: number;
  readonly iceRequestsPerMinute: number;
  readonly maxPeersPerRoom: number;
  /** Absent: there are no internal paths. */
  readonly internalServiceKey: Secret | undefined;
  /** What opens metrics and the dashboard; absent: only the networks do. */
  readonly adminToken: Secret | undefined;
  /** Who sees them without a token. */
  readonly operatorNetworks: TrustedProxies;
}

/** All that the routes are made of. */
export interface HttpParts {
  readonly desk: Desk;
  readonly settings: HttpSettings;
  readonly logger: Logger;
  readonly audit: Audit;
  /** Absent: nothing is traced. */
  readonly traces?: Traces | undefined;
  readonly tally: Tally;
  readonly limiter: RateLimiter;
  /** The Prometheus text of this process. */
  readonly renderMetrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** Absent: no pages for people are served, nor the documents behind them. */
  readonly pages?: PageParts;
}
