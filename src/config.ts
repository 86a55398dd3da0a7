/** Settings, read once from the environment. The only file that knows `process.env`'s names. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { z } from 'zod';
import type { RedisTarget } from './adapters/redis/redis-client.js';
import { readRedisTarget } from './redis-target.js';

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
/** An empty variable is one that is not set: that is what `docker run -e NAME=` means by it. */
const optional = z.string().min(1).optional();

const schema = z
  .object({
    HOST: z.string().min(1).default('0.0.0.0'),
    HTTP_PORT: port.default(8001),
    WS_PORT: port.default(8080),
    COGNITO_REGION: optional,
    COGNITO_USER_POOL_ID: optional,
    COGNITO_APP_CLIENT_ID: optional,
    COGNITO_JWKS_URI: z.url().optional(),
    JWT_PUBLIC_KEY: pem(createPublicKey, 'an RSA public key'),
    JWT_JWKS_URI: z.url().optional(),
    JWT_ISSUER: optional,
    JWT_AUDIENCE: optional,
    LOCAL_SIGNING_KEY: pem(createPrivateKey, 'an RSA private key'),
    ROOMS_TABLE: z.string().min(3).default('rooms'),
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
    MAX_PEERS_PER_ROOM: whole(1).default(256),
    ALLOWED_ORIGINS: list.pipe(z.array(origin)).default([]),
    REQUIRE_DELETE_AUTH: flag.default(false),
    ALLOW_EMBEDDED: flag.default(false),
    NODE_ENV: z.string().default('development'),
    LOG_LEVEL: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
  })
  .superRefine((env, context) => {
    const issue = (path: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [path], message });
    };
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
      if (env.JWT_ISSUER === undefined)
        issue('JWT_ISSUER', 'is missing: it must equal the tokens’ iss claim');
      if (env.JWT_AUDIENCE === undefined)
        issue('JWT_AUDIENCE', 'is missing: it must be in the tokens’ aud claim');
      if (set.length > 0)
        issue('JWT_ISSUER', 'goes without the COGNITO_ variables: set one kind of identities');
    }
    const hasKeys = env.JWT_PUBLIC_KEY !== undefined || env.JWT_JWKS_URI !== undefined;
    if (!hasKeys && (env.JWT_ISSUER !== undefined || env.JWT_AUDIENCE !== undefined)) {
      issue(
        'JWT_JWKS_URI',
        'is missing (or JWT_PUBLIC_KEY): JWT_ISSUER and JWT_AUDIENCE alone verify nothing',
      );
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
  });

/** Where identities come from. */
export type IdentitySource =
  | {
      readonly kind: 'cognito';
      readonly region: string;
      readonly userPoolId: string;
      readonly clientId: string;
      readonly jwksUri: string | undefined;
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
  readonly dynamo: { readonly region: string; readonly table: string } | undefined;
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
  return {
    host: env.HOST,
    httpPort: env.HTTP_PORT,
    wsPort: env.WS_PORT,
    identities: identitySource(env),
    dynamo:
      env.COGNITO_REGION === undefined ? undefined : { region: env.COGNITO_REGION, table: env.ROOMS_TABLE },
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
    allowedOrigins: env.ALLOWED_ORIGINS,
    requireDeleteAuth: env.REQUIRE_DELETE_AUTH,
    logLevel: env.LOG_LEVEL,
  };
}

function identitySource(env: z.output<typeof schema>): IdentitySource {
  const { COGNITO_REGION: region, COGNITO_USER_POOL_ID: userPoolId, COGNITO_APP_CLIENT_ID: clientId } = env;
  if (region !== undefined && userPoolId !== undefined && clientId !== undefined) {
    return { kind: 'cognito', region, userPoolId, clientId, jwksUri: env.COGNITO_JWKS_URI };
  }
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_PUBLIC_KEY: pem, JWT_JWKS_URI: jwksUri } = env;
  if (issuer !== undefined && audience !== undefined) {
    if (pem !== undefined) return { kind: 'issuer', issuer, audience, keys: { pem } };
    if (jwksUri !== undefined) return { kind: 'issuer', issuer, audience, keys: { jwksUri } };
  }
  return { kind: 'embedded', signingKeyPem: env.LOCAL_SIGNING_KEY };
}
