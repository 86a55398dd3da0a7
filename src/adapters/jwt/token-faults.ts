import { verify, type KeyObject } from 'node:crypto';
import { SignalingError } from '../../protocol/errors.js';

/** What a token must say beside being signed and in time. */
export interface Expectations {
  readonly issuer: string;
  readonly audience: string;
  /** Cognito signs access tokens with the same key; `id` keeps them out (D2). They name their client in `client_id`. */
  readonly tokenUse?: TokenUse;
}

/** Which of Cognito's tokens are taken. */
export type TokenUse = 'id' | 'access' | 'both';

export function takesAccessTokens({ tokenUse }: Expectations): boolean {
  return tokenUse === 'access' || tokenUse === 'both';
}

type Claims = Readonly<Record<string, unknown>>;

/**
 * Says why a token is refused, with the texts and in the order of python-jose 3.3.0 (`jws._load`, `_verify_signature`,
 * `jwt._validate_claims`), because clients of the Python server get to see them. What that library lets pass and D2
 * does not has texts of our own.
 */
const SIGNATURE = 'Signature verification failed.';

/** No issuer's tokens are longer; what is, is not even parsed. */
const maxTokenChars = 16_384;

/** What a token of an identity may say that it is (RFC 7519 section 5.1, RFC 9068 section 2.1), if it does. */
const types: readonly unknown[] = [undefined, 'jwt', 'at+jwt'];

/**
 * The header's `kid`. Throws `INVALID_TOKEN` for what is no token or is not signed with RS256. Where the header says a
 * key is to be had (`jwk`, `jku`, `x5c`, `x5u`) is not looked at: keys come from the settings' one source.
 */
export function readHeader(token: string): { readonly kid: string | undefined } {
  if (token.length > maxTokenChars) throw new SignalingError('INVALID_TOKEN', 'The token is too long.');
  const firstDot = token.indexOf('.');
  if (firstDot === -1 || firstDot === token.lastIndexOf('.')) {
    throw new SignalingError('INVALID_TOKEN', 'Not enough segments');
  }
  const header = readPart(token.slice(0, firstDot));
  if (header === undefined) {
    throw new SignalingError('INVALID_TOKEN', 'Invalid header string: must be a json object');
  }
  if (header['alg'] !== 'RS256') {
    throw new SignalingError('INVALID_TOKEN', 'The specified alg value is not allowed');
  }
  // RFC 7515 section 4.1.11: who does not know an extension that must be understood has to refuse.
  if ('crit' in header) {
    throw new SignalingError('INVALID_TOKEN', 'The token needs extensions that are not known (crit).');
  }
  // RFC 8725 section 3.11: a logout token, say, is signed by the same key for the same client.
  if (!types.includes(typeNamed(header['typ']))) {
    throw new SignalingError('INVALID_TOKEN', 'The token is of another type (typ).');
  }
  const kid = header['kid'];
  return { kid: typeof kid === 'string' && kid !== '' ? kid : undefined };
}

/** Media types are compared without case, and `application/` may be left out (RFC 7515 section 4.1.9). */
function typeNamed(typ: unknown): unknown {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
}

/** Why a token whose header is in order was refused. */
export function tokenFault(token: string, key: KeyObject | undefined, expected: Expectations): string {
  const lastDot = token.lastIndexOf('.');
  const signed = Buffer.from(token.slice(0, lastDot));
  const signature = Buffer.from(token.slice(lastDot + 1), 'base64url');
  if (key === undefined || !verify('RSA-SHA256', signed, key, signature)) return SIGNATURE;
  const claims = readPart(token.slice(token.indexOf('.') + 1, lastDot));
  if (claims === undefined) return 'Invalid payload string: must be a json object';
  return claimFault(claims, expected) ?? 'The token is malformed.';
}

/** Why these claims, honestly signed, are not enough; `undefined` when they are. */
export function claimFault(claims: Claims, expected: Expectations): string | undefined {
  return timeFault(claims, Date.now() / 1000) ?? originFault(claims, expected) ?? subjectFault(claims);
}

function timeFault({ iat, nbf, exp }: Claims, nowS: number): string | undefined {
  if (iat !== undefined && !isNumber(iat)) return 'Issued At claim (iat) must be an integer.';
  if (nbf !== undefined && !isNumber(nbf)) return 'Not Before claim (nbf) must be an integer.';
  if (nbf !== undefined && nbf > nowS) return 'The token is not yet valid (nbf)';
  if (exp === undefined) return 'Expiration Time claim (exp) is missing.';
  if (!isNumber(exp)) return 'Expiration Time claim (exp) must be an integer.';
  return exp < nowS ? 'Signature has expired.' : undefined;
}

function originFault(claims: Claims, expected: Expectations): string | undefined {
  const { aud, iss } = claims;
  const use = claims['token_use'];
  if (expected.tokenUse === 'id' && use !== 'id') return 'The token is not an ID token.';
  if (expected.tokenUse === 'access' && use !== 'access') return 'The token is not an access token.';
  if (expected.tokenUse === 'both' && use !== 'id' && use !== 'access') {
    return 'The token is neither an ID token nor an access token.';
  }
  if (use === 'access' && takesAccessTokens(expected)) {
    if (claims['client_id'] !== expected.audience) return 'Invalid audience';
  } else if (aud !== expected.audience && !(Array.isArray(aud) && aud.includes(expected.audience))) {
    return 'Invalid audience';
  }
  return iss === expected.issuer ? undefined : 'Invalid issuer';
}

function subjectFault({ sub, jti }: Claims): string | undefined {
  if (sub === undefined || sub === '') return 'Subject claim (sub) is missing.';
  if (typeof sub !== 'string') return 'Subject must be a string.';
  return jti !== undefined && typeof jti !== 'string' ? 'JWT ID must be a string.' : undefined;
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function readPart(base64url: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64url, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Claims)
      : undefined;
  } catch {
    return undefined;
  }
}
