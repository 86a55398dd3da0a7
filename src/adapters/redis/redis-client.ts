import { Cluster, Redis, type CommonRedisOptions } from 'ioredis';
import type { Secret } from '../../protocol/secret.js';

/** An address. */
export interface RedisServer {
  readonly host: string;
  readonly port: number;
}

export interface RedisLogin {
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  readonly tls: boolean;
}

/** Which Redis. `login` is for the servers that hold data, `sentinelLogin` for the Sentinels. */
export type RedisTarget =
  | {
      readonly kind: 'standalone';
      readonly server: RedisServer;
      readonly login: RedisLogin;
      readonly db: number;
    }
  | { readonly kind: 'cluster'; readonly servers: readonly RedisServer[]; readonly login: RedisLogin }
  | {
      readonly kind: 'sentinel';
      readonly sentinels: readonly RedisServer[];
      readonly sentinelLogin: RedisLogin;
      readonly name: string;
      readonly login: RedisLogin;
      readonly db: number;
    };

export type RedisClient = Redis | Cluster;

/** Bound of one attempt of a command, handshake included. */
const COMMAND_TIMEOUT_MS = 1000;
const CONNECT_TIMEOUT_MS = 1000;
/** How long a connection that we end may take to end by itself. */
const DISCONNECT_TIMEOUT_MS = 100;

/** [R3] Under 100 ms always: a short outage must not become a long one. Spread, so that nodes do not come in step. */
function retryDelayMs(): number {
  return 20 + Math.floor(Math.random() * 60);
}

const common = {
  commandTimeout: COMMAND_TIMEOUT_MS,
  connectTimeout: CONNECT_TIMEOUT_MS,
  disconnectTimeout: DISCONNECT_TIMEOUT_MS,
  /** What was sent when the connection broke fails at once; who may repeat it is for `RedisConnection` to say. */
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  /** A server that still loads its data is asked again this soon at the latest, not in 10 s. */
  maxLoadingRetryTime: 100,
  /** Naming itself would leave ioredis 5 a moment in which a lost connection is taken for a good one (its issue 2099). */
  disableClientInfo: true,
  /** After a failover the old master lives on as a replica: leave it. */
  reconnectOnError: (error: Error): boolean => error.message.startsWith('READONLY'),
} satisfies CommonRedisOptions & { disconnectTimeout: number };

// Nothing waits inside ioredis: what its caller was told has failed must not be carried out later.
const alone = { ...common, enableOfflineQueue: false, retryStrategy: retryDelayMs };

/** Makes the client, which starts to connect at once and never stops trying. */
export function createRedisClient(target: RedisTarget): RedisClient {
  return target.kind === 'cluster' ? createCluster(target) : createRedis(target);
}

/** The same for a connection that only listens; in a cluster it leads to `node`. */
export function createListener(target: RedisTarget, node: RedisServer): Redis {
  // Who subscribes must hear whether it worked: ioredis would subscribe anew, but tell nobody.
  const options = { autoResubscribe: false };
  return target.kind === 'cluster'
    ? createRedis({ kind: 'standalone', server: node, login: target.login, db: 0 }, options)
    : createRedis(target, options);
}

function createCluster({ servers, login }: Extract<RedisTarget, { kind: 'cluster' }>): Cluster {
  return new Cluster(servers.map(endpoint), {
    clusterRetryStrategy: retryDelayMs,
    enableOfflineQueue: false,
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: 50,
    retryDelayOnTryAgain: 50,
    slotsRefreshTimeout: COMMAND_TIMEOUT_MS,
    redisOptions: { ...common, ...credentials(login) },
    // A certificate names the host and not its address.
    ...(login.tls ? { dnsLookup: asWritten } : {}),
  });
}

function createRedis(
  target: Exclude<RedisTarget, { kind: 'cluster' }>,
  options: CommonRedisOptions = {},
): Redis {
  const given = { ...alone, ...options, ...credentials(target.login), db: target.db };
  switch (target.kind) {
    case 'standalone':
      return new Redis({ ...given, ...endpoint(target.server) });
    case 'sentinel': {
      const { username, password, tls } = target.sentinelLogin;
      return new Redis({
        ...given,
        enableTLSForSentinelMode: target.login.tls,
        name: target.name,
        sentinels: target.sentinels.map(endpoint),
        ...(username === undefined ? {} : { sentinelUsername: username }),
        ...(password === undefined ? {} : { sentinelPassword: password.reveal() }),
        ...(tls ? { sentinelTLS: {} } : {}),
        sentinelRetryStrategy: retryDelayMs,
        sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
      });
    }
  }
}

/** For start-up lines and logs: hosts and ports, never a login. */
export function describeRedisTarget(target: RedisTarget): string {
  switch (target.kind) {
    case 'standalone':
      return `Redis at ${spell(target.server)}`;
    case 'cluster':
      return `Redis Cluster at ${target.servers.map(spell).join(', ')}`;
    case 'sentinel':
      return `Redis ${target.name} by Sentinels at ${target.sentinels.map(spell).join(', ')}`;
  }
}

function spell({ host, port }: RedisServer): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function endpoint({ host, port }: RedisServer): RedisServer {
  return { host, port };
}

function credentials({ username, password, tls }: RedisLogin): CommonRedisOptions & { tls?: object } {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: password.reveal() }),
    ...(tls ? { tls: {} } : {}),
  };
}

function asWritten(host: string, done: (error: null, host: string) => void): void {
  done(null, host);
}
