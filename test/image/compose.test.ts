/** The compose folder: what its parts say of each other, and each foreign part run with the file that it gets. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { parse } from 'yaml';
import { TurnIceServers } from '../../src/adapters/turn/turn-ice-servers.js';
import { loadConfig } from '../../src/config.js';
import { loadMediaConfig } from '../../src/media/config.js';
import { parseTrustedProxies } from '../../src/transport/client-address.js';
import { Coturn } from '../support/coturn.js';
import { FakeClock } from '../support/fake-clock.js';
import { freePort } from '../support/free-port.js';
import { TestServer } from '../support/server.js';
import { Program } from '../support/spawn.js';
import { TestPeer } from '../support/test-peer.js';

const folder = path.resolve('infra/compose');
const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly privileged?: boolean;
  readonly mem_limit?: string;
  readonly stop_grace_period?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly networks: readonly string[] | Readonly<Record<string, { readonly ipv4_address?: string }>>;
}

/** What an operator fills in. */
const filled: Record<string, string> = {
  REDIS_PASSWORD: '5f1c0a9d7b3e4c2a',
  TURN_SHARED_SECRET: 'a shared secret of tests',
  INTERNAL_SERVICE_KEY: 'an internal key of tests',
  ADMIN_TOKEN: 'an admin token of tests',
  JWT_ISSUER: 'https://issuer.example.org',
  JWT_AUDIENCE: 'signaling',
  JWT_JWKS_URI: 'https://issuer.example.org/jwks.json',
};
const example = Object.fromEntries(
  [...read('.env.example').matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
);
const variable = /(?<!\$)\$\{([A-Z_]+)(?::([?-])([^}]*))?\}/g;

/** As Compose does it: `${NAME:?}` must be set, `${NAME:-default}` need not be, `$$` is a dollar. */
function interpolate(text: string): string {
  const values = { ...example, ...filled };
  return text
    .replace(variable, (whole, name: string, mark: string | undefined, fallback: string) => {
      const value = values[name] ?? '';
      if (value !== '' || mark === undefined) return value;
      if (mark === '-') return fallback;
      throw new Error(`${whole} is not set`);
    })
    .replaceAll('$$', '$');
}

/** In values, after YAML is read: an empty one is an empty string, and `0` is text. */
function interpolated(node: unknown): unknown {
  if (typeof node === 'string') return interpolate(node);
  if (Array.isArray(node)) return node.map(interpolated);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, interpolated(value)]));
}

const {
  name: project,
  services,
  networks,
} = interpolated(parse(read('compose.yaml'), { merge: true })) as {
  readonly name: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: {
    readonly inside: { readonly ipam: { readonly config: readonly { subnet: string; ip_range: string }[] } };
  };
};
const service = (name: string): Service => {
  const found = services[name];
  if (found === undefined) throw new Error(`compose.yaml has no ${name}`);
  return found;
};
const servers = ['server-1', 'server-2'];
const production = { NODE_ENV: 'production' };

