/** What the environment may say, and what of it goes together. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { z } from 'zod';
import {
  asSecret,
  flag,
  httpAddress,
  list,
  maxTimerMs,
  milliseconds,
  optional,
  origin,
  pem,
  port,
  resourceAttributes,
  sharedKey,
  stunAddresses,
  turnAddresses,
  whole,
} from './config-fields.js';
import { readRedisTarget } from './redis-target.js';
import { parseTrustedProxies } from './transport/client-address.js';

const fields = z.object({
  HOST: z.string().min(1).default('0.0.0.0'),
  HTTP_PORT: port.default(8001),
  WS_PORT: port.default(8080),
  COGNITO_REGION: optional,
  COGNITO_USER_POOL_ID: optional,
  COGNITO_APP_CLIENT_ID: optional,
  COGNITO_JWKS_URI: z.url().optional(),
  COGNITO_TOKEN_USE: z.enum(['id', 'access', 'both']).default('id'),
  JWT_PUBLIC_KEY: pem(createPublicKey, 'an RSA public key'),
  JWT_JWKS_URI: z.url().optional(),
  JWT_ISSUER: optional,
  JWT_AUDIENCE: optional,
  LOCAL_SIGNING_KEY: pem(createPrivateKey, 'an RSA private key'),
  ROOMS_TABLE: z.string().min(3).default('rooms'),
  USERS_TABLE: z.string().min(3).default('users'),
  CHAT_TABLE: z.string().min(3).default('chat_messages'),
  CHAT_TTL_S: whole(3_600, 315_360_000).default(2_592_000),
  CHAT_FLUSH_MS: whole(50, 60_000).default(1_000),
  CHAT_MAX_WAITING: whole(100, 1_000_000).default(10_000),
  CHAT_SERVICE_URL: httpAddress.optional(),
  ROOM_SERVICE_URL: httpAddress.optional(),
  ROOM_CACHE_S: whole(0, 86_400).default(3_600),
  MEDIA_SERVICE_URL: list.pipe(z.array(httpAddress)).default([]),
  SFU_ABOVE_PEERS: whole(0, 10_000).default(4),
  REDIS_URL: optional,
  REDIS_CLUSTER_NODES: optional,
  REDIS_SENTINELS: optional,
  REDIS_SENTINEL_NAME: optional,
  NODE_ID: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, hyphens or underscores')
    .default('node'),
  ROOM_TTL_S: whole(1, 315_360_000).default(7_200),
  GRACE_MS: whole(0, 600_000).default(5_000),
  PRE_JOIN_MS: milliseconds.default(10_000),
  PING_MS: whole(1_000, maxTimerMs).default(20_000),
  DRAIN_MS: milliseconds.default(8_000),
  MAX_MESSAGE_BYTES: whole(16_384, 67_108_864).default(1_048_576),
  MAX_OUTBOX_BYTES: whole(65_536).default(4_194_304),
  MAX_WAITING_BYTES: whole(1_048_576).optional(),
  MAX_PEERS_PER_ROOM: whole(1, 10_000).default(256),
  MAX_CONNECTIONS: whole(0).optional(),
  MAX_CONNECTIONS_PER_IP: whole(0).default(1_000),
  RATE_UPGRADES_PER_IP: whole(0, 1_000_000).default(3_000),
  KEEP_ALIVE_MS: milliseconds.default(75_000),
  RATE_MESSAGES_PER_SESSION: whole(0, 1_000_000).default(300),
  RATE_MESSAGES_PER_USER: whole(0, 1_000_000).default(1_000),
  RATE_CHATS_PER_SESSION: whole(0, 1_000_000).default(10),
  MAX_CHAT_CHARS: whole(1, 16_000).default(4_000),
  RATE_SIGNINS_PER_IP: whole(0, 1_000_000).default(120),
  RATE_ROOMS_PER_IP: whole(0, 1_000_000).default(120),
  RATE_ICE_PER_IP: whole(0, 1_000_000).default(10),
  RATE_BAD_TOKENS_PER_IP: whole(0, 1_000_000).default(20),
  KICK_BAN_S: whole(0, 31_536_000).default(300),
  CLOSE_AT_EXPIRY: flag.default(false),
  ALLOW_QUERY_TOKEN: flag.default(true),
  ALLOW_ANONYMOUS_GATEWAY: flag.optional(),
  TRUSTED_PROXIES: list.default([]),
  STUN_URLS: stunAddresses.default([]),
  TURN_URLS: turnAddresses.default([]),
  TURN_SHARED_SECRET: z
    .string()
    .min(16, 'must have at least 16 characters: every credential allows guessing at it offline')
    .transform(asSecret)
    .optional(),
  ICE_TRANSPORT_POLICY: z.enum(['all', 'relay']).default('all'),
  TURN_TTL_S: whole(60, 86_400).default(3_600),
  INTERNAL_SERVICE_KEY: sharedKey,
  ADMIN_TOKEN: sharedKey,
  OPERATOR_NETWORKS: list.optional(),
  AUDIT_LOG: z.string().default('stdout'),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpAddress.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpAddress.optional(),
  OTEL_SERVICE_NAME: optional,
  OTEL_RESOURCE_ATTRIBUTES: resourceAttributes.default({}),
  SERVE_DEMO: flag.optional(),
  ALLOWED_ORIGINS: list.pipe(z.array(origin)).default([]),
  REQUIRE_DELETE_AUTH: flag.default(false),
  ALLOW_EMBEDDED: flag.default(false),
  NODE_ENV: z.string().default('development'),
  LOG_LEVEL: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
});

export type Environment = z.output<typeof fields>;

/** Over a wire; this machine's own may do without TLS. */
function isPlainHttp(address: string | undefined): boolean {
  if (address === undefined || !URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol !== 'https:' && !/^(127\.[\d.]+|\[::1\]|localhost)$/.test(hostname);
}

type Issue = (name: string, message: string) => void;

function check(env: Environment, issue: Issue): void {
  if (env.MAX_OUTBOX_BYTES < 2 * env.MAX_MESSAGE_BYTES) {
    issue(
      'MAX_OUTBOX_BYTES',
      'must be at least twice MAX_MESSAGE_BYTES: else one message is a slow consumer',
    );
  }
  if (env.HTTP_PORT === env.WS_PORT && env.HTTP_PORT !== 0) {
    issue('WS_PORT', 'equals HTTP_PORT: choose another (HTTP_PORT takes WebSocket upgrades too)');
  }
  const cognito = ['COGNITO_REGION', 'COGNITO_USER_POOL_ID', 'COGNITO_APP_CLIENT_ID'] as const;
  const set = cognito.filter((name) => env[name] !== undefined);
  if (set.length > 0) {
    for (const name of cognito) {
      if (env[name] === undefined)
        issue(name, `is missing: ${set.join(' and ')} is set, Cognito needs all three`);
    }
  }
  if (env.JWT_PUBLIC_KEY !== undefined && env.JWT_JWKS_URI !== undefined) {
    issue('JWT_JWKS_URI', 'is set beside JWT_PUBLIC_KEY: set one of them');
  }
  if (env.JWT_PUBLIC_KEY !== undefined || env.JWT_JWKS_URI !== undefined) {
    if (env.JWT_ISSUER === undefined) issue('JWT_ISSUER', 'is missing: it must equal the tokens’ iss claim');
    if (env.JWT_AUDIENCE === undefined)
      issue('JWT_AUDIENCE', 'is missing: it must be in the tokens’ aud claim');
    if (set.length > 0)
      issue('JWT_ISSUER', 'goes without the COGNITO_ variables: set one kind of identities');
  }
  const hasKeys = env.JWT_PUBLIC_KEY !== undefined || env.JWT_JWKS_URI !== undefined;
  if (!hasKeys && (env.JWT_ISSUER !== undefined || env.JWT_AUDIENCE !== undefined)) {
    issue('JWT_JWKS_URI', 'is missing (or JWT_PUBLIC_KEY): JWT_ISSUER and JWT_AUDIENCE alone verify nothing');
  }
  if (env.TURN_URLS.length > 0 && env.TURN_SHARED_SECRET === undefined) {
    issue(
      'TURN_SHARED_SECRET',
      "is missing: it is coturn's static-auth-secret, from which credentials are made",
    );
  }
  if (env.TURN_URLS.length === 0 && env.TURN_SHARED_SECRET !== undefined) {
    issue('TURN_URLS', 'is missing: TURN_SHARED_SECRET alone names no server');
  }
  if (env.ICE_TRANSPORT_POLICY === 'relay' && env.TURN_URLS.length === 0) {
    issue('ICE_TRANSPORT_POLICY', 'is relay, but there is no TURN: set TURN_URLS and TURN_SHARED_SECRET');
  }
  const services = ['MEDIA_SERVICE_URL', 'CHAT_SERVICE_URL', 'ROOM_SERVICE_URL'] as const;
  const named = services.find((name) => (env[name]?.length ?? 0) > 0);
  if (named !== undefined && env.INTERNAL_SERVICE_KEY === undefined) {
    issue(
      'INTERNAL_SERVICE_KEY',
      `is missing: ${named} is set, and our services know each other by this key`,
    );
  }
  for (const name of ['TRUSTED_PROXIES', 'OPERATOR_NETWORKS'] as const) {
    try {
      parseTrustedProxies(env[name] ?? []);
    } catch (error) {
      issue(name, error instanceof Error ? error.message : String(error));
    }
  }
  const redis = readRedisTarget(env);
  for (const [name, message] of redis.problems) issue(name, message);
  if (env.NODE_ENV !== 'production') return;
  for (const name of ['COGNITO_JWKS_URI', 'JWT_JWKS_URI'] as const) {
    if (isPlainHttp(env[name])) {
      issue(
        name,
        'is not https: who can change what it answers can sign in as anybody (NODE_ENV=production)',
      );
    }
  }
  if (env.ALLOW_EMBEDDED || set.length > 0) return;
  if (redis.target === undefined && redis.problems.length === 0) {
    issue(
      'COGNITO_USER_POOL_ID',
      'is not set, and NODE_ENV=production refuses rooms that live in one process: ' +
        'set the three COGNITO_ variables, or REDIS_URL, or ALLOW_EMBEDDED=1 if you mean it',
    );
  }
  if (!hasKeys) {
    issue(
      'JWT_ISSUER',
      'is not set, and NODE_ENV=production refuses embedded identities, with Redis too: anybody may sign in. ' +
        'Set the three COGNITO_ variables, or the JWT_ ones, or ALLOW_EMBEDDED=1 if you mean it',
    );
  }
}

export const schema = fields.superRefine((env, context) => {
  check(env, (name, message) => {
    context.addIssue({ code: 'custom', path: [name], message });
  });
});

/** OpenTelemetry's own names; the endpoint for all signals is a base address (OTLP exporter specification). */
export function tracingOf(env: Environment) {
  const all = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const url = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (all === undefined ? undefined : `${all}/v1/traces`);
  if (url === undefined) return undefined;
  const attributes = env.OTEL_RESOURCE_ATTRIBUTES;
  const serviceName = env.OTEL_SERVICE_NAME ?? attributes['service.name'] ?? 'webrtc-signaling';
  return { url, serviceName, attributes };
}
