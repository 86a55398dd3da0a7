/** Who people are. */
import { CognitoIdentityProvider } from '../adapters/cognito/cognito-identity-provider.js';
import { cognitoIssuer } from '../adapters/jwt/cognito-issuer.js';
import { ExternalUsers } from '../adapters/jwt/external-users.js';
import { Rs256Verifier } from '../adapters/jwt/rs256-verifier.js';
import { LocalIdentityProvider } from '../adapters/local-identity/local-identity-provider.js';
import type { RedisConnection } from '../adapters/redis/redis-connection.js';
import { RedisSigningKey } from '../adapters/redis/redis-signing-key.js';
import type { IdentitySource } from '../config.js';
import type { IdentityProvider, TokenVerifier } from '../ports/auth.js';
import type { Logger } from '../ports/runtime.js';
import { nothingToClose, type Surroundings } from './surroundings.js';

interface Users {
  readonly verifier: TokenVerifier;
  readonly identities: IdentityProvider;
  readonly decision: string;
  readonly close: () => void;
}

/** `shared` is where nodes without `LOCAL_SIGNING_KEY` share the key of the embedded identities. */
export async function chooseIdentities(
  source: IdentitySource,
  { clock, telemetry }: Surroundings,
  shared: { readonly redis: RedisConnection; readonly logger: Logger } | undefined,
): Promise<Users> {
  switch (source.kind) {
    case 'cognito': {
      const { region, userPoolId, clientId, jwksUri, tokenUse } = source;
      const identities = new CognitoIdentityProvider({ region, userPoolId, clientId, telemetry });
      const pool = { region, userPoolId, clientId, tokenUse, ...(jwksUri === undefined ? {} : { jwksUri }) };
      return {
        verifier: new Rs256Verifier({ ...cognitoIssuer(pool), telemetry }),
        identities,
        decision: `Identities: Cognito user pool ${userPoolId} in ${region}.`,
        close: () => {
          identities.close();
        },
      };
    }
    case 'issuer':
      return {
        verifier: new Rs256Verifier({ ...source, telemetry }),
        identities: new ExternalUsers(source.issuer),
        decision: `Identities: RS256 tokens of ${source.issuer}.`,
        close: nothingToClose,
      };
    case 'embedded': {
      const { pem: signingKeyPem, origin } = await chooseSigningKey(source.signingKeyPem?.reveal(), shared);
      const identities = await LocalIdentityProvider.create({
        clock,
        ...(signingKeyPem === undefined ? {} : { signingKeyPem }),
      });
      const { issuer, audience, publicJwk } = identities;
      const verifier = new Rs256Verifier({
        issuer,
        audience,
        tokenUse: 'id',
        keys: { jwk: { ...publicJwk } },
      });
      return {
        verifier,
        identities,
        decision: `Identities: embedded, signed with ${origin}.`,
        close: nothingToClose,
      };
    }
  }
}

async function chooseSigningKey(
  pem: string | undefined,
  shared: { readonly redis: RedisConnection; readonly logger: Logger } | undefined,
): Promise<{ readonly pem: string | undefined; readonly origin: string }> {
  if (pem !== undefined) return { pem, origin: 'LOCAL_SIGNING_KEY' };
  if (shared === undefined) return { pem, origin: 'a key made at start' };
  const key = await RedisSigningKey.open(shared.redis, shared.logger);
  return { pem: key.pem, origin: 'the key that all nodes share in Redis' };
}
