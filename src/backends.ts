/** What lies behind the ports: chosen from the settings, here and nowhere else. */
import { CognitoIdentityProvider } from './adapters/cognito/cognito-identity-provider.js';
import { DynamoRoomStore } from './adapters/dynamodb/dynamo-room-store.js';
import { cognitoIssuer } from './adapters/jwt/cognito-issuer.js';
import { ExternalUsers } from './adapters/jwt/external-users.js';
import { Rs256Verifier } from './adapters/jwt/rs256-verifier.js';
import { LocalIdentityProvider } from './adapters/local-identity/local-identity-provider.js';
import { MemoryRoomStore } from './adapters/memory/memory-room-store.js';
import { RedisConnection } from './adapters/redis/redis-connection.js';
import { RedisRoomStore } from './adapters/redis/redis-room-store.js';
import { RedisSigningKey } from './adapters/redis/redis-signing-key.js';
import { ConfigError, type Config, type IdentitySource } from './config.js';
import type { IdentityProvider, TokenVerifier } from './ports/auth.js';
import type { RoomStore } from './ports/room-store.js';
import type { Clock, Logger } from './ports/runtime.js';

/** What was chosen for the ports that lead out of this process. */
export interface Backends {
  readonly verifier: TokenVerifier;
  readonly identities: IdentityProvider;
  readonly store: RoomStore;
  readonly decisions: readonly string[];
  readonly close: () => void;
}

/** What is configured decides what is used; `decisions` says what was decided, a line each. */
export async function chooseBackends(config: Config, clock: Clock, logger: Logger): Promise<Backends> {
  const redis = await connectRedis(config, logger);
  try {
    const users = await chooseIdentities(config.identities, clock, redis && { redis, logger });
    const rooms = chooseRooms(config, clock, redis);
    return {
      ...users,
      store: rooms.store,
      decisions: [users.decision, rooms.decision],
      close: () => {
        users.close();
        rooms.close();
        redis?.close();
      },
    };
  } catch (error) {
    // An open connection would keep the process alive.
    redis?.close();
    throw error;
  }
}

/** Only where something is kept in it: a Redis that is down must not keep a server from starting that does not need it. */
async function connectRedis({ redis, dynamo }: Config, logger: Logger): Promise<RedisConnection | undefined> {
  if (redis === undefined || dynamo !== undefined) return undefined;
  const connection = new RedisConnection(redis, logger);
  try {
    await connection.start();
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : String(error)]);
  }
  return connection;
}

type Rooms = Pick<Backends, 'store' | 'close'> & { readonly decision: string };

function chooseRooms(config: Config, clock: Clock, redis: RedisConnection | undefined): Rooms {
  const { dynamo } = config;
  if (dynamo !== undefined) {
    const store = new DynamoRoomStore(dynamo);
    const close = (): void => {
      store.close();
    };
    const unused = config.redis === undefined ? '' : ' Redis is configured, and not needed.';
    return { store, decision: `Rooms: DynamoDB table ${dynamo.table} in ${dynamo.region}.${unused}`, close };
  }
  if (redis !== undefined) {
    return { store: new RedisRoomStore(redis), decision: `Rooms: ${redis.name}.`, close: nothingToClose };
  }
  const decision = 'Rooms: in this process only; they are gone when it stops.';
  return { store: new MemoryRoomStore(clock), decision, close: nothingToClose };
}

type Users = Pick<Backends, 'verifier' | 'identities' | 'close'> & { readonly decision: string };

/** `shared` is where nodes without `LOCAL_SIGNING_KEY` share the key of the embedded identities. */
async function chooseIdentities(
  source: IdentitySource,
  clock: Clock,
  shared: { readonly redis: RedisConnection; readonly logger: Logger } | undefined,
): Promise<Users> {
  switch (source.kind) {
    case 'cognito': {
      const { region, userPoolId, clientId, jwksUri } = source;
      const identities = new CognitoIdentityProvider({ region, userPoolId, clientId });
      const pool = { region, userPoolId, clientId, ...(jwksUri === undefined ? {} : { jwksUri }) };
      return {
        verifier: new Rs256Verifier(cognitoIssuer(pool)),
        identities,
        decision: `Identities: Cognito user pool ${userPoolId} in ${region}.`,
        close: () => {
          identities.close();
        },
      };
    }
    case 'issuer':
      return {
        verifier: new Rs256Verifier(source),
        identities: new ExternalUsers(source.issuer),
        decision: `Identities: RS256 tokens of ${source.issuer}.`,
        close: nothingToClose,
      };
    case 'embedded': {
      const { pem: signingKeyPem, origin } = await chooseSigningKey(source.signingKeyPem, shared);
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

function nothingToClose(): void {
  // It holds no connection of its own.
}
