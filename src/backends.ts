/** What lies behind the ports: chosen from the settings, here and nowhere else. */
import { CognitoIdentityProvider } from './adapters/cognito/cognito-identity-provider.js';
import { DynamoRoomStore } from './adapters/dynamodb/dynamo-room-store.js';
import { cognitoIssuer } from './adapters/jwt/cognito-issuer.js';
import { ExternalUsers } from './adapters/jwt/external-users.js';
import { Rs256Verifier } from './adapters/jwt/rs256-verifier.js';
import { LocalIdentityProvider } from './adapters/local-identity/local-identity-provider.js';
import { DynamoUserStore } from './adapters/dynamodb/dynamo-user-store.js';
import { MemoryRateLimiter } from './adapters/memory/memory-rate-limiter.js';
import { MemoryUserStore } from './adapters/memory/memory-user-store.js';
import { RedisRateLimiter } from './adapters/redis/redis-rate-limiter.js';
import { RedisUserStore } from './adapters/redis/redis-user-store.js';
import { TurnIceServers } from './adapters/turn/turn-ice-servers.js';
import { MemoryCluster } from './adapters/memory/memory-cluster.js';
import { MemoryRoomStore } from './adapters/memory/memory-room-store.js';
import { RedisConnection } from './adapters/redis/redis-connection.js';
import { RedisBus } from './adapters/redis/redis-bus.js';
import { RedisPresence } from './adapters/redis/redis-presence.js';
import { RedisRoomStore } from './adapters/redis/redis-room-store.js';
import { RedisSigningKey } from './adapters/redis/redis-signing-key.js';
import { RedisSubscriber } from './adapters/redis/redis-subscriber.js';
import { ConfigError, type Config, type IdentitySource } from './config.js';
import type { IdentityProvider, TokenVerifier } from './ports/auth.js';
import type { Bus } from './ports/bus.js';
import type { Presence } from './ports/presence.js';
import type { IceServerSource } from './ports/ice-servers.js';
import type { RateLimiter } from './ports/rate-limiter.js';
import type { UserStore } from './ports/user-store.js';
import type { RoomStore } from './ports/room-store.js';
import type { Clock, IdSource, Logger } from './ports/runtime.js';
import { asNodeId } from './protocol/ids.js';

/** What was chosen for the ports that lead out of this process. */
export interface Backends {
  readonly verifier: TokenVerifier;
  readonly identities: IdentityProvider;
  readonly store: RoomStore;
  readonly presence: Presence;
  readonly bus: Bus;
  readonly users: UserStore;
  readonly ice: IceServerSource;
  readonly limiter: RateLimiter;
  readonly decisions: readonly string[];
  readonly close: () => void;
}

interface Surroundings {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
}

/** What is configured decides what is used; `decisions` says what was decided, a line each. */
export async function chooseBackends(config: Config, surroundings: Surroundings): Promise<Backends> {
  const { clock, logger } = surroundings;
  const redis = await connectRedis(config, logger);
  try {
    const users = await chooseIdentities(config.identities, clock, redis && { redis, logger });
    const rooms = chooseRooms(config, clock, redis);
    const nodes = chooseNodes(config, surroundings, redis);
    return {
      ...users,
      store: rooms.store,
      users: rooms.users,
      presence: nodes.presence,
      bus: nodes.bus,
      limiter: nodes.limiter,
      ice: chooseIce(config, clock),
      decisions: [users.decision, rooms.decision, nodes.decision, iceDecision(config)],
      close: () => {
        users.close();
        rooms.close();
        nodes.close();
        redis?.close();
      },
    };
  } catch (error) {
    // An open connection would keep the process alive.
    redis?.close();
    throw error;
  }
}

async function connectRedis({ redis }: Config, logger: Logger): Promise<RedisConnection | undefined> {
  if (redis === undefined) return undefined;
  const connection = new RedisConnection(redis, logger);
  try {
    await connection.start();
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : String(error)]);
  }
  return connection;
}

type Nodes = Pick<Backends, 'presence' | 'bus' | 'limiter' | 'close'> & { readonly decision: string };

function chooseNodes(
  { redis: target, nodeId: name, graceMs }: Config,
  { clock, ids, logger }: Surroundings,
  redis: RedisConnection | undefined,
): Nodes {
  // New with each start: what a node has left behind must not be taken for its successor's.
  const nodeId = asNodeId(`${name}-${ids.hex(8)}`);
  if (target === undefined || redis === undefined) {
    const cluster = new MemoryCluster(clock);
    const decision = 'Nodes: this one alone.';
    return {
      presence: cluster.presence(nodeId),
      bus: cluster.bus(nodeId),
      limiter: new MemoryRateLimiter(clock),
      decision,
      close: nothingToClose,
    };
  }
  const subscriber = new RedisSubscriber(target, redis);
  const limiter = new RedisRateLimiter({
    redis,
    nodeId,
    clock,
    logger,
    local: new MemoryRateLimiter(clock),
  });
  return {
    presence: new RedisPresence({ redis, subscriber, nodeId, logger, graceMs }),
    bus: new RedisBus({ redis, subscriber, nodeId }),
    limiter,
    decision: `Nodes: this one is ${nodeId}, among all that share ${redis.name}.`,
    close: () => {
      limiter.close();
      subscriber.close();
    },
  };
}

type Rooms = Pick<Backends, 'store' | 'users' | 'close'> & { readonly decision: string };

function chooseRooms(config: Config, clock: Clock, redis: RedisConnection | undefined): Rooms {
  const { dynamo } = config;
  if (dynamo !== undefined) {
    const store = new DynamoRoomStore(dynamo);
    const users = new DynamoUserStore({ ...dynamo, table: dynamo.usersTable });
    const close = (): void => {
      store.close();
      users.close();
    };
    return { store, users, decision: `Rooms: DynamoDB table ${dynamo.table} in ${dynamo.region}.`, close };
  }
  if (redis !== undefined) {
    const [store, users] = [new RedisRoomStore(redis), new RedisUserStore(redis)];
    return { store, users, decision: `Rooms: ${redis.name}.`, close: nothingToClose };
  }
  const decision = 'Rooms: in this process only; they are gone when it stops.';
  return {
    store: new MemoryRoomStore(clock),
    users: new MemoryUserStore(),
    decision,
    close: nothingToClose,
  };
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
      const { region, userPoolId, clientId, jwksUri, tokenUse } = source;
      const identities = new CognitoIdentityProvider({ region, userPoolId, clientId });
      const pool = { region, userPoolId, clientId, tokenUse, ...(jwksUri === undefined ? {} : { jwksUri }) };
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

function chooseIce(config: Config, clock: Clock): IceServerSource {
  const { stunUrls, turnUrls, turnSharedSecret: sharedSecret, turnTtlS: ttlS, iceTransportPolicy } = config;
  const settings = { stunUrls, turnUrls, sharedSecret, ttlS, transportPolicy: iceTransportPolicy };
  return new TurnIceServers(settings, clock);
}

function iceDecision({ stunUrls, turnUrls }: Config): string {
  if (stunUrls.length + turnUrls.length === 0)
    return 'ICE: no servers; peers find each other on one network only.';
  return `ICE: ${stunUrls.length} STUN, ${turnUrls.length} TURN.`;
}

function nothingToClose(): void {
  // It holds no connection of its own.
}
