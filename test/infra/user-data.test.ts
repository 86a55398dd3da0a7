/** The user data of infra/, really run: in a throwaway root, with stand-ins for what belongs to AWS and the distribution. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { renderUserData } from '../../infra/src/user-data/render-user-data.js';
import type { ServerContainer, UserDataSettings } from '../../infra/src/user-data/settings.js';
import { ProcessBuild } from '../support/process-build.js';
import { RoamingPeer } from '../support/roaming-peer.js';
import { TestPeer } from '../support/test-peer.js';
import type { TestNode } from '../support/test-node.js';
import { shellcheck, ThrowawayMachine } from './throwaway-machine.js';

const image = '123456789012.dkr.ecr.eu-central-1.amazonaws.com/webrtc-signaling@sha256:0123';
const newImage = `${image}456`;
const parameters = {
  '/signaling/image': image,
  '/signaling/ADMIN_TOKEN': 'admin-token-of-yesterday',
  '/signaling/TURN_SHARED_SECRET': 'turn-secret-$with-"signs\'',
};

const common = {
  name: 'webrtc-signaling-rehearsal',
  region: 'eu-central-1',
  logGroup: '/webrtc-signaling/rehearsal',
  metrics: { namespace: 'WebrtcSignaling', group: 'webrtc-signaling-rehearsal' },
};

const server: ServerContainer = {
  httpPort: 8001,
  wsPort: 8080,
  environment: {
    HOST: '127.0.0.1',
    HTTP_PORT: '8001',
    WS_PORT: '8080',
    NODE_ENV: 'production',
    ALLOW_EMBEDDED: '1',
    DRAIN_MS: '2000',
    TURN_URLS: 'turn:192.0.2.7:3478?transport=udp',
  },
  secrets: {
    ADMIN_TOKEN: '/signaling/ADMIN_TOKEN',
    TURN_SHARED_SECRET: '/signaling/TURN_SHARED_SECRET',
  },
  drainMs: 2_000,
  memoryMb: 256,
};

const settings: UserDataSettings = {
  ...common,
  image: { parameter: '/signaling/image' },
  redis: { image: 'redis:7', memoryMb: 64 },
  turn: {
    image: 'coturn/coturn:4.6',
    realm: 'turn.example.org',
    port: 3478,
    relayMinPort: 50_000,
    relayMaxPort: 50_099,
    publicIp: '192.0.2.7',
    privateIp: '10.77.0.10',
    sharedSecretParameter: '/signaling/TURN_SHARED_SECRET',
    userQuota: 2,
    totalQuota: 100,
    maxBytesPerSecond: 1_000_000,
    deniedPeers: [['10.0.0.0', '10.255.255.255']],
  },
  // For this name Caddy makes a certificate by itself.
  caddy: { image: 'caddy:2', domain: 'localhost' },
  server: { ...server, environment: { ...server.environment, REDIS_URL: 'redis://127.0.0.1:6379' } },
};

const secrets = [parameters['/signaling/ADMIN_TOKEN'], parameters['/signaling/TURN_SHARED_SECRET']];
const script = renderUserData(settings);
let build: ProcessBuild;
let machine: ThrowawayMachine;
let node: TestNode;

beforeAll(async () => {
  build = await ProcessBuild.make('src/container.ts');
  machine = await ThrowawayMachine.start(build.entry);
  await machine.cloud({ parameters });
});

afterAll(async () => {
  await machine.stop();
  build.remove();
});

async function statusOfMetrics(token: string): Promise<number> {
  const response = await fetch(`${node.http}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  await response.text();
  return response.status;
}

/** Waits until the server says that it can serve. */
function ready(): Promise<void> {
  return machine.until('curl -sf -o /dev/null http://127.0.0.1:8001/readyz');
}

