/** Settings, read once from the environment. The only file that knows `process.env`'s names. */
import type { RedisTarget } from './adapters/redis/redis-client.js';
import { schema, tracingOf, type Environment } from './config-schema.js';
import { memoryLimitBytes } from './memory-limit.js';
import { readRedisTarget } from './redis-target.js';
import { readSecretFiles } from './secret-files.js';
import { Secret } from './protocol/secret.js';

/** Where identities come from. */
export type IdentitySource =
  | {
      readonly kind: 'cognito';
      readonly region: string;
      readonly userPoolId: string;
      readonly clientId: string;
      readonly jwksUri: string | undefined;
      readonly tokenUse: 'id' | 'access' | 'both';
    }
  | {
      readonly kind: 'issuer';
      readonly issuer: string;
      readonly audience: string;
      readonly keys: { readonly pem: string } | { readonly jwksUri: string };
    }
  | { readonly kind: 'embedded'; readonly signingKeyPem: Secret | undefined };

/** All sizes in bytes, all times in milliseconds unless the name says otherwise. */
export interface Config {
  readonly host: string;
  /** 0 picks a free port. */
  readonly httpPort: number;
  readonly wsPort: number;
  readonly identities: IdentitySource;
  /** Region and table of DynamoDB; absent: rooms live in this process. */
  readonly dynamo:
    | {
        readonly region: string;
        readonly table: string;
        readonly usersTable: string;
        readonly chatTable: string;
      }
    | undefined;
  /** Where rooms and the embedded signing key live when there is no DynamoDB; absent: in this process. */
  readonly redis: RedisTarget | undefined;
  /** The name of this node in logs and in Redis; each start adds something of its own. */
  readonly nodeId: string;
  readonly roomTtlMs: number;
  readonly graceMs: number;
  readonly preJoinMs: number;
  readonly pingMs: number;
  readonly drainMs: number;
  readonly maxMessageBytes: number;
  readonly maxOutboxBytes: number;
  /** For all connections together: what was not read, and what was not said to its end. */
  readonly maxWaitingBytes: number;
  readonly maxPeersPerRoom: number;
  /** TCP connections of one port of this process; 0: no limit. */
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  /** By address, a minute. */
  readonly upgradesPerMinute: number;
  /** An HTTP connection without a request is kept so long: longer than a load balancer in front keeps it. */
  readonly keepAliveMs: number;
  /** Sustained, a second; ten times as many at once. */
  readonly messagesPerSecond: number;
  readonly userMessagesPerSecond: number;
  /** By address, a minute. */
  readonly signInsPerMinute: number;
  readonly roomsPerMinute: number;
  readonly iceRequestsPerMinute: number;
  readonly badTokensPerMinute: number;
  /** Sustained, a second; ten times as many at once. */
  readonly chatsPerSecond: number;
  readonly maxChatChars: number;
  /** How long the archive keeps a message. */
  readonly chatTtlS: number;
  readonly chatFlushMs: number;
  readonly chatMaxWaiting: number;
  /** Other services, each without a slash at its end. */
  readonly chatServiceUrl: string | undefined;
  readonly roomServiceUrl: string | undefined;
  readonly mediaServiceUrls: readonly string[];
  /** 0: records of rooms are not kept in Redis's cache. */
  readonly roomCacheS: number;
  readonly sfuAbovePeers: number;
  readonly kickBanMs: number;
  readonly closeAtExpiry: boolean;
  readonly allowQueryToken: boolean;
  /** Who proves nothing may use open rooms. */
  readonly allowAnonymous: boolean;
  readonly trustedProxies: readonly string[];
  readonly stunUrls: readonly string[];
  readonly turnUrls: readonly string[];
  readonly turnSharedSecret: Secret | undefined;
  readonly turnTtlS: number;
  readonly iceTransportPolicy: 'all' | 'relay';
  readonly internalServiceKey: Secret | undefined;
  /** Shown as a Bearer token it opens what is the operator's: metrics, the dashboard. */
  readonly adminToken: Secret | undefined;
  /** Who needs no token for that: addresses and networks. */
  readonly operatorNetworks: readonly string[];
  /** `stdout`, `none`, or a file's path. */
  readonly auditLog: string;
  /** Where spans go (OTLP over HTTP); absent: nothing is traced. */
  readonly tracing: ReturnType<typeof tracingOf>;
  /** The demo page is served. */
  readonly serveDemo: boolean;
  readonly allowedOrigins: readonly string[];
  readonly requireDeleteAuth: boolean;
  readonly logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug';
}

/** What is wrong with the environment, all of it at once, a line each. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`The settings are not usable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** What may come in files. */
const secretNames = [
  'TURN_SHARED_SECRET',
  'INTERNAL_SERVICE_KEY',
  'ADMIN_TOKEN',
  'LOCAL_SIGNING_KEY',
  'REDIS_URL',
] as const;

