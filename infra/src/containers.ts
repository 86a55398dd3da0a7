/** What the containers are told: the server, coturn, the Media Service. Pure. */
import { deniedPeers } from './denied-peers.js';
import { parameterOf } from './names.js';
import { timeOf, type Settings } from './settings.js';
import type { HostAddress } from './single-host.js';
import type { MediaContainer, Secrets, ServerContainer, TurnContainer } from './user-data/settings.js';

export const serverPorts = { http: 8001, ws: 8080 } as const;
/** Where a Media Service answers the servers. */
export const mediaPort = 8010;

/** What the server is told of what was made around it. */
export interface Surroundings {
  readonly userPoolId: string;
  readonly appClientId: string;
  readonly tables: { readonly rooms: string; readonly users: string; readonly chat: string };
  /** Public addresses of TURN hosts. */
  readonly turnIps: readonly string[];
  /** Where Media Services answer. */
  readonly mediaUrls: readonly string[];
  /** Redis in ElastiCache. */
  readonly cache?: { readonly host: string; readonly port: number; readonly user: string };
  /** Networks of the load balancer. */
  readonly frontCidrs: readonly string[];
}

/** The names of the secrets that the server needs. */
export function serverSecrets(settings: Settings): readonly string[] {
  return [
    ...new Set([
      'ADMIN_TOKEN',
      ...(settings.turn === undefined ? [] : ['TURN_SHARED_SECRET']),
      ...(settings.media === undefined ? [] : ['INTERNAL_SERVICE_KEY']),
      ...settings.server.secrets,
    ]),
  ];
}

/** The password of the ElastiCache user. */
export const redisPassword = 'REDIS_PASSWORD';
export const turnCertificate = ['TURN_TLS_CERTIFICATE', 'TURN_TLS_KEY'] as const;

function fromSsm(settings: Settings, names: readonly string[]): Secrets {
  return Object.fromEntries(names.map((name) => [name, parameterOf(settings, name)]));
}

export function serverContainer(settings: Settings, around: Surroundings): ServerContainer {
  const { turn, server, region } = settings;
  const isBehindCaddy = settings.shape === 'small' && settings.tls !== undefined;
  const { cache } = around;
  return {
    httpPort: serverPorts.http,
    wsPort: serverPorts.ws,
    environment: {
      NODE_ENV: 'production',
      // Whatever is not in front of the server on this host has no business with it.
      HOST: isBehindCaddy ? '127.0.0.1' : '0.0.0.0',
      HTTP_PORT: String(serverPorts.http),
      WS_PORT: String(serverPorts.ws),
      COGNITO_REGION: region,
      COGNITO_USER_POOL_ID: around.userPoolId,
      COGNITO_APP_CLIENT_ID: around.appClientId,
      ROOMS_TABLE: around.tables.rooms,
      USERS_TABLE: around.tables.users,
      CHAT_TABLE: around.tables.chat,
      ...(isBehindCaddy && { TRUSTED_PROXIES: 'loopback' }),
      ...(settings.shape === 'large' && {
        TRUSTED_PROXIES: around.frontCidrs.join(','),
        // Longer than the load balancer, which else sends requests into connections that just closed.
        KEEP_ALIVE_MS: String((settings.idleTimeoutS + 10) * 1000),
      }),
      ...(turn !== undefined && {
        STUN_URLS: around.turnIps.map((ip) => `stun:${ip}:${turn.port}`).join(','),
        TURN_URLS: around.turnIps
          .flatMap((ip) =>
            ['udp', 'tcp'].map((transport) => `turn:${ip}:${turn.port}?transport=${transport}`),
          )
          .concat(turn.tlsPort === undefined ? [] : [`turns:${turn.realm}:${turn.tlsPort}?transport=tcp`])
          .join(','),
      }),
      ...(around.mediaUrls.length > 0 && { MEDIA_SERVICE_URL: around.mediaUrls.join(',') }),
      ...(settings.shape === 'small' &&
        settings.redis !== undefined && { REDIS_URL: 'redis://127.0.0.1:6379' }),
      ...server.environment,
    },
    secrets: fromSsm(settings, serverSecrets(settings)),
    ...(cache !== undefined && {
      redis: { ...cache, passwordParameter: parameterOf(settings, redisPassword) },
    }),
    drainMs: timeOf(settings, 'drainMs'),
    memoryMb: server.memoryMb,
  };
}

/** `alone`: on a host of its own, the servers come from others. */
export function mediaContainer(
  settings: Settings,
  media: NonNullable<Settings['media']>,
  address: HostAddress,
  alone: boolean,
): MediaContainer {
  return {
    port: mediaPort,
    environment: {
      MEDIA_HOST: alone ? '0.0.0.0' : '127.0.0.1',
      MEDIA_PORT: String(mediaPort),
      MEDIA_LISTEN_IP: '0.0.0.0',
      MEDIA_ANNOUNCED_ADDRESS: address.publicIp,
      MEDIA_RTC_MIN_PORT: String(media.minPort),
      MEDIA_RTC_MAX_PORT: String(media.maxPort),
      // Whom the port is opened for is let in without the key, which is for orders.
      ...(settings.shape === 'large' &&
        settings.scraperCidrs.length > 0 && {
          MEDIA_METRICS_NETWORKS: ['loopback', ...settings.scraperCidrs].join(','),
        }),
      ...media.environment,
    },
    secrets: fromSsm(settings, ['INTERNAL_SERVICE_KEY']),
    memoryMb: media.memoryMb,
  };
}

export function turnContainer(
  settings: Settings,
  turn: NonNullable<Settings['turn']>,
  { publicIp, privateIp }: HostAddress,
): TurnContainer {
  const [certificate, key] = turnCertificate;
  return {
    image: turn.image,
    realm: turn.realm,
    port: turn.port,
    ...(turn.tlsPort !== undefined && {
      tls: {
        port: turn.tlsPort,
        certificateParameter: parameterOf(settings, certificate),
        keyParameter: parameterOf(settings, key),
      },
    }),
    relayMinPort: turn.relayMinPort,
    relayMaxPort: turn.relayMaxPort,
    publicIp,
    privateIp,
    sharedSecretParameter: parameterOf(settings, 'TURN_SHARED_SECRET'),
    userQuota: turn.userQuota,
    totalQuota: turn.totalQuota,
    maxBytesPerSecond: turn.maxBytesPerSecond,
    deniedPeers,
  };
}

/** The secrets that a TURN host reads. */
export function turnSecrets({ tlsPort }: NonNullable<Settings['turn']>): readonly string[] {
  return ['TURN_SHARED_SECRET', ...(tlsPort === undefined ? [] : turnCertificate)];
}
