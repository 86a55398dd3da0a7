import type { Rs256Settings } from './rs256-verifier.js';
import type { TokenUse } from './token-faults.js';

export interface CognitoPool {
  readonly region: string;
  readonly userPoolId: string;
  readonly clientId: string;
  /** ID tokens unless the operator says otherwise. */
  readonly tokenUse?: TokenUse;
  /** Where an emulator serves the pool's keys. */
  readonly jwksUri?: string;
}

/**
 * Emulators that serve all of AWS on one port find the service by the scope of a signed request, and need one even for
 * the keys (moto does). There is nothing secret in it. Cognito itself is not sent one: it does not ask.
 */
const EMULATOR_HEADERS = {
  authorization: 'AWS4-HMAC-SHA256 Credential=none/20000101/us-east-1/cognito-idp/aws4_request',
};

/** What `Rs256Verifier` needs to accept the ID tokens, and only those, that a user pool made for one app client. */
export function cognitoIssuer({
  region,
  userPoolId,
  clientId,
  jwksUri,
  tokenUse = 'id',
}: CognitoPool): Rs256Settings {
  const issuer = `https://cognito-idp.${region}.amazonaws.com/${userPoolId}`;
  return {
    issuer,
    audience: clientId,
    tokenUse,
    keys:
      jwksUri === undefined
        ? { jwksUri: `${issuer}/.well-known/jwks.json` }
        : { jwksUri, headers: EMULATOR_HEADERS },
  };
}
