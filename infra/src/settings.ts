/** What may be chosen for an environment, and what of it goes together. `environments/` has two that are ready to be copied. */
import { z } from 'zod';
import { linesOf, SettingsError } from './settings-error.js';
import * as field from './settings-fields.js';
import { network } from './settings-network.js';

/** What the server does when nothing is set; a test compares with the server's own settings. */
export const serverDefaults = { pingMs: 20_000, drainMs: 8_000 } as const;

/** The hook that holds a server's termination back waits longer. It is of one length for all: another one would need another group. */
export const maxDrainS = 600;

/** Variables of the server that hold secrets: they come from SSM, never from settings, which end in Terraform's state. */
export const secretVariables = [
  'ADMIN_TOKEN',
  'INTERNAL_SERVICE_KEY',
  'LOCAL_SIGNING_KEY',
  'REDIS_CLUSTER_NODES',
  'REDIS_SENTINEL_NAME',
  'REDIS_SENTINELS',
  'REDIS_URL',
  'TURN_SHARED_SECRET',
] as const;

const turn = {
  image: field.imageUri.default('coturn/coturn:4.6.3'),
  realm: field.domainName,
  port: field.whole(1, 65_535).default(3_478),
  /** TURN over TLS: the realm is its host name, certificate and key are PEM in two SSM parameters (guide). */
  tlsPort: field.whole(1, 65_535).optional(),
  relayMinPort: field.whole(1_024, 65_535).default(50_000),
  relayMaxPort: field.whole(1_024, 65_535).default(59_999),
  userQuota: field.whole(1, 1_000).default(12),
  totalQuota: field.whole(1, 100_000).default(1_200),
  maxBytesPerSecond: field.whole(1_000, 1_000_000_000).default(1_000_000),
};
const media = {
  minPort: field.whole(1_024, 65_535).default(40_000),
  maxPort: field.whole(1_024, 65_535).default(49_999),
  /** Of the container, workers included: most of a host of its own. */
  memoryMb: field.whole(128, 1_000_000).default(512),
  environment: z.record(field.variableName, field.variableValue).default({}),
};
const host = { instanceType: field.instanceType, volumeGb: field.whole(10, 1_000).default(20) };
const hosts = { ...host, count: field.whole(1, 8).default(1) };

const base = {
  environment: field.environmentName,
  region: field.region,
  /** When set, Terraform refuses to work in any other account. */
  accountId: field.accountId.optional(),
  tags: z.record(z.string().min(1), z.string()).default({}),
  /** Nobody deletes what holds data, nor terminates hosts by hand, before this is switched off and applied. */
  protect: z.boolean().default(false),
  network,
  /** Who may reach the signaling server. */
  allowedCidrs: z.array(field.cidr).min(1, 'must name at least one network').default(['0.0.0.0/0']),
  /** A tag in the ECR repository that is made, or an image from elsewhere. */
  image: z.union([z.strictObject({ tag: field.imageTag }), z.strictObject({ uri: field.imageUri })]),
  /** Tables that are there already; those not named are made. */
  tables: z
    .strictObject({
      rooms: field.tableName.optional(),
      users: field.tableName.optional(),
      chat: field.tableName.optional(),
    })
    .default({}),
  /** A user pool that is there already; else one is made. */
  identities: z.strictObject({ userPoolId: field.userPoolId, appClientId: field.appClientId }).optional(),
  /** How long ID and access tokens of the pool that is made are good for. */
  tokenMinutes: field.whole(5, 1_440).default(60),
  server: z.strictObject({
    ...host,
    /** Of the container: most of a host of its own, less beside others. How many connections it takes goes by it. */
    memoryMb: field.whole(128, 1_000_000).default(512),
    /** Settings of the server, as in its README. What the stack itself decides can be set here too, and then holds. */
    environment: z.record(field.variableName, field.variableValue).default({}),
    /** Further variables that come from SSM. */
    secrets: z.array(field.variableName).default([]),
  }),
  logRetentionDays: z
    .number('must be a number of days')
    .refine(
      (days) => [1, 3, 5, 7, 14, 30, 60, 90, 180, 365].includes(days),
      'must be 1, 3, 5, 7, 14, 30, 60, 90, 180 or 365',
    )
    .default(30),
  /** Who is told of alarms; it must confirm a mail once. */
  alarmEmail: field.email.optional(),
  /** Of the SSM parameters, when it is not the account's own `alias/aws/ssm`. */
  secretsKmsKeyArn: field.kmsKeyArn.optional(),
  state: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('local') }),
      z.strictObject({ kind: z.literal('s3'), bucket: z.string().min(3), region: field.region }),
    ])
    .default({ kind: 'local' }),
};

const small = z.strictObject({
  ...base,
  shape: z.literal('small'),
  /** HTTPS by Caddy; without it ports 8001 and 8080 are open, unencrypted. */
  tls: z
    .strictObject({
      domain: field.domainName,
      email: field.email.optional(),
      hostedZoneId: field.hostedZoneId.optional(),
      image: field.imageUri.default('public.ecr.aws/docker/library/caddy:2'),
    })
    .optional(),
  /** Redis in a container: seats and chat outlive a restart of the server. */
  redis: z
    .strictObject({
      image: field.imageUri.default('public.ecr.aws/docker/library/redis:7'),
      memoryMb: field.whole(32, 100_000).default(128),
    })
    .optional(),
  /** On the same host. */
  turn: z.strictObject(turn).optional(),
  media: z.strictObject(media).optional(),
});