describe('the first start', () => {
  test('[Z20] the script installs, fetches and starts; the server says that it is ready, and a peer joins', async () => {
    const { code, output } = await machine.userData(script);
    expect({ code, output }).toEqual({ code: 0, output: '' });
    await ready();
    node = await machine.node(8001, 8080);
    const user = await node.signIn();
    const peer = new RoamingPeer(await node.createRoom(user), 'ada', user);
    await peer.join(node);
    peer.socket.drop();
    expect(await machine.shell('cat /var/log/calls')).toContain('dnf -q -y install docker');
  });

  test('[Z21] secrets are nowhere but in files of root in memory: not in arguments, not on the disk', async () => {
    expect(await statusOfMetrics(secrets[0] ?? '')).toBe(200);
    const calls = await machine.shell('cat /var/log/calls; ps -eww -o args');
    for (const secret of secrets) expect(calls).not.toContain(secret);
    const holding = await machine.shell(
      `grep -rlF -e '${secrets[0] ?? ''}' -e 'turn-secret-' /etc /run /var /tmp /root /usr/local --exclude-dir=systemd || true`,
    );
    expect(holding.trim().split('\n').sort()).toEqual([
      '/run/signaling/server/env',
      '/run/signaling/turn/env',
    ]);
    expect(await machine.shell('stat -c "%a %u" /run/signaling/server /run/signaling/server/env')).toBe(
      '700 0\n600 0\n',
    );
    expect(await machine.shell('stat -c "%a %u" /run/signaling/turn /run/signaling/turn/env')).toBe(
      '700 10478\n600 10478\n',
    );
    expect(await machine.shell('stat -f -c %T /run/signaling/server')).toBe('tmpfs\n');
  });

  test('[Z22] the container has no rights, no writable root, bounded memory, and more time to stop than it drains', async () => {
    const { options } = JSON.parse(await machine.shell('cat /run/docker-containers/signaling-server')) as {
      readonly options: Readonly<Record<string, unknown>>;
    };
    expect(options).toMatchObject({
      '--rm': true,
      '--read-only': true,
      '--cap-drop': ['ALL'],
      '--security-opt': ['no-new-privileges'],
      '--memory': ['256m'],
      '--memory-swap': ['256m'],
      '--stop-timeout': ['12'],
      '--log-driver': ['awslogs'],
    });
    expect(options['--log-opt']).toContain('awslogs-stream=server/i-0123456789abcdef0');
    expect(options['--log-opt']).toContain('mode=non-blocking');
  });

  test('the TLS front takes requests and WebSockets at one address', async () => {
    await machine.until('curl -skf -o /dev/null https://localhost/readyz');
    const front = await machine.node(443, 443);
    const address = front.ws.replace('ws://127.0.0.1', 'wss://localhost');
    const socket = await TestPeer.open(address, { rejectUnauthorized: false });
    socket.send({ type: 'register' });
    await socket.next();
    socket.drop();
    expect(await machine.shell('curl -sk -o /dev/null -w "%{http_code}" https://localhost/metrics')).toBe(
      '401',
    );
  });

  test('[Z28] TURN knows the secret and the one before it, and relays nobody to a private address', async () => {
    const before = await turnLogin();
    expect(await relayTo('10.77.0.99', before)).toMatch(/403 \(Forbidden IP\)/);
    expect(await relayTo('10.77.0.99', before, 4)).toMatch(/486 \(Allocation Quota Reached\)/);
    const versions = [parameters['/signaling/TURN_SHARED_SECRET'], 'turn-secret-of-today'];
    await machine.cloud({ parameters: { ...parameters, '/signaling/TURN_SHARED_SECRET': versions } });
    await machine.shell('systemctl restart signaling-turn');
    await machine.until('ss -Hlun | grep -q 10.77.0.10:3478');
    expect(await relayTo('10.77.0.99', before)).toMatch(/403 \(Forbidden IP\)/);
    expect(await relayTo('10.77.0.99', { ...before, credential: 'wrong' })).toMatch(
      /Cannot complete Allocation/,
    );
  });
});

interface Login {
  readonly username: string;
  readonly credential: string;
}

async function turnLogin(): Promise<Login> {
  const headers = { authorization: `Bearer ${(await node.signIn()).id_token}` };
  const { iceServers } = (await (await fetch(`${node.http}/ice-servers`, { headers })).json()) as {
    readonly iceServers: readonly Partial<Login>[];
  };
  const found = iceServers.find(({ username }) => username !== undefined);
  if (found?.username === undefined || found.credential === undefined) throw new Error('no TURN login');
  return { username: found.username, credential: found.credential };
}

/** What coturn's own client says when it asks for a relay to that peer. */
async function relayTo(peer: string, { username, credential }: Login, clients = 1): Promise<string> {
  const login = ['-u', username, '-w', credential];
  const { output } = await machine.run(
    ...[
      'timeout',
      '60',
      'turnutils_uclient',
      '-c',
      '-n',
      '1',
      '-m',
      String(clients),
      ...login,
      '-e',
      peer,
      '10.77.0.10',
    ],
  );
  return output;
}

test('[Z20] why a container does not start is in what the script says, and it is tried until it does', async () => {
  const other = await ThrowawayMachine.start(build.entry);
  try {
    // A registry of another region, and a parameter that is not there yet.
    const uri = image.replace('eu-central-1', 'us-east-1');
    await other.cloud({ parameters: {} });
    const { code, output } = await other.userData(renderUserData({ ...common, image: { uri }, server }));
    expect(code).not.toBe(0);
    expect(output).toMatch(
      /ParameterNotFound: \/signaling\/ADMIN_TOKEN[^]*not started, and tried again: signaling-server/,
    );
    await other.cloud({ parameters });
    await other.until('curl -sf -o /dev/null http://127.0.0.1:8001/readyz');
  } finally {
    await other.stop();
  }
});

