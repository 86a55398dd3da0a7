import type { IdentityProvider, TokenVerifier } from '../ports/auth.js';
import type { RoomStore } from '../ports/room-store.js';
import type { Clock, IdSource, Logger, Tally } from '../ports/runtime.js';
import type { Limits } from '../protocol/messages.js';
import type { Hub } from './hub.js';

/** What the core is given by the composition root. */
export interface Ports {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly tally: Tally;
  readonly verifier: TokenVerifier;
  readonly identities: IdentityProvider;
  readonly store: RoomStore;
}

export interface CoreSettings {
  readonly limits: Limits;
  readonly roomTtlMs: number;
  /** How long a seat is kept for a peer whose socket is gone; 0: not at all. */
  readonly graceMs: number;
}

/** What every handler works with. */
export interface Context extends Ports, CoreSettings {
  readonly hub: Hub;
}