/** Reads the settings. Throws `ConfigError`. */
export function loadConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const { variables, problems } = readSecretFiles(environment, secretNames);
  const parsed = schema.safeParse(variables);
  if (!parsed.success || problems.length > 0) {
    const issues = parsed.error?.issues ?? [];
    throw new ConfigError([
      ...problems,
      ...issues.map(({ path, message }) => `${path.join('.')} ${message}`),
    ]);
  }
  const env = parsed.data;
  const identities = identitySource(env);
  return {
    host: env.HOST,
    httpPort: env.HTTP_PORT,
    wsPort: env.WS_PORT,
    identities,
    dynamo:
      env.COGNITO_REGION === undefined
        ? undefined
        : {
            region: env.COGNITO_REGION,
            table: env.ROOMS_TABLE,
            usersTable: env.USERS_TABLE,
            chatTable: env.CHAT_TABLE,
          },
    redis: readRedisTarget(env).target,
    nodeId: env.NODE_ID,
    roomTtlMs: env.ROOM_TTL_S * 1000,
    graceMs: env.GRACE_MS,
    preJoinMs: env.PRE_JOIN_MS,
    pingMs: env.PING_MS,
    drainMs: env.DRAIN_MS,
    maxMessageBytes: env.MAX_MESSAGE_BYTES,
    maxOutboxBytes: env.MAX_OUTBOX_BYTES,
    maxWaitingBytes: env.MAX_WAITING_BYTES ?? Math.floor(memoryLimitBytes() / 4),
    maxPeersPerRoom: env.MAX_PEERS_PER_ROOM,
    maxConnections: env.MAX_CONNECTIONS ?? Math.min(mostConnections, connectionsThatFit()),
    maxConnectionsPerIp: env.MAX_CONNECTIONS_PER_IP,
    upgradesPerMinute: env.RATE_UPGRADES_PER_IP,
    keepAliveMs: env.KEEP_ALIVE_MS,
    messagesPerSecond: env.RATE_MESSAGES_PER_SESSION,
    userMessagesPerSecond: env.RATE_MESSAGES_PER_USER,
    signInsPerMinute: env.RATE_SIGNINS_PER_IP,
    roomsPerMinute: env.RATE_ROOMS_PER_IP,
    iceRequestsPerMinute: env.RATE_ICE_PER_IP,
    badTokensPerMinute: env.RATE_BAD_TOKENS_PER_IP,
    chatsPerSecond: env.RATE_CHATS_PER_SESSION,
    maxChatChars: env.MAX_CHAT_CHARS,
    chatTtlS: env.CHAT_TTL_S,
    chatFlushMs: env.CHAT_FLUSH_MS,
    chatMaxWaiting: env.CHAT_MAX_WAITING,
    chatServiceUrl: env.CHAT_SERVICE_URL,
    roomServiceUrl: env.ROOM_SERVICE_URL,
    mediaServiceUrls: env.MEDIA_SERVICE_URL,
    roomCacheS: env.ROOM_CACHE_S,
    sfuAbovePeers: env.SFU_ABOVE_PEERS,
    kickBanMs: env.KICK_BAN_S * 1000,
    closeAtExpiry: env.CLOSE_AT_EXPIRY,
    allowQueryToken: env.ALLOW_QUERY_TOKEN,
    // Embedded identities prove nothing either: anybody may sign in.
    allowAnonymous: env.ALLOW_ANONYMOUS_GATEWAY ?? identities.kind === 'embedded',
    trustedProxies: env.TRUSTED_PROXIES,
    stunUrls: env.STUN_URLS,
    turnUrls: env.TURN_URLS,
    turnSharedSecret: env.TURN_SHARED_SECRET,
    turnTtlS: env.TURN_TTL_S,
    iceTransportPolicy: env.ICE_TRANSPORT_POLICY,
    internalServiceKey: env.INTERNAL_SERVICE_KEY,
    adminToken: env.ADMIN_TOKEN,
    // A proxy on this machine makes everybody come from loopback: who has set a token wants it asked for.
    operatorNetworks: env.OPERATOR_NETWORKS ?? (env.ADMIN_TOKEN === undefined ? ['loopback'] : []),
    auditLog: env.AUDIT_LOG,
    tracing: tracingOf(env),
    serveDemo: env.SERVE_DEMO ?? identities.kind === 'embedded',
    allowedOrigins: env.ALLOWED_ORIGINS,
    requireDeleteAuth: env.REQUIRE_DELETE_AUTH,
    logLevel: env.LOG_LEVEL,
  };
}

/** Of a port, where there is memory for more. */
const mostConnections = 20_000;

/** Of a port. There are two, a connection on which nothing is said takes 10 KB, and sessions have to fit beside them. */
function connectionsThatFit(): number {
  return Math.floor(memoryLimitBytes() / 65_536);
}

function identitySource(env: Environment): IdentitySource {
  const { COGNITO_REGION: region, COGNITO_USER_POOL_ID: userPoolId, COGNITO_APP_CLIENT_ID: clientId } = env;
  if (region !== undefined && userPoolId !== undefined && clientId !== undefined) {
    return {
      kind: 'cognito',
      region,
      userPoolId,
      clientId,
      jwksUri: env.COGNITO_JWKS_URI,
      tokenUse: env.COGNITO_TOKEN_USE,
    };
  }
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_PUBLIC_KEY: pem, JWT_JWKS_URI: jwksUri } = env;
  if (issuer !== undefined && audience !== undefined) {
    if (pem !== undefined) return { kind: 'issuer', issuer, audience, keys: { pem } };
    if (jwksUri !== undefined) return { kind: 'issuer', issuer, audience, keys: { jwksUri } };
  }
  return { kind: 'embedded', signingKeyPem: secretOf(env.LOCAL_SIGNING_KEY) };
}

function secretOf(value: string | undefined): Secret | undefined {
  return value === undefined ? undefined : new Secret(value);
}
