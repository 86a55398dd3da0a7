/** The composition root: every part is made here, and nowhere else. */
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
import { PinoLogger } from './adapters/system/pino-logger.js';
import { PrometheusMetrics } from './adapters/system/prometheus-metrics.js';
import { SystemClock } from './adapters/system/system-clock.js';
import { SystemIds } from './adapters/system/system-ids.js';
import { ConfigError, type Config, type IdentitySource } from './config.js';
import type { Ports } from './core/context.js';
import { SignalingNode } from './core/signaling-node.js';
import { flat } from './dialects/flat/flat.js';
import { toPeerId } from './dialects/peer-key.js';
import type { IdentityProvider, TokenVerifier } from './ports/auth.js';
import type { RoomStore } from './ports/room-store.js';
import { createTally, type Clock, type Logger } from './ports/runtime.js';
import { ManagedServer } from './transport/http/managed-server.js';
import { createHttpApp } from './transport/http/server.js';
import { askForUpgrade } from './transport/ws/ask-for-upgrade.js';
import { createEncoder } from './transport/ws/encoder.js';
import { Gateway } from './transport/ws/gateway.js';
import { Liveness } from './transport/ws/liveness.js';
import { Flusher } from './transport/ws/outbox.js';

export interface App {
  /** Resolves when both ports answer. Rejects with what the operating system says, for instance EADDRINUSE. */
  listen(): Promise<void>;
  /** Tells every peer to go elsewhere, lets them, and frees everything. Idempotent. */
  close(): Promise<void>;
  /** Base URLs, once listening: `http://host:port` and `ws://host:port`. */
  readonly addresses: { readonly http: string; readonly ws: string };
  /** What was decided from the settings, a line each, for the operator. */
  readonly decisions: readonly string[];
}

/** A closing client is asked to come back after so long. */
const retryInMs = 1_000;

/** Builds the server from its settings. `overrides` puts other parts behind the ports, for tests and embedding. */
export async function createApp(config: Config, overrides: Partial<Ports> = {}): Promise<App> {
  const clock = overrides.clock ?? new SystemClock();
  const logger = overrides.logger ?? new PinoLogger({ level: config.logLevel });
  const tally = overrides.tally ?? createTally();
  const backends = await chooseBackends(config, clock, logger);
  const ports: Ports = { clock, logger, tally, ids: new SystemIds(), ...backends, ...overrides };
  const node = new SignalingNode(ports, {
    limits: {
      maxMessageBytes: config.maxMessageBytes,
      maxOutboxBytes: config.maxOutboxBytes,
      maxPeersPerRoom: config.maxPeersPerRoom,
    },
    roomTtlMs: config.roomTtlMs,
    graceMs: config.graceMs,
  });
  const metrics = new PrometheusMetrics(tally, () => node.stats());
  const liveness = new Liveness(clock, config.pingMs);
  const gateway = new Gateway(
    {
      node,
      clock,
      logger,
      tally,
      liveness,
      flusher: new Flusher(),
      encoder: createEncoder(),
      settings: { maxOutboxBytes: config.maxOutboxBytes, preJoinMs: config.preJoinMs },
    },
    { maxMessageBytes: config.maxMessageBytes, allowedOrigins: config.allowedOrigins },
    new Map([['/', flat]]),
  );
  const api = createHttpApp({
    desk: node,
    settings: {
      requireDeleteAuth: config.requireDeleteAuth,
      allowedOrigins: config.allowedOrigins,
      peerKey: (value) => toPeerId(value) ?? undefined,
    },
    logger,
    tally,
    renderMetrics: () => metrics.render(),
  });
  const httpServer = new ManagedServer(api);
  const wsServer = new ManagedServer(askForUpgrade);
  gateway.attach(httpServer.server);
  gateway.attach(wsServer.server);

  async function closeAll(): Promise<void> {
    gateway.drain();
    node.drain(retryInMs);
    await Promise.all([httpServer, wsServer].map((server) => server.close(clock, config.drainMs)));
    liveness.stop();
    backends.close();
  }
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeAll());
  return {
    async listen() {
      try {
        await httpServer.listen(config.httpPort, config.host);
        await wsServer.listen(config.wsPort, config.host);
      } catch (error) {
        // One port alone would look alive to whoever watches it.
        await close();
        throw error;
      }
    },
    close,
    get addresses() {
      return { http: `http://${httpServer.address}`, ws: `ws://${wsServer.address}` };
    },
    decisions: backends.decisions,
  };
}

interface Backends {
  readonly verifier: TokenVerifier;
  readonly identities: IdentityProvider;
  readonly store: RoomStore;
  readonly decisions: readonly string[];
  readonly close: () => void;
}

async function chooseBackends(config: Config, clock: Clock, logger: Logger): Promise<Backends> {
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

type Rooms = Pick<Backends, 'store' | 'close'> & { readonly decision: string };

function chooseRooms({ dynamo }: Config, clock: Clock, redis: RedisConnection | undefined): Rooms {
  if (dynamo !== undefined) {
    const store = new DynamoRoomStore(dynamo);
    const close = (): void => {
      store.close();
    };
    return { store, decision: `Rooms: DynamoDB table ${dynamo.table} in ${dynamo.region}.`, close };
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