describe('while it serves', () => {
  test('[Z23] the script again changes nothing and restarts nothing', async () => {
    const before = await machine.service('signaling-server');
    const files = await machine.shell('find /etc /usr/local -type f -printf "%p %T@\n" | sort');
    expect(await machine.userData(script)).toEqual({ code: 0, output: '' });
    expect(await machine.service('signaling-server')).toEqual(before);
    expect(await machine.shell('find /etc /usr/local -type f -printf "%p %T@\n" | sort')).toBe(files);
  });

  test('[Z24] systemctl stop sends a full session away, and the server ends by itself with 0', async () => {
    const user = await node.signIn();
    const peer = new RoamingPeer(await node.createRoom(user), 'bea', user);
    await peer.join(node);
    const stopped = machine.shell('systemctl stop signaling-server');
    await peer.until({ type: 'go_away' });
    expect(await peer.socket.closed).toMatchObject({ code: 4000 });
    await stopped;
    expect(await machine.service('signaling-server')).toMatchObject({ state: 'inactive', result: 0 });
    expect(await machine.shell('ls /run/signaling')).not.toContain('server');
  });

  test('[Z25] a secret that was changed is taken at the next start', async () => {
    const changed = { ...parameters, '/signaling/ADMIN_TOKEN': 'admin-token-of-today' };
    await machine.cloud({ parameters: changed });
    await machine.shell('systemctl start signaling-server');
    await ready();
    expect([
      await statusOfMetrics('admin-token-of-yesterday'),
      await statusOfMetrics('admin-token-of-today'),
    ]).toEqual([401, 200]);
  });

  test('[Z26] a server that dies is started again, one that lives never', async () => {
    const { starts } = await machine.service('signaling-server');
    await machine.shell('kill -9 "$(jq .pid /run/docker-containers/signaling-server)"');
    await machine.until(`[ "$(systemctl show signaling-server | jq .starts)" = ${starts + 1} ]`);
    await ready();
    expect(script).not.toMatch(/cron|docker restart|--restart|HEALTHCHECK|autoheal/i);
  });

  test('[Z29] the host puts how often its containers died', async () => {
    // Its watch, whose minutes go by at once.
    await machine.shell('systemctl stop signaling-watch; wc -l </var/log/calls >/tmp/before');
    const fast = 'sleep() { SECONDS=$((SECONDS + 60)); command sleep 0.2; }';
    await machine.shell(
      `echo '${fast}' >/tmp/fast; BASH_ENV=/tmp/fast signaling watch >/dev/null 2>&1 & echo $! >/tmp/watch`,
    );
    const put = (count: number): string =>
      `tail -n +$(($(cat /tmp/before) + 1)) /var/log/calls | grep -q 'MetricName=restarts,Value=${count} '`;
    await machine.until(put(0));
    await machine.shell('kill -9 "$(jq .pid /run/docker-containers/signaling-server)"');
    await machine.until(put(1));
    await machine.shell('kill "$(cat /tmp/watch)"; systemctl start signaling-watch');
    await ready();
  });

  test('[Z27] an update takes the image that the parameter names; one that does not get ready is told', async () => {
    await machine.cloud({ parameters: { ...parameters, '/signaling/image': newImage } });
    await machine.shell('signaling update');
    const running = await machine.shell('jq -r .image /run/docker-containers/signaling-server');
    expect(running).toBe(`${newImage}\n`);
    // However long the image takes to come, and the old server to drain: here each is 100 s by the script's clock.
    const late =
      'late() { command "$@"; case $2 in image | restart) SECONDS=$((SECONDS + 100)) ;; esac; }; ' +
      'docker() { late docker "$@"; }; systemctl() { late systemctl "$@"; }';
    await machine.shell(`echo '${late}' >/tmp/late && BASH_ENV=/tmp/late signaling update`);
    await machine.cloud({ parameters: { ...parameters, '/signaling/image': 'example/missing:1' } });
    const { pid } = await machine.service('signaling-server');
    const failed = await machine.run('signaling', 'update');
    // What cannot be fetched is found while the old one serves.
    expect(failed).toMatchObject({ code: 1, output: expect.stringContaining('not found') });
    expect(await machine.service('signaling-server')).toMatchObject({ pid, state: 'active' });
  });
});