const large = z.strictObject({
  ...base,
  shape: z.literal('large'),
  tls: z
    .strictObject({
      domain: field.domainName,
      /** With it the domain's record is made, and the certificate unless there is one. */
      hostedZoneId: field.hostedZoneId.optional(),
      certificateArn: field.certificateArn.optional(),
    })
    .refine(
      ({ hostedZoneId, certificateArn }) => (hostedZoneId ?? certificateArn) !== undefined,
      'needs a certificateArn, or a hostedZoneId to prove the domain in',
    ),
  hosts: z
    .strictObject({ min: field.whole(2, 100).default(2), max: field.whole(2, 100).default(4) })
    .prefault({}),
  /** Whence a Prometheus may ask each server and each Media Service for `/metrics`, beside the load balancer. */
  scraperCidrs: z
    .array(field.cidr.refine((text) => !text.endsWith('/0'), 'must not be everybody'))
    .default([]),
  /** Of the load balancer, for sockets on which nothing is sent. */
  idleTimeoutS: field.whole(1, 4_000).default(120),
  /** How long the load balancer leaves the sockets of a server that is going. */
  deregistrationDelayS: field.whole(1, 3_600).default(30),
  redis: z.strictObject({
    nodeType: field.cacheNodeType.default('cache.t4g.small'),
    replicas: field.whole(1, 5).default(1),
    /** The ElastiCache user named `default` that the operator has made: its password is nobody else's (guide). */
    userId: field.cacheUserId,
  }),
  turn: z.strictObject({ ...turn, ...hosts }).optional(),
  media: z.strictObject({ ...media, ...hosts }).optional(),
});

const schema = z.discriminatedUnion('shape', [small, large]).superRefine((settings, context) => {
  const issue = (path: readonly (string | number)[], message: string): void => {
    context.addIssue({ code: 'custom', path: [...path], message });
  };
  const { server, turn: relay, media: service, network } = settings;
  for (const name of Object.keys(server.environment)) {
    if (secretVariables.some((secret) => secret === name) || server.secrets.includes(name)) {
      issue(
        ['server', 'environment', name],
        'is a secret: put it into SSM, and its name into server.secrets',
      );
    }
  }
  for (const [name, [least, most]] of Object.entries({
    turn: relay && [relay.relayMinPort, relay.relayMaxPort],
    media: service && [service.minPort, service.maxPort],
  }).flatMap(([name, ports]) => (ports === undefined ? [] : [[name, ports] as const]))) {
    if ((least ?? 0) > (most ?? 0)) issue([name], 'has a range of ports that ends before it begins');
  }
  const { region, identities } = settings;
  if (identities !== undefined && !identities.userPoolId.startsWith(`${region}_`)) {
    issue(['identities', 'userPoolId'], `is not in ${region}, where the server asks for it`);
  }
  if (relay?.tlsPort !== undefined && relay.tlsPort === relay.port)
    issue(['turn', 'tlsPort'], 'equals turn.port');
  if (settings.shape === 'small') {
    // One host has every port once; coturn listens on its address, Caddy and the server on all.
    const taken = settings.tls === undefined ? [8_001, 8_080] : [80, 443];
    for (const name of ['port', 'tlsPort'] as const) {
      const port = relay?.[name];
      if (port !== undefined && taken.includes(port)) {
        issue(['turn', name], `is ${port}, which the server on the same host has`);
      }
    }
    if (relay && service && relay.relayMinPort <= service.maxPort && service.minPort <= relay.relayMaxPort) {
      issue(['media', 'minPort'], 'overlaps with the ports of turn, which is on the same host');
    }
    return;
  }
  const pingS = timeOf(settings, 'pingMs') / 1000;
  if (settings.idleTimeoutS <= 4 * pingS) {
    issue(['idleTimeoutS'], `must be above four pings of the server, ${4 * pingS}: sockets would be cut`);
  }
  const drainS = timeOf(settings, 'drainMs') / 1000;
  if (settings.deregistrationDelayS <= drainS) {
    issue(
      ['deregistrationDelayS'],
      `must be longer than the server's drain, ${drainS}: peers would be cut off`,
    );
  }
  if (drainS > maxDrainS) {
    issue(
      ['server', 'environment', 'DRAIN_MS'],
      `must be at most ${maxDrainS * 1000} behind a load balancer`,
    );
  }
  if (settings.hosts.max < settings.hosts.min) issue(['hosts', 'max'], 'is below hosts.min');
  if ('vpcId' in network) {
    for (const name of ['publicSubnetIds', 'privateSubnetIds'] as const) {
      if (network[name].length < 2) {
        issue(['network', name], 'must name subnets in two zones at least for the large shape');
      }
    }
  }
});

export type SettingsInput = z.input<typeof schema>;
export type Settings = z.output<typeof schema>;
export type SmallSettings = Extract<Settings, { shape: 'small' }>;
export type LargeSettings = Extract<Settings, { shape: 'large' }>;

/** Checks the settings and fills in the defaults. Throws `SettingsError`. */
export function readSettings(input: unknown): Settings {
  const { data, error } = schema.safeParse(input);
  if (data !== undefined) return data;
  throw new SettingsError(error.issues.flatMap((issue) => linesOf(issue)));
}

/** Milliseconds: as the server is told, or its default. */
export function timeOf({ server }: Pick<Settings, 'server'>, which: keyof typeof serverDefaults): number {
  const name = which === 'pingMs' ? 'PING_MS' : 'DRAIN_MS';
  const told = Number(server.environment[name]);
  return told > 0 ? told : serverDefaults[which];
}
