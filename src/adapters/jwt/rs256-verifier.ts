import type { KeyObject } from 'node:crypto';
import { verifyJwtSync } from 'aws-jwt-verify/jwt-verifier';
import type { Jwk } from 'aws-jwt-verify/jwk';
import type { JwtPayload } from 'aws-jwt-verify/jwt-model';
import { SignalingError } from '../../protocol/errors.js';
import type { Proof } from '../../protocol/records.js';
import type { Telemetry } from '../../ports/telemetry.js';
import type { TokenVerifier } from '../../ports/auth.js';
import { openSigningKeys, publicKeyOf, type KeySource, type SigningKeys } from './signing-keys.js';
import { claimFault, readHeader, takesAccessTokens, tokenFault, type Expectations } from './token-faults.js';

export interface Rs256Settings extends Expectations {
  readonly keys: KeySource;
  readonly telemetry?: Telemetry;
}

/**
 * Verifies RS256 tokens of one issuer: Cognito's, any other's, or our own. aws-jwt-verify judges; when it refuses,
 * `token-faults` finds the words.
 *
 * Its function and not its class `JwtVerifier`, because that keeps a key for each `iss` it reads before the signature
 * is checked, so that a stranger could fill the memory with made-up issuers; and because keys, once there, need no
 * promise. One verification takes about 40 us, most of it RSA.
 */
export class Rs256Verifier implements TokenVerifier {
  private readonly keys: SigningKeys;

  /** Throws when a PEM or JWK that it is given holds no RSA public key. */
  constructor(private readonly settings: Rs256Settings) {
    this.keys = openSigningKeys(settings.keys, settings.telemetry);
  }

  async verify(token: string): Promise<Proof> {
    const { kid } = readHeader(token);
    const jwk = this.keys.known(kid) ?? (await this.keys.fetch(kid));
    const claims = this.judge(token, jwk);
    const fault = claimFault(claims, this.settings);
    if (fault !== undefined) throw new SignalingError('INVALID_TOKEN', fault);
    return proofOf(claims);
  }

  private judge(token: string, jwk: Jwk): JwtPayload {
    const { issuer } = this.settings;
    // Access tokens name their client elsewhere: `claimFault` judges the audience of those.
    const audience = takesAccessTokens(this.settings) ? null : this.settings.audience;
    let key: KeyObject | undefined;
    try {
      key = publicKeyOf(jwk);
      const theKey = key;
      return verifyJwtSync(token, jwk, { issuer, audience }, () => theKey);
    } catch (cause) {
      throw new SignalingError('INVALID_TOKEN', tokenFault(token, key, this.settings), { cause });
    }
  }
}

function proofOf(claims: JwtPayload): Proof {
  const sub = claims.sub ?? '';
  const named = [claims['cognito:username'], claims['username']].find(
    (name) => typeof name === 'string' && name !== '',
  );
  const username = typeof named === 'string' ? named : sub;
  return { sub, username, provenUntilMs: (claims.exp ?? 0) * 1000 };
}
