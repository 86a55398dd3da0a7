import { createPrivateKey, createPublicKey, generateKeyPair, randomUUID, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, exportJWK, SignJWT } from 'jose';
import type { IdentityProvider } from '../../ports/auth.js';
import type { Clock } from '../../ports/runtime.js';

const ISSUER = 'urn:signaling:local';
const AUDIENCE = 'signaling';
/** As long as Cognito's ID tokens live unless the app client says otherwise. */
const TOKEN_LIFE_S = 3600;
/** Users remembered; beyond it the oldest is forgotten, and deleting it says `absent`. */
const MAX_USERS = 100_000;

/** RFC 7517; a type and not an interface, so that it passes for JSON. */
export type PublicJwk = {
  readonly kty: 'RSA';
  readonly n: string;
  readonly e: string;
  readonly kid: string;
  readonly alg: 'RS256';
  readonly use: 'sig';
};

export interface LocalIdentitySettings {
  readonly clock: Clock;
  /** RSA private key as PEM (PKCS #8 or #1), at least 2048 bits. Without it a key is made that dies with the process. */
  readonly signingKeyPem?: string;
}

/**
 * Identities without an identity service: throw-away users whose ID tokens look like Cognito's.
 *
 * There is no user table, only the names of the users whose token still lives. As with Cognito, deleting a user does
 * not call its token back: that stays valid to its end. With a shared signing key a user of another process is `absent`.
 */
export class LocalIdentityProvider implements IdentityProvider {
  readonly issuer = ISSUER;
  readonly audience = AUDIENCE;
  /** User name -> when its token ends. In the order of both making and ending, because all live equally long. */
  private readonly users = new Map<string, number>();

  private constructor(
    private readonly clock: Clock,
    private readonly privateKey: KeyObject,
    /** What a verifier of these tokens needs. */
    readonly publicJwk: PublicJwk,
  ) {}

  /** Rejects with an `Error` that says what is wrong with the PEM, and not what is in it. */
  static async create({ clock, signingKeyPem }: LocalIdentitySettings): Promise<LocalIdentityProvider> {
    const privateKey = signingKeyPem === undefined ? await makeKey() : readKey(signingKeyPem);
    const { n, e } = await exportJWK(createPublicKey(privateKey));
    if (n === undefined || e === undefined) throw new TypeError('the signing key is not an RSA key');
    // Named by its own thumbprint (RFC 7638), so that processes that share a key agree on its name.
    const kid = await calculateJwkThumbprint({ kty: 'RSA', n, e });
    return new LocalIdentityProvider(clock, privateKey, { kty: 'RSA', n, e, kid, alg: 'RS256', use: 'sig' });
  }

  async signIn(): Promise<{ readonly idToken: string; readonly username: string }> {
    const username = randomUUID();
    const nowS = Math.floor(this.clock.now() / 1000);
    const expiresAtS = nowS + TOKEN_LIFE_S;
    const idToken = await new SignJWT({ token_use: 'id', 'cognito:username': username, auth_time: nowS })
      .setProtectedHeader({ alg: 'RS256', kid: this.publicJwk.kid })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(randomUUID())
      .setIssuedAt(nowS)
      .setExpirationTime(expiresAtS)
      .setJti(randomUUID())
      .sign(this.privateKey);
    this.remember(username, expiresAtS, nowS);
    return { idToken, username };
  }

  deleteUser(username: string): Promise<'deleted' | 'absent'> {
    return Promise.resolve(this.users.delete(username) ? 'deleted' : 'absent');
  }

  private remember(username: string, expiresAtS: number, nowS: number): void {
    for (const [name, endS] of this.users) {
      if (endS > nowS && this.users.size < MAX_USERS) break;
      this.users.delete(name);
    }
    this.users.set(username, expiresAtS);
  }
}

async function makeKey(): Promise<KeyObject> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return privateKey;
}

function readKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new Error('the signing key is not a PEM private key', { cause });
  }
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) {
    throw new Error('the signing key must be an RSA key of at least 2048 bits');
  }
  return key;
}
