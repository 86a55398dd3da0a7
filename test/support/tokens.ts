import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  sign,
  type KeyObject,
} from 'node:crypto';

export interface TokenForgeSettings {
  readonly issuer: string;
  readonly audience: string;
  /** The key that the server under test trusts. */
  readonly privateKey: KeyObject;
  readonly kid: string;
}

type Fields = Readonly<Record<string, unknown>>;

const nowS = (): number => Math.floor(Date.now() / 1000);
const encode = (fields: Fields): string => Buffer.from(JSON.stringify(fields)).toString('base64url');

/** One line each: what is wrong with a token, and the claims or header that make it so (`undefined` leaves one out). */
const flaws = {
  expired: { claims: () => ({ exp: nowS() - 60 }) },
  wrongAud: { claims: () => ({ aud: 'another-client' }) },
  wrongIss: { claims: () => ({ iss: 'https://issuer.invalid/pool' }) },
  futureNbf: { claims: () => ({ nbf: nowS() + 3600 }) },
  noAud: { claims: () => ({ aud: undefined }) },
  noExp: { claims: () => ({ exp: undefined }) },
  textExp: { claims: () => ({ exp: 'tomorrow' }) },
  noSub: { claims: () => ({ sub: undefined }) },
  emptySub: { claims: () => ({ sub: '' }) },
  numericSub: { claims: () => ({ sub: 42 }) },
  noTokenUse: { claims: () => ({ token_use: undefined }) },
  access: {
    claims: () => ({
      token_use: 'access',
      aud: undefined,
      client_id: 'client',
      'cognito:username': undefined,
      username: 'somebody',
      scope: 'aws.cognito.signin.user.admin',
    }),
  },
  noKid: { header: { kid: undefined } },
  unknownKid: { header: { kid: 'never-heard-of' } },
  rs512: { header: { alg: 'RS512' } },
} as const satisfies Record<string, { claims?: () => Fields; header?: Fields }>;

export type TokenFlaw = keyof typeof flaws;

/** Makes tokens that are shaped like Cognito's ID tokens and signed with a given key: good ones and each kind of bad. */
export class TokenForge {
  constructor(private readonly settings: TokenForgeSettings) {}

  valid(claims: Fields = {}, header: Fields = {}): string {
    return this.signWith(this.settings.privateKey, claims, header);
  }

  /** A token with one thing wrong, signed with the trusted key all the same. */
  flawed(flaw: TokenFlaw): string {
    const { claims, header }: { claims?: () => Fields; header?: Fields } = flaws[flaw];
    return this.valid(claims?.() ?? {}, header ?? {});
  }

  /** With the hash of an access token, as Cognito's hosted sign-in adds one. */
  withAtHash(): string {
    return this.valid({ at_hash: 'K8mPp3nZ6uN4v8Z1k1mZ5A' });
  }

  /** `alg: none` and no signature. */
  algNone(): string {
    return `${this.unsigned({}, { alg: 'none' })}.`;
  }

  /** Signed with the public key as if it were a shared secret (RFC 8725 section 2.1). */
  hs256(): string {
    const secret = createPublicKey(this.settings.privateKey).export({ type: 'spki', format: 'pem' });
    const text = this.unsigned({}, { alg: 'HS256' });
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  }

  /** Right in all but the key: somebody else's, under the trusted key's name. */
  foreignKey(claims: Fields = {}): string {
    return this.signWith(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, claims, {});
  }

  /** A good token whose subject was changed after it was signed. */
  tampered(): string {
    const [header, , signature] = this.valid().split('.');
    return [header, encode({ ...this.claims(), sub: 'somebody-else' }), signature].join('.');
  }

  /** A good token without its signature. */
  stripped(): string {
    return `${this.unsigned({}, {})}.`;
  }

  private claims(): Fields {
    const id = randomUUID();
    return {
      sub: id,
      'cognito:username': id,
      iss: this.settings.issuer,
      aud: this.settings.audience,
      token_use: 'id',
      auth_time: nowS(),
      iat: nowS(),
      exp: nowS() + 3600,
      jti: randomUUID(),
    };
  }

  private unsigned(claims: Fields, header: Fields): string {
    const head = encode({ alg: 'RS256', kid: this.settings.kid, ...header });
    return `${head}.${encode({ ...this.claims(), ...claims })}`;
  }

  private signWith(key: KeyObject, claims: Fields, header: Fields): string {
    const text = this.unsigned(claims, header);
    const hash = header['alg'] === 'RS512' ? 'RSA-SHA512' : 'RSA-SHA256';
    return `${text}.${sign(hash, Buffer.from(text), key).toString('base64url')}`;
  }
}
