import { createHash, createHmac } from 'node:crypto';
import type { IceServerSource } from '../../ports/ice-servers.js';
import type { Clock } from '../../ports/runtime.js';
import type { IceConfig, IceServer } from '../../protocol/ice.js';

export interface TurnSettings {
  /** `stun:` addresses (RFC 7064); none: no STUN entry. */
  readonly stunUrls: readonly string[];
  /** `turn:` and `turns:` addresses (RFC 7065) of relays that share the secret; none: no TURN entry. */
  readonly turnUrls: readonly string[];
  /** coturn's `static-auth-secret`; without it no TURN entry. */
  readonly sharedSecret: string | undefined;
  /** How long credentials live, in whole seconds. */
  readonly ttlS: number;
  readonly transportPolicy: IceConfig['transportPolicy'];
}

/**
 * STUN and TURN addresses, and TURN credentials that end by themselves: the user name is `expiry:user` (unix seconds),
 * the credential base64(HMAC-SHA1(secret, user name)), so the relay can check them without asking anybody.
 * Source: draft-uberti-behave-turn-rest-00, and coturn's `use-auth-secret`.
 */
export class TurnIceServers implements IceServerSource {
  readonly #settings: TurnSettings;
  readonly #clock: Clock;

  constructor(settings: TurnSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  configFor(user: string): IceConfig {
    const { stunUrls, turnUrls, sharedSecret, ttlS, transportPolicy } = this.#settings;
    const stun: readonly IceServer[] = stunUrls.length > 0 ? [{ urls: stunUrls }] : [];
    if (turnUrls.length === 0 || sharedSecret === undefined) return { servers: stun, transportPolicy };
    const expiryS = Math.floor(this.#clock.now() / 1000) + ttlS;
    const username = `${expiryS}:${safeName(user)}`;
    const credential = createHmac('sha1', sharedSecret).update(username).digest('base64');
    return {
      servers: [...stun, { urls: turnUrls, username, credential }],
      transportPolicy,
      expiresAtMs: expiryS * 1000,
      ttlS,
    };
  }
}

const harmless = /^[\w.-]{1,64}$/;
/** What a hash looks like. A user of such a name is hashed too, so that nobody can go by another's. */
const hashLike = /^[\w-]{43}$/;

/** The user as the relay sees it: a ':' would be read as the end of the expiry, and the relay writes it to its log. */
function safeName(user: string): string {
  if (harmless.test(user) && !hashLike.test(user)) return user;
  return createHash('sha256').update(user).digest('base64url');
}
