/** The composition root: every part is made here, and nowhere else. */
import { CognitoIdentityProvider } from './adapters/cognito/cognito-identity-provider.js';
import { DynamoRoomStore } from './adapters/dynamodb/dynamo-room-store.js';
import { cognitoIssuer } from './adapters/jwt/cognito-issuer.js';
import { ExternalUsers } from './adapters/jwt/external-users.js';
import { Rs256Verifier } from './adapters/jwt/rs256-verifier.js';
import { LocalIdentityProvider } from './adapters/local-identity/local-identity-provider.js';
import { MemoryRoomStore } from './adapters/memory/memory-room-store.js';
import { PinoLogger } from './adapters/system/pino-logger.js';
import { PrometheusMetrics } from './adapters/system/prometheus-metrics.js';
import { SystemClock } from './adapters/system/system-clock.js';
import { SystemIds } from './adapters/system/system-ids.js';
import type { Config, IdentitySource } from './config.js';
import type { Ports } from './core/context.js';
import { SignalingNode } from './core/signaling-node.js';
import { flat } from './dialects/flat/flat.js';
import { toPeerId } from './dialects/peer-key.js';
import type { IdentityProvider, TokenVerifier } from './ports/auth.js';
import type { RoomStore } from './ports/room-store.js';
import { createTally, type Clock } from './ports/runtime.js';
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
  const backends = await chooseBackends(config, clock);
  const ports: Ports = { clock, logger, tally, ids: new SystemIds(), ...backends, ...overrides };
  const node = new SignalingNode(ports, {
    limits: {
      maxMessageBytes: config.maxMessageBytes,
      maxOutboxBytes: config.maxOutboxBytes,
      maxPeersPerRoom: config.maxPeersPerRoom,
    },
    roomTtlMs: config.roomTtlMs,
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

async function chooseBackends(config: Config, clock: Clock): Promise<Backends> {
  const users = await chooseIdentities(config.identities, clock);
  const { dynamo } = config;
  if (dynamo === undefined) {
    const decision = 'Rooms: in this process only; they are gone when it stops.';
    return { ...users, store: new MemoryRoomStore(clock), decisions: [users.decision, decision] };
  }
  const store = new DynamoRoomStore(dynamo);
  return {
    ...users,
    store,
    decisions: [users.decision, `Rooms: DynamoDB table ${dynamo.table} in ${dynamo.region}.`],
    close: () => {
      users.close();
      store.close();
    },
  };
}

type Users = Pick<Backends, 'verifier' | 'identities' | 'close'> & { readonly decision: string };

async function chooseIdentities(source: IdentitySource, clock: Clock): Promise<Users> {
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
      const { signingKeyPem } = source;
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
      const key = signingKeyPem === undefined ? 'a key made at start' : 'LOCAL_SIGNING_KEY';
      return {
        verifier,
        identities,
        decision: `Identities: embedded, signed with ${key}.`,
        close: nothingToClose,
      };
    }
  }
}

function nothingToClose(): void {
  // These identities hold no connection.
}
