/** Settings of the Media Service, read once from its environment. */
import os from 'node:os';
import net from 'node:net';
import { z } from 'zod';
import { readSecretFiles } from '../secret-files.js';
import type { MediaLogLevel } from './media-log.js';
import { parseNetworks } from './metrics-gate.js';

export interface MediaConfig {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly internalServiceKey: string;
  /** Who sees the metrics without the key: addresses, networks, `loopback`. */
  readonly metricsNetworks: readonly string[];
  /** The mediasoup package, or the path of another one's main file. */
  readonly library: string;
  readonly workers: number;
  readonly listenIp: string;
  /** What peers are told instead of `listenIp`: an address or a host name. */
  readonly announcedAddress: string | undefined;
  readonly rtcMinPort: number;
  readonly rtcMaxPort: number;
  readonly maxTransportsPerOwner: number;
  readonly maxProducersPerOwner: number;
  readonly maxConsumersPerOwner: number;
  /** Producers and consumers at which a worker's load is 1. */
  readonly consumersPerWorker: number;
  /** Bits a second. */
  readonly initialBitrate: number;
  readonly logLevel: MediaLogLevel;
}

/** What is wrong with the environment, all of it at once, a line each. */
export class MediaConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`The settings are not usable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'MediaConfigError';
  }
}

function whole(least: number, most: number): z.ZodType<number, string> {
  const text = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, text)
    .transform(Number)
    .refine((value) => value >= least && value <= most, text);
}

const address = z.string().refine((text) => net.isIP(text) !== 0, 'must be an IP address');
const key = 'must be set, to the key that the signaling server has, of at least 16 characters';
const keyText = 'must be ASCII in one line, without spaces around it: headers carry it';

/** `none` stands for an empty list, because an empty variable is one that is not set. */
function networkList(text: string): readonly string[] {
  const entries = text.split(',').map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '' && entry !== 'none');
}

const schema = z
  .object({
    MEDIA_HOST: z.string().default('127.0.0.1'),
    MEDIA_PORT: whole(0, 65_535).default(8_010),
    INTERNAL_SERVICE_KEY: z
      .string({ error: key })
      .min(16, key)
      .regex(/^[!-~][ -~]*[!-~]$/, keyText),
    MEDIA_METRICS_NETWORKS: z.string().default('loopback').transform(networkList),
    MEDIA_LIBRARY: z.string().default('mediasoup'),
    MEDIA_WORKERS: whole(1, 256).default(os.availableParallelism()),
    MEDIA_LISTEN_IP: address.default('127.0.0.1'),
    MEDIA_ANNOUNCED_ADDRESS: z
      .string()
      .regex(/^[\w.:-]{1,253}$/, 'must be an IP address or a host name')
      .optional(),
    MEDIA_RTC_MIN_PORT: whole(1_024, 65_535).default(40_000),
    MEDIA_RTC_MAX_PORT: whole(1_024, 65_535).default(49_999),
    MEDIA_MAX_TRANSPORTS_PER_OWNER: whole(1, 64).default(4),
    MEDIA_MAX_PRODUCERS_PER_OWNER: whole(1, 1_000).default(8),
    MEDIA_MAX_CONSUMERS_PER_OWNER: whole(1, 100_000).default(200),
    MEDIA_CONSUMERS_PER_WORKER: whole(1, 1_000_000).default(500),
    MEDIA_INITIAL_BITRATE: whole(30_000, 100_000_000).default(1_000_000),
    LOG_LEVEL: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
  })
  .superRefine((env, context) => {
    const issue = (name: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [name], message });
    };
    try {
      parseNetworks(env.MEDIA_METRICS_NETWORKS);
    } catch (error) {
      issue('MEDIA_METRICS_NETWORKS', error instanceof Error ? error.message : String(error));
    }
    if (env.MEDIA_RTC_MAX_PORT < env.MEDIA_RTC_MIN_PORT) {
      issue('MEDIA_RTC_MAX_PORT', 'is below MEDIA_RTC_MIN_PORT');
    }
    const isAny = /^[0:.]+$/.test(env.MEDIA_LISTEN_IP);
    if (isAny && env.MEDIA_ANNOUNCED_ADDRESS === undefined) {
      issue(
        'MEDIA_ANNOUNCED_ADDRESS',
        `is missing: MEDIA_LISTEN_IP=${env.MEDIA_LISTEN_IP} is no address that peers could be told`,
      );
    }
  });

/** Reads the settings. Throws `MediaConfigError`. */
export function loadMediaConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): MediaConfig {
  const { variables, problems } = readSecretFiles(environment, ['INTERNAL_SERVICE_KEY']);
  const parsed = schema.safeParse(variables);
  if (!parsed.success || problems.length > 0) {
    const issues = parsed.error?.issues ?? [];
    throw new MediaConfigError([
      ...problems,
      ...issues.map(({ path, message }) => `${path.join('.')} ${message}`),
    ]);
  }
  const env = parsed.data;
  return {
    host: env.MEDIA_HOST,
    port: env.MEDIA_PORT,
    internalServiceKey: env.INTERNAL_SERVICE_KEY,
    metricsNetworks: env.MEDIA_METRICS_NETWORKS,
    library: env.MEDIA_LIBRARY,
    workers: env.MEDIA_WORKERS,
    listenIp: env.MEDIA_LISTEN_IP,
    announcedAddress: env.MEDIA_ANNOUNCED_ADDRESS,
    rtcMinPort: env.MEDIA_RTC_MIN_PORT,
    rtcMaxPort: env.MEDIA_RTC_MAX_PORT,
    maxTransportsPerOwner: env.MEDIA_MAX_TRANSPORTS_PER_OWNER,
    maxProducersPerOwner: env.MEDIA_MAX_PRODUCERS_PER_OWNER,
    maxConsumersPerOwner: env.MEDIA_MAX_CONSUMERS_PER_OWNER,
    consumersPerWorker: env.MEDIA_CONSUMERS_PER_WORKER,
    initialBitrate: env.MEDIA_INITIAL_BITRATE,
    logLevel: env.LOG_LEVEL,
  };
}

/** The same from this process, whose environment its workers inherit: the key is not for them. Throws `MediaConfigError`. */
export function takeMediaConfig(): MediaConfig {
  const config = loadMediaConfig();
  delete process.env['INTERNAL_SERVICE_KEY'];
  return config;
}
