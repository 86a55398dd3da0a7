/** What the environment may say, and what of it goes together. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { readRedisTarget } from './redis-target.js';
import { parseTrustedProxies } from './transport/client-address.js';

/** Node's timers hold no more. */
const maxTimerMs = 2_147_483_647;

function whole(least: number, most = Number.MAX_SAFE_INTEGER): z.ZodType<number, string> {
  const text =
    `must be a whole number from ${least}` + (most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`);
  return z
    .string()
    .regex(/^\d{1,15}$/, text)
    .transform(Number)
    .refine((value) => value >= least && value <= most, text);
}

const port = whole(0, 65_535);
const milliseconds = whole(1, maxTimerMs);
const flag = z.enum(['0', '1']).transform((value) => value === '1');
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item.length > 0),
);
/** A PEM may come on one line, with `\n` for its line ends, as env files have it. */
function pem(
  read: (text: string) => unknown,
  what: string,
): z.ZodType<string | undefined, string | undefined> {
  return z
    .string()
    .transform((text) => text.replaceAll('\\n', '\n'))
    .refine((text) => {
      try {
        read(text);
        return true;
      } catch {
        // What the parser says names no setting, and may quote the key.
        return false;
      }
    }, `must be ${what} as PEM`)
    .optional();
}
/** As browsers spell an origin, so that it can be compared. */
const origin = z.union([
  z.literal('*'),
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && new URL(text).origin !== 'null',
      'must be origins such as https://host:port, or *',
    )
    .transform((text) => new URL(text).origin),
]);
/** RFC 7064 and RFC 7065, a list of them. */
function addresses(pattern: RegExp, example: string): z.ZodType<string[], string> {
  const text = `must be addresses such as ${example}, separated by commas`;
  return list.refine((items) => items.every((item) => pattern.test(item)), text);
}
const stunAddresses = addresses(
  /^stuns?:(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i,
  'stun:stun.example.org:3478',
);
const turnAddresses = addresses(
  /^turns?:(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?(\?transport=(udp|tcp))?$/i,
  'turn:relay.example.org:3478?transport=udp',
);
/** Where a service of ours answers, without a slash at the end. */
const httpAddress = z
  .url({ protocol: /^https?$/, error: 'must be an address such as http://host:port' })
  .refine(
    (text) => !URL.canParse(text) || new URL(text).username === '',
    'must carry no login: it is shown in logs',
  )
  .transform((text) => text.replace(/\/+$/, ''));
/** An empty variable is one that is not set: that is what `docker run -e NAME=` means by it. */
const optional = z.string().min(1).optional();

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
  MAX_PEERS_PER_ROOM: whole(1, 10_000).default(256),
  MAX_CONNECTIONS_PER_IP: whole(0).default(1_000),
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
    .optional(),
  ICE_TRANSPORT_POLICY: z.enum(['all', 'relay']).default('all'),
  TURN_TTL_S: whole(60, 86_400).default(3_600),
  INTERNAL_SERVICE_KEY: z.string().min(16, 'must have at least 16 characters').optional(),
  ALLOWED_ORIGINS: list.pipe(z.array(origin)).default([]),
  REQUIRE_DELETE_AUTH: flag.default(false),
  ALLOW_EMBEDDED: flag.default(false),
  NODE_ENV: z.string().default('development'),
  LOG_LEVEL: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
});

export type Environment = z.output<typeof fields>;

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
  try {
    parseTrustedProxies(env.TRUSTED_PROXIES);
  } catch (error) {
    issue('TRUSTED_PROXIES', error instanceof Error ? error.message : String(error));
  }
  const redis = readRedisTarget(env);
  for (const [name, message] of redis.problems) issue(name, message);
  if (env.NODE_ENV !== 'production' || env.ALLOW_EMBEDDED || set.length > 0) return;
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
