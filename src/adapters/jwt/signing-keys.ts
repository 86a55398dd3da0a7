import { createPublicKey, type KeyObject } from 'node:crypto';
import { SimpleJwksCache, type Jwk } from 'aws-jwt-verify/jwk';
import { JwtWithoutValidKidError, KidNotFoundInJwksError } from 'aws-jwt-verify/error';
import { noTelemetry, type Telemetry } from '../../ports/telemetry.js';
import { SignalingError } from '../../protocol/errors.js';
import { FetchGate } from './fetch-gate.js';
import { JwksFetcher } from './jwks-fetcher.js';

/** Where the public keys come from. */
export type KeySource =
  | { readonly pem: string }
  | { readonly jwk: Jwk }
  | {
      readonly jwksUri: string;
      /** Sent with the request for the keys. */
      readonly headers?: Readonly<Record<string, string>>;
      readonly fetchTimeoutMs?: number;
      /** Least time between two fetches that are made because a token names a key we do not have. */
      readonly refetchGapMs?: number;
    };

export interface SigningKeys {
  /** The key at hand for a token's `kid`. */
  known(kid: string | undefined): Jwk | undefined;
  /** Looks for the key at its source. Rejects `INVALID_TOKEN` (no such key) or `IDENTITY_UNAVAILABLE`. */
  fetch(kid: string | undefined): Promise<Jwk>;
}

export function openSigningKeys(source: KeySource, telemetry: Telemetry = noTelemetry): SigningKeys {
  if ('jwksUri' in source) return new JwksKeys(source, telemetry);
  // An issuer with one key may leave `kid` out of its tokens; the signature decides anyway.
  const jwk = 'jwk' in source ? source.jwk : (createPublicKey(source.pem).export({ format: 'jwk' }) as Jwk);
  publicKeyOf(jwk);
  return { known: () => jwk, fetch: () => Promise.resolve(jwk) };
}

class JwksKeys implements SigningKeys {
  private readonly uri: string;
  private readonly cache: SimpleJwksCache;

  constructor(source: JwksSource, telemetry: Telemetry) {
    const { jwksUri, headers = {}, fetchTimeoutMs = 3000, refetchGapMs = 1000 } = source;
    this.uri = jwksUri;
    this.cache = new SimpleJwksCache({
      fetcher: new JwksFetcher(headers, fetchTimeoutMs, telemetry),
      penaltyBox: new FetchGate(refetchGapMs),
    });
  }

  known(kid: string | undefined): Jwk | undefined {
    try {
      return this.cache.getCachedJwk(this.uri, asToken(kid));
    } catch {
      // Not fetched yet, or not in what was fetched: `fetch` finds out, and says so.
      return undefined;
    }
  }

  async fetch(kid: string | undefined): Promise<Jwk> {
    if (kid === undefined) throw new SignalingError('INVALID_TOKEN', 'The token names no signing key (kid).');
    try {
      return await this.cache.getJwk(this.uri, asToken(kid));
    } catch (cause) {
      if (cause instanceof KidNotFoundInJwksError || cause instanceof JwtWithoutValidKidError) {
        throw new SignalingError('INVALID_TOKEN', 'The signing key of the token (kid) is not known.', {
          cause,
        });
      }
      throw new SignalingError('IDENTITY_UNAVAILABLE', undefined, { cause });
    }
  }
}

type JwksSource = Extract<KeySource, { readonly jwksUri: string }>;

const asToken = (kid: string | undefined) => ({ header: kid === undefined ? {} : { kid }, payload: {} });

/** By the key's own object: a set fetched anew has new objects, so a replaced key of the same name is seen. */
const keyObjects = new WeakMap<Jwk, KeyObject>();

/** Throws unless the key is an RSA public key. */
export function publicKeyOf(jwk: Jwk): KeyObject {
  const cached = keyObjects.get(jwk);
  if (cached !== undefined) return cached;
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  if (key.asymmetricKeyType !== 'rsa') throw new TypeError('the signing key is not an RSA key');
  keyObjects.set(jwk, key);
  return key;
}