describe('what was written', () => {
  test('[Z20] a docker that fails at first leaves no container behind, and one that is restarted takes all with it', async () => {
    for (const name of ['server', 'turn', 'redis', 'caddy']) {
      const unit = await machine.shell(`cat /etc/systemd/system/signaling-${name}.service`);
      expect(unit).not.toMatch(/^(?:Requires|Requisite|BindsTo)=/m);
      expect(unit).toMatch(/^Wants=.*\bdocker\.service\b/m);
      expect(unit).toMatch(/^PartOf=docker\.service$/m);
    }
  });

  test('what the units say is what systemd understands', async () => {
    const outcome = await machine.run(
      ...['systemd-analyze', 'verify', '--man=no', '--recursive-errors=no'],
      ...['server', 'turn', 'redis', 'caddy', 'watch'].map(
        (name) => `/etc/systemd/system/signaling-${name}.service`,
      ),
    );
    expect(outcome).toEqual({ code: 0, output: '' });
  });

  test('what the rehearsal starts is what the image starts', () => {
    const dockerfile = readFileSync('Dockerfile', 'utf8');
    expect(dockerfile).toMatch(/^ENTRYPOINT \["[\w/]*\/node", "dist\/container\.js"\]$/m);
    expect(dockerfile).toMatch(/^CMD \["server"\]$/m);
    expect(dockerfile).toMatch(/^USER 65532:65532$/m);
  });

  test('shellcheck has nothing to say', () => {
    expect(shellcheck(script)).toBe('');
  });
});

describe('a host of a group', () => {
  const script = renderUserData({
    ...common,
    server,
    image: { uri: image },
    autoScaling: {
      group: 'webrtc-signaling-rehearsal-server',
      launchHook: 'ready',
      // Nothing here is late: what hangs, the test's own limit ends.
      launchTimeoutS: 600,
      terminateHook: 'drained',
      unhealthyAfterS: 1,
    },
  });
  const host = {
    'auto-scaling-group-name': 'webrtc-signaling-rehearsal-server',
    'instance-id': 'i-0123456789abcdef0',
  };
  let member: ThrowawayMachine;
  let figures: ReturnType<ThrowawayMachine['called']>;

  beforeAll(async () => {
    member = await ThrowawayMachine.start(build.entry);
    // The first word is too early: the group does not wait for it yet.
    await member.cloud({ parameters, lifecycle: 'InService', refuseLifecycle: 1 });
    figures = member.called('cloudwatch put-metric-data');
    const { code, output } = await member.userData(script);
    expect(code).toBe(0);
    expect(output).toMatch(/^.*ValidationError.*\n$/);
  });

  afterAll(async () => {
    await member.stop();
  });

  test('[Z29] it comes into service when it is ready, and leaves when its peers were sent away', async () => {
    expect(await member.called('autoscaling complete-lifecycle-action')).toMatchObject({
      ...host,
      'lifecycle-hook-name': 'ready',
      'lifecycle-action-result': 'CONTINUE',
    });
    const there = await member.node(8001, 8080);
    const user = await there.signIn();
    const peer = new RoamingPeer(await there.createRoom(user), 'cy', user);
    await peer.join(there);
    await member.cloud({ lifecycle: 'Terminated', refuseLifecycle: 1, forget: true });
    await peer.until({ type: 'go_away' });
    expect(await member.called('autoscaling complete-lifecycle-action')).toMatchObject({
      ...host,
      'lifecycle-hook-name': 'drained',
      'lifecycle-action-result': 'CONTINUE',
    });
    expect(await member.service('signaling-server')).toMatchObject({ state: 'inactive', result: 0 });
    await member.until('! systemctl -q is-active signaling-watch');
    expect(await member.service('signaling-watch')).toMatchObject({ result: 0 });
  });

  test('[Z29] it puts its figures', async () => {
    const { namespace, 'metric-data': data } = await figures;
    expect(namespace).toBe('WebrtcSignaling');
    const dimension = 'Dimensions=[{Name=group,Value=webrtc-signaling-rehearsal}]';
    expect(data?.split('\n').map((one) => one.replace(/Value=[\d.]+$/, 'Value=N'))).toEqual(
      ['mem_used_percent', 'disk_used_percent', 'healthy', 'restarts', 'ready'].map(
        (name) => `${dimension},MetricName=${name},Value=N`,
      ),
    );
  });

  test('[Z29] one whose server stays dead says so', async () => {
    await member.cloud({ lifecycle: 'InService', forget: true });
    await member.shell('systemctl start signaling-watch');
    expect(await member.called('autoscaling set-instance-health')).toMatchObject({
      'instance-id': 'i-0123456789abcdef0',
      'health-status': 'Unhealthy',
    });
  });
});
