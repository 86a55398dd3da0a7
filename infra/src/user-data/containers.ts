/** Which containers a host runs, and how. */
import type { Container } from './container.js';
import type {
  CaddyContainer,
  ImageSource,
  MediaContainer,
  RedisContainer,
  Secrets,
  ServerContainer,
  TurnContainer,
  UserDataSettings,
} from './settings.js';

/** How long after its drain a container is killed. */
const afterDrainS = 10;
/** For those that have nothing to drain. */
const stopS = 10;
/** The official images run as root, and their programs carry this capability: without it they do not start. */
const lowPorts = ['--cap-add', 'NET_BIND_SERVICE'];

function assignments(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => {
    if (/[\r\n]/.test(value)) throw new Error(`${name} has more than one line: make it a secret`);
    return `${name}=${value}`;
  });
}

function secretsOf(secrets: Secrets): Container['secrets'] {
  return Object.entries(secrets).map(([name, parameter]) => ({ parameter, prefix: `${name}=` }));
}

function where(image: ImageSource): string {
  return 'uri' in image ? image.uri : `ssm:${image.parameter}`;
}

function environmentFile(name: string): readonly string[] {
  return ['--env-file', `/run/signaling/${name}/env`];
}

/** Swap gives it no more. */
function memory(mb: number): readonly string[] {
  return ['--memory', `${mb}m`, '--memory-swap', `${mb}m`];
}

const manySockets = ['--ulimit', 'nofile=65536:65536'];

function server(image: ImageSource, settings: ServerContainer): Container {
  const { redis, secrets, environment } = settings;
  const remote =
    redis === undefined
      ? []
      : [
          {
            parameter: redis.passwordParameter,
            prefix: `REDIS_URL=rediss://${redis.user}:`,
            suffix: `@${redis.host}:${redis.port}`,
          },
        ];
  return {
    name: 'server',
    description: 'WebRTC signaling server',
    image: where(image),
    environment: assignments(environment),
    secrets: [...secretsOf(secrets), ...remote],
    options: [...memory(settings.memoryMb), ...manySockets, ...environmentFile('server')],
    command: [],
    stopS: Math.ceil(settings.drainMs / 1_000) + afterDrainS,
  };
}

function media(image: ImageSource, { environment, secrets, memoryMb }: MediaContainer): Container {
  return {
    name: 'media',
    description: 'WebRTC Media Service',
    image: where(image),
    environment: assignments(environment),
    secrets: secretsOf(secrets),
    options: [...memory(memoryMb), ...manySockets, ...environmentFile('media')],
    command: ['media'],
    stopS,
  };
}

/** coturn reads its whole configuration, secret included, from one file: it is what others have as their environment file. */
function turn(settings: TurnContainer): Container {
  const { tls, port } = settings;
  const tlsLines =
    tls === undefined
      ? ['no-tls', 'no-dtls']
      : [`tls-listening-port=${tls.port}`, 'cert=/run/turn/cert.pem', 'pkey=/run/turn/key.pem'];
  const tlsFiles =
    tls === undefined
      ? []
      : [
          { parameter: tls.certificateParameter, prefix: '>cert.pem' },
          { parameter: tls.keyParameter, prefix: '>key.pem' },
        ];
  return {
    name: 'turn',
    description: 'TURN relay',
    image: settings.image,
    environment: [
      'use-auth-secret',
      `realm=${settings.realm}`,
      `listening-port=${settings.port}`,
      `listening-ip=${settings.privateIp}`,
      `relay-ip=${settings.privateIp}`,
      `external-ip=${settings.publicIp}/${settings.privateIp}`,
      `min-port=${settings.relayMinPort}`,
      `max-port=${settings.relayMaxPort}`,
      `user-quota=${settings.userQuota}`,
      `total-quota=${settings.totalQuota}`,
      `max-bps=${settings.maxBytesPerSecond}`,
      'fingerprint',
      'stale-nonce=600',
      'no-multicast-peers',
      'no-tcp-relay',
      'no-cli',
      'no-software-attribute',
      ...tlsLines,
      'userdb=/tmp/turndb',
      'pidfile=/tmp/turnserver.pid',
      'log-file=stdout',
      ...settings.deniedPeers.map(([first, last]) => `denied-peer-ip=${first}-${last}`),
    ],
    secrets: [{ parameter: settings.sharedSecretParameter, prefix: '+static-auth-secret=' }, ...tlsFiles],
    options: [
      ...['--user', '10478:10478', ...lowPorts, '--volume', '/run/signaling/turn:/run/turn:ro'],
      // Who is not root gets a capability from the program's file alone, and not without this. The last word holds.
      ...(Math.min(port, tls?.port ?? port) < 1_024 ? ['--security-opt', 'no-new-privileges=false'] : []),
    ],
    command: ['-c', '/run/turn/env'],
    stopS,
  };
}

function redis({ image, memoryMb }: RedisContainer): Container {
  return {
    name: 'redis',
    description: 'Redis for this host alone',
    image,
    environment: [],
    secrets: [],
    options: [...memory(memoryMb), '--user', '10479:10479'],
    command: [
      'redis-server',
      ...['--bind', '127.0.0.1', '--dir', '/tmp', '--save', '""', '--appendonly', 'no'],
      ...['--maxmemory', `${Math.floor(memoryMb * 0.75)}mb`, '--maxmemory-policy', 'noeviction'],
    ],
    stopS,
  };
}

function caddy({ image, domain, email }: CaddyContainer, { httpPort, wsPort }: ServerContainer): Container {
  const mail = email === undefined ? '' : `\temail ${email}\n`;
  const file = `{
${mail}\tadmin off
}
${domain} {
\t@ws {
\t\theader Connection *Upgrade*
\t\theader Upgrade websocket
\t}
\treverse_proxy @ws 127.0.0.1:${wsPort}
\treverse_proxy 127.0.0.1:${httpPort}
}
`;
  return {
    name: 'caddy',
    description: 'TLS front',
    image,
    environment: [],
    secrets: [],
    options: [
      ...memory(256),
      ...lowPorts,
      ...['--volume', '/etc/signaling/Caddyfile:/etc/caddy/Caddyfile:ro'],
      ...['--volume', '/var/lib/signaling/caddy:/data', '--tmpfs', '/config'],
    ],
    command: [],
    stopS,
    files: { '/etc/signaling/Caddyfile': file },
  };
}

/** In the order in which they are started. */
export function containersOf(settings: UserDataSettings): readonly Container[] {
  const { image } = settings;
  const ours = (): ImageSource => {
    if (image === undefined) throw new Error('image is missing: there is a server or a Media Service');
    return image;
  };
  const serverSettings = settings.server;
  if (settings.caddy !== undefined && serverSettings === undefined) {
    throw new Error('server is missing: Caddy stands in front of it');
  }
  return [
    settings.redis && redis(settings.redis),
    settings.turn && turn(settings.turn),
    settings.media && media(ours(), settings.media),
    serverSettings && server(ours(), serverSettings),
    serverSettings && settings.caddy && caddy(settings.caddy, serverSettings),
  ].filter((container) => container !== undefined);
}
