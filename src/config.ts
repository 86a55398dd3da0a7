/** Settings, read once from the environment. The only file that knows `process.env`'s names. */
import type { RedisTarget } from './adapters/redis/redis-client.js';
import { schema, type Environment } from './config-schema.js';
import { readRedisTarget } from './redis-target.js';

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
  | { readonly kind: 'embedded'; readonly signingKeyPem: string | undefined };

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
  readonly maxPeersPerRoom: number;
  readonly maxConnectionsPerIp: number;
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
  readonly turnSharedSecret: string | undefined;
  readonly turnTtlS: number;
  readonly iceTransportPolicy: 'all' | 'relay';
  readonly internalServiceKey: string | undefined;
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

/** Reads the settings. Throws `ConfigError`. */
export function loadConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`));
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
    maxPeersPerRoom: env.MAX_PEERS_PER_ROOM,
    maxConnectionsPerIp: env.MAX_CONNECTIONS_PER_IP,
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
    allowedOrigins: env.ALLOWED_ORIGINS,
    requireDeleteAuth: env.REQUIRE_DELETE_AUTH,
    logLevel: env.LOG_LEVEL,
  };
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
  return { kind: 'embedded', signingKeyPem: env.LOCAL_SIGNING_KEY };
}