describe('[Z7] what compose.yaml says', () => {
  test('the settings of both servers and of the Media Service are good ones, in production', () => {
    for (const name of servers) {
      const environment = service(name).environment ?? {};
      const config = loadConfig({ ...production, ...environment });
      expect([config.nodeId, config.identities.kind, config.redis?.kind]).toEqual([
        name,
        'issuer',
        'standalone',
      ]);
      expect(config.operatorNetworks).toEqual([]);
      const fields = readFileSync('src/config-schema.ts', 'utf8');
      expect(Object.keys(environment).filter((field) => !fields.includes(`  ${field}: `))).toEqual([]);
    }
    const media = loadMediaConfig(service('media').environment);
    expect(media.announcedAddress).toBe(example['PUBLIC_IP']);
    const fields = readFileSync('src/media/config.ts', 'utf8');
    const named = Object.keys(service('media').environment ?? {});
    expect(named.filter((field) => !fields.includes(`  ${field}: `))).toEqual([]);
  });

  test('ports and addresses agree', () => {
    const config = loadConfig({ ...production, ...service('server-1').environment });
    const media = loadMediaConfig(service('media').environment);
    expect(service('front').environment?.['SIGNALING_SERVERS']).toBe(
      servers.map((name) => `${name}:${config.httpPort}`).join(' '),
    );
    expect(config.mediaServiceUrls).toEqual([`http://media:${media.port}`]);
    const { inside } = service('front').networks as Record<string, { ipv4_address?: string }>;
    const address = inside?.ipv4_address ?? '';
    expect(config.trustedProxies).toEqual([address]);
    // Nobody else is given it.
    const [range] = networks.inside.ipam.config;
    expect(parseTrustedProxies([range?.subnet ?? ''])(address)).toBe(true);
    expect(parseTrustedProxies([range?.ip_range ?? ''])(address)).toBe(false);
    const ports = `${media.rtcMinPort}-${media.rtcMaxPort}`;
    expect(service('media').ports).toEqual([`${ports}:${ports}/udp`, `${ports}:${ports}/tcp`]);
    const turn = Object.fromEntries(
      [...read('turnserver.conf').matchAll(/^(listening-port|min-port|max-port)=(\d+)$/gm)].map(
        ([, ...pair]) => pair,
      ),
    ) as Record<string, string>;
    const relayed = `${turn['min-port'] ?? ''}-${turn['max-port'] ?? ''}`;
    const listening = turn['listening-port'] ?? '';
    expect(service('turn').ports).toEqual([
      `${listening}:${listening}/udp`,
      `${listening}:${listening}/tcp`,
      `${relayed}:${relayed}/udp`,
    ]);
    for (const url of [...config.turnUrls, ...config.stunUrls]) expect(url).toContain(`:${listening}`);
  });

  test('the README says where Prometheus and the audit trails are', () => {
    const readme = readFileSync('README.md', 'utf8');
    const files = servers.map((name) => loadConfig({ ...production, ...service(name).environment }).auditLog);
    const volumes = servers.map((name) => service(name).volumes?.[0]?.split(':') ?? []);
    for (const [n, [volume = '', where = '']] of volumes.entries()) {
      expect(path.dirname(files[n] ?? '')).toBe(where);
      expect(readme).toContain(`\`${volume}\``);
    }
    const { httpPort } = loadConfig({ ...production, ...service('server-1').environment });
    const { port } = loadMediaConfig(service('media').environment);
    const places = [...servers.map((name) => `${name}:${httpPort}`), `media:${port}`];
    for (const place of [`${project}_inside`, ...places]) expect(readme).toContain(`\`${place}\``);
  });

  test('nobody has rights that it does not need, and what is not for the world is not open to it', () => {
    for (const [name, one] of Object.entries(services)) {
      expect([name, one.read_only, one.cap_drop, one.security_opt, one.privileged]).toEqual([
        name,
        true,
        ['ALL'],
        ['no-new-privileges:true'],
        undefined,
      ]);
      // Of the official images of Caddy and coturn: what carries a capability as a file is not started without it.
      const isCapable = ['front', 'turn'].includes(name);
      expect([name, one.cap_add]).toEqual([name, isCapable ? ['NET_BIND_SERVICE'] : undefined]);
      expect([name, one.image]).toEqual([name, expect.stringMatching(/:\d+\.\d+\.\d+/)]);
      expect([name, one.mem_limit]).toEqual([name, expect.any(String)]);
      expect((one.volumes ?? []).filter((volume) => volume.includes('docker.sock'))).toEqual([]);
    }
    const open = Object.entries(services).filter(([, { ports }]) => ports !== undefined);
    expect(open.map(([name]) => name)).toEqual(['media', 'turn', 'front']);
    for (const name of servers) expect(service(name).mem_limit).toBe('256m');
  });

  test('a server has longer to end than its drain takes, and its connections live longer than the front keeps them', () => {
    for (const name of servers) {
      const { drainMs, keepAliveMs } = loadConfig({ ...production, ...service(name).environment });
      expect(Number(/^(\d+)s$/.exec(service(name).stop_grace_period ?? '')?.[1]) * 1000).toBeGreaterThan(
        drainMs + 5_000,
      );
      const kept = Number(/^\s*keepalive (\d+)s$/m.exec(read('Caddyfile'))?.[1]) * 1000;
      expect(keepAliveMs).toBeGreaterThan(kept);
    }
  });

  test('every variable is in .env.example, and none that is there is idle; no secret is in it', () => {
    const used = new Set([...read('compose.yaml').matchAll(variable)].map(([, name]) => name));
    expect([...used].sort()).toEqual(Object.keys(example).sort());
    for (const name of ['REDIS_PASSWORD', 'TURN_SHARED_SECRET', 'INTERNAL_SERVICE_KEY', 'ADMIN_TOKEN']) {
      expect([name, example[name]]).toEqual([name, '']);
    }
  });

  test("Redis's command asks for the password, keeps what it is told, and says neither in its arguments", async () => {
    const data = mkdtempSync(path.join(os.tmpdir(), 'compose-redis-'));
    const port = await freePort();
    const [shell = '', ...args] = service('redis').command ?? [];
    const script = (args.at(-1) ?? '').replace('/data', data);
    const password = filled['REDIS_PASSWORD'] ?? '';
    const program = Program.start('env', [
      ...[`REDIS_PASSWORD=${password}`, shell, ...args.slice(0, -1)],
      `${script} --port ${port} --bind 127.0.0.1 --enable-debug-command no`,
    ]);
    try {
      await program.line(/Ready to accept connections/);
      const redis = new Redis({ port, password, lazyConnect: true });
      expect(await redis.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
      expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
      redis.disconnect();
      const stranger = new Redis({ port, lazyConnect: true, enableReadyCheck: false });
      stranger.on('error', () => undefined);
      await expect(stranger.get('x')).rejects.toThrow(/NOAUTH/);
      stranger.disconnect();
      const shown = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout;
      expect(shown).not.toContain(password);
    } finally {
      await program.stop();
      rmSync(data, { recursive: true, force: true });
    }
  });
});

describe('[Z8] the front, as it is run', () => {
  let state: string;
  const token = filled['ADMIN_TOKEN'] ?? '';
  /** A minute. */
  const signIns = 5;
  let nodes: TestServer[];
  let front: Program;
  let ports: { http: number; https: number };
  let ca: Buffer;

  beforeAll(async () => {
    if (spawnSync('caddy', ['version']).error !== undefined) {
      throw new Error('caddy is missing. On Debian: sudo apt-get install caddy');
    }
    state = mkdtempSync(path.join(os.tmpdir(), 'compose-front-'));
    const settings = {
      PING_MS: '1000',
      TRUSTED_PROXIES: 'loopback',
      ADMIN_TOKEN: token,
      RATE_SIGNINS_PER_IP: String(signIns),
    };
    nodes = [await TestServer.start(settings), await TestServer.start(settings)];
    ports = { http: await freePort(), https: await freePort() };
    front = Program.start('env', [
      ...[`XDG_DATA_HOME=${state}`, `XDG_CONFIG_HOME=${state}`, 'SITE_ADDRESS=localhost'],
      ...[`FRONT_HTTP_PORT=${ports.http}`, `FRONT_HTTPS_PORT=${ports.https}`],
      `SIGNALING_SERVERS=${nodes.map(({ http }) => new URL(http).host).join(' ')}`,
      ...['caddy', 'run', '--config', path.join(folder, 'Caddyfile'), '--adapter', 'caddyfile'],
    ]);
    await front.complaint(/certificate obtained successfully/);
    await front.complaint(/serving initial configuration/);
    ca = readFileSync(path.join(state, 'caddy/pki/authorities/local/root.crt'));
  });

  afterAll(async () => {
    await front.stop();
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(state, { recursive: true, force: true });
  });

  async function ask(
    route: string,
    headers: Record<string, string> = {},
    method = 'GET',
  ): Promise<number | undefined> {
    const agent = new Agent({ ca });
    const asked = request({
      host: 'localhost',
      port: ports.https,
      path: route,
      agent,
      headers,
      method,
    }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    await once(answer, 'end');
    agent.destroy();
    return answer.statusCode;
  }

  test('a WebSocket through TLS is quiet over many pings, and then is served', async () => {
    const peer = await TestPeer.open(`wss://localhost:${ports.https}/`, { ca });
    const [node] = nodes.filter(({ tally }) => tally.connections_opened > 0);
    if (node === undefined) throw new Error('no server has a connection');
    const user = await node.signIn();
    const room = await node.createRoom(user);
    peer.send({ type: 'register', peer_id: 'quiet', ...room, id_token: user.id_token });
    await peer.expect({ type: 'registered_auth' });
    while (peer.pings < 6) await once(peer.socket, 'ping');
    peer.send({ type: 'offer', sender: 'quiet', target: 'quiet', sdp: 'v=0' });
    await peer.expect({ type: 'offer', sender: 'quiet' });
    peer.drop();
  });

  test('what is the operator’s is not passed, with the token neither; a server itself shows it to the token alone', async () => {
    const bearer = { authorization: `Bearer ${token}` };
    const metrics = ['/metrics', '/metrics/', '//metrics', '/%6detrics'];
    for (const route of [...metrics, '/dashboard', '/dashboard/data', '/internal/rooms/x']) {
      expect([route, await ask(route, bearer)]).toEqual([route, 404]);
    }
    const [node] = nodes;
    const direct = `${node?.http ?? ''}/metrics`;
    expect((await fetch(direct)).status).toBe(401);
    expect((await fetch(direct, { headers: bearer })).status).toBe(200);
  });

  test('what a client says of its own address is not what the servers count it by', async () => {
    const answers = new Set<number | undefined>();
    for (let n = 1; n <= 3 * signIns; n += 1) {
      answers.add(await ask('/anonymous-signin', { 'x-forwarded-for': `192.0.2.${n}` }, 'POST'));
    }
    expect(answers).toEqual(new Set([200, 429]));
  });

  test('nothing in it ends a quiet connection, and headers and bodies that do not come do', () => {
    const args = ['adapt', '--config', path.join(folder, 'Caddyfile'), '--adapter', 'caddyfile'];
    const { stdout } = spawnSync('caddy', args, { encoding: 'utf8' });
    expect(stdout).toMatch(/"read_timeout":\d+,"read_header_timeout":\d+,"idle_timeout":\d+/);
    // Of the transport and of streams; in tests of the front's own.
    const transport = /"transport":\{[^]*?\}\}/.exec(stdout)?.[0] ?? '';
    expect(transport).toContain('dial_timeout');
    expect(transport).not.toMatch(/read_timeout|write_timeout/);
    expect(stdout).not.toMatch(/stream_timeout|"write_timeout"/);
  });

  test('a server that ends takes nobody along who comes after it', async () => {
    await nodes.shift()?.stop();
    for (let n = 0; n < 10; n += 1) expect(await ask('/health')).toBe(200);
  });
});

describe('[Z9] the relay, as it is run', () => {
  test('credentials of ours are good for peers in the world, and for none in a private or reserved network', async () => {
    const coturn = await Coturn.start(path.join(folder, 'turnserver.conf'));
    try {
      const settings = { stunUrls: [], turnUrls: [coturn.turnUrl], ttlS: 600, sharedSecret: coturn.secret };
      const source = new TurnIceServers({ ...settings, transportPolicy: 'all' }, new FakeClock(Date.now()));
      const { username = '', credential = '' } = source.configFor('alice').servers.at(-1) ?? {};
      const world = ['8.8.8.8', '1.1.1.1'];
      expect(await coturn.permit(username, credential, world)).toEqual(['granted', 'granted']);
      const near = ['127.0.0.1', '10.0.0.1', '172.30.53.10', '192.168.1.1', '169.254.169.254', '100.64.0.1'];
      const odd = ['0.0.0.0', '192.0.2.1', '198.18.0.1', '203.0.113.7', '224.0.0.1', '255.255.255.255'];
      const said = await coturn.permit(username, credential, [...near, ...odd]);
      expect(said.filter((one) => !one.startsWith('403 '))).toEqual([]);
      expect((await coturn.allocate('alice', 'no credential')).refused).toMatch(/^401 /);
    } finally {
      await coturn.stop();
    }
  });

  test('it denies the same peers as the relay in AWS, has quotas, and no console', () => {
    const lines = read('turnserver.conf').split('\n');
    const denied = lines.flatMap((line) => /^denied-peer-ip=(.+)$/.exec(line)?.[1] ?? []);
    const inAws = readFileSync('infra/src/denied-peers.ts', 'utf8').matchAll(/\['([^']+)', '([^']+)'\]/g);
    expect(denied).toEqual([...inAws].map(([, first = '', last = '']) => `${first}-${last}`));
    for (const name of ['no-cli', 'use-auth-secret', 'no-multicast-peers']) expect(lines).toContain(name);
    expect(lines.filter((line) => /^(user|total)-quota=\d+$/.test(line)).length).toBe(2);
    expect(lines.filter((line) => line.startsWith('allow'))).toEqual([]);
  });
});
