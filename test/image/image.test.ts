/** The Dockerfile's image: what is in it, and what it does under the limits that it is meant to be run with. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { PeerLab, sha256 } from '../e2e/peers.js';
import { BuiltImage, Container, memoryLimitBytes, type Mount } from '../support/container.js';
import { freePort } from '../support/free-port.js';
import { mediaKey } from '../support/media-service.js';
import { testedMediasoup } from '../support/mediasoup-worker.js';
import { TestNode } from '../support/test-node.js';
import { unlimited } from '../support/unlimited.js';

// Most of it is the build: packages are installed in it.
jest.setTimeout(600_000);

let image: BuiltImage;

beforeAll(() => {
  image = BuiltImage.build();
});

afterAll(() => {
  image.remove();
});

const distinct = (names: readonly string[]): string[] => [...new Set(names)].sort();

interface LockedPackage {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
/** `name@version` of all that the lock file gives the server and the Media Service; what only the client needs is not among it. */
function neededByServer(): string[] {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  const clientOnly = ['@roamhq/wrtc', 'commander', 'cli-progress'];
  const found = new Map<string, string>();
  const visit = (where: string): void => {
    const { dependencies, optionalDependencies } = lock.packages[where] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (where === '' && clientOnly.includes(name)) continue;
      // As Node looks for it: in the package's own folder, then in those around it.
      const steps = where
        .split('/node_modules/')
        .map((_, n, parts) => parts.slice(0, n + 1).join('/node_modules/'));
      const places = ['', ...(where === '' ? [] : steps)].reverse();
      const place = places
        .map((at) => `${at === '' ? '' : `${at}/`}node_modules/${name}`)
        .find((at) => lock.packages[at] !== undefined);
      if (place === undefined || found.has(place)) continue;
      found.set(place, `${name}@${lock.packages[place]?.version ?? ''}`);
      visit(place);
    }
  };
  visit('');
  return distinct([...found.values()]);
}
interface Bill {
  readonly bomFormat: string;
  readonly metadata: { readonly component: { readonly name: string } };
  readonly components: readonly { readonly name: string; readonly version: string }[];
}

/** `name@version` of the packages in a folder such as `/app/node_modules`, nested ones too. */
function installed(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const inside = path.join(folder, entry.name);
    if (!entry.isDirectory() || entry.name.startsWith('.')) return [];
    if (entry.name.startsWith('@')) return installed(inside);
    const manifest = path.join(inside, 'package.json');
    const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as { name: string; version: string };
    const nested = path.join(inside, 'node_modules');
    return [`${name}@${version}`, ...(existsSync(nested) ? installed(nested) : [])];
  });
}

/** Settings of a server that is alone, at ports which a health check can know. */
async function alone(): Promise<Record<string, string>> {
  const [http, ws] = [await freePort(), await freePort()].map(String);
  return {
    ...unlimited,
    ALLOW_EMBEDDED: '1',
    HOST: '127.0.0.1',
    HTTP_PORT: http ?? '',
    WS_PORT: ws ?? '',
    LOG_LEVEL: 'warn',
  };
}

/** Debian's worker with its library, which stand in for what mediasoup's script fetches. */
function mediasoupMounts(folder: string): { readonly mounts: Mount[]; readonly env: Record<string, string> } {
  const { MEDIASOUP_WORKER_BIN: worker, MEDIA_LIBRARY: library } = testedMediasoup();
  const libraries = path.join(folder, 'lib');
  mkdirSync(libraries);
  // NSS, with which Debian's libsrtp encrypts, opens two more by name.
  const { stdout: ofNss } = spawnSync('dpkg-query', ['--listfiles', 'libnss3'], { encoding: 'utf8' });
  const opened = ofNss.match(/^.*\/lib(softokn3|freebl3|freeblpriv3)\.so$/gm) ?? [];
  const { stdout } = spawnSync('ldd', [worker, ...opened], { encoding: 'utf8' });
  const linked = [...stdout.matchAll(/ => (\/\S+) /g)].map(([, from = '']) => from);
  for (const from of [...opened, ...linked]) {
    const name = path.basename(from);
    const isInImage = ['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu'].some((at) =>
      existsSync(image.path(path.join(at, name))),
    );
    if (!isInImage) copyFileSync(from, path.join(libraries, name));
  }
  const kept = path.dirname(worker);
  return {
    mounts: [
      { from: kept, to: '/opt/mediasoup' },
      { from: libraries, to: '/opt/lib' },
    ],
    env: {
      MEDIASOUP_WORKER_BIN: '/opt/mediasoup/mediasoup-worker',
      MEDIA_LIBRARY: path.join('/opt/mediasoup', path.relative(kept, library)),
      LD_LIBRARY_PATH: '/opt/lib',
    },
  };
}

describe('what is in it', () => {
  test('[Z1] it runs as nobody in particular, with a health check, a stop signal, and two programs by one argument', () => {
    const { config } = image.report;
    expect(config.User).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(config.StopSignal).toBe('SIGTERM');
    expect([...config.Entrypoint, ...config.Cmd]).toEqual([
      '/usr/local/bin/node',
      'dist/container.js',
      'server',
    ]);
    expect(config.Healthcheck.Test).toEqual([
      'CMD',
      '/usr/local/bin/node',
      'dist/container.js',
      'healthcheck',
    ]);
    expect(config.Env).toContain('NODE_ENV=production');
    // A new volume for AUDIT_LOG takes its owner from here.
    expect(statSync(image.path('var/log/signaling')).uid).toBe(Number(config.User.split(':')[0]));
    expect(config.Labels).toMatchObject({ 'org.opencontainers.image.licenses': 'MIT' });
  });

  test('[Z1] neither npm nor a shell, no sources, types, maps, tests, or parts of the client', () => {
    for (const name of ['npm', 'npx', 'yarn', 'corepack', 'sh', 'bash']) {
      for (const folder of ['bin', 'usr/bin', 'usr/local/bin']) {
        expect([name, existsSync(image.path(path.join(folder, name)))]).toEqual([name, false]);
      }
    }
    const files = readdirSync(image.path('app'), { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /\.(ts|map|md)$/.test(file))).toEqual([]);
    expect(files.filter((file) => /@roamhq|commander|^dist\/client|^src/.test(file))).toEqual([]);
    expect(files).toContain('dist/media/main.js');
  });

  test('[Z1] nothing of the machine that built it: no setting of npm, no key, no authority of its own', () => {
    const places = '/run/authorities\\.pem|/run/npm-cache|_authToken';
    const { stdout } = spawnSync('grep', ['-rlE', places, image.path('app'), image.path('root')], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(readdirSync(image.path('root'))).toEqual([]);
  });

  test('[Z2] it is small: what lies above the base, Node included, stays under its ceiling', () => {
    const { aboveBaseBytes } = image.report;
    const nodeBytes = Number(spawnSync('stat', ['-c', '%s', image.path('usr/local/bin/node')]).stdout);
    expect(aboveBaseBytes).toBeLessThan(155_000_000);
    expect(aboveBaseBytes - nodeBytes).toBeLessThan(25_000_000);
  });

  test('[Z3] the bill of materials lists what is installed, and every production dependency of the lock file', () => {
    const bill = JSON.parse(readFileSync(image.path('app/sbom.cdx.json'), 'utf8')) as Bill;
    expect([bill.bomFormat, bill.metadata.component.name]).toEqual(['CycloneDX', 'webrtc-signaling-server']);
    const listed = distinct(bill.components.map(({ name, version }) => `${name}@${version}`));
    expect(listed).toEqual(
      distinct([...installed(image.path('app/node_modules')), `node@${image.report.node}`]),
    );
    const missing = neededByServer().filter((one) => !listed.includes(one));
    expect(missing).toEqual([]);
    expect(listed.filter((one) => /wrtc|commander|cli-progress/.test(one))).toEqual([]);
  });
});

describe('under its limits: 256 MB, read-only, no capability, no new privilege', () => {
  let lab: PeerLab;
  beforeAll(async () => {
    lab = await PeerLab.open();
  });
  afterAll(async () => {
    await lab.close();
  });

  test('[Z4] [Z5] it serves the end-to-end test and hundreds of joins, is healthy, then says goodbye with exit code 0', async () => {
    const env = await alone();
    const server = Container.start(image, [], { env });
    try {
      await server.program.line(/^Media: /);
      const addresses = {
        http: `http://127.0.0.1:${env['HTTP_PORT'] ?? ''}`,
        ws: `ws://127.0.0.1:${env['WS_PORT'] ?? ''}`,
      };
      const file = lab.file('data.bin', 5_300_001);
      const out = lab.path('received');
      const worker = lab.start('node', 'worker', addresses, { out });
      const session = await worker.line(/^signal-session:/);
      const client = lab.start('node', 'client', addresses, { session, send: [file] });
      expect([(await client.exited).code, client.output]).toEqual([0, expect.any(String)]);
      expect(sha256(path.join(out, 'data.bin'))).toBe(sha256(file));

      const node = new TestNode(addresses.http, addresses.ws);
      const user = await node.signIn();
      for (let round = 0; round < 20; round += 1) {
        const room = await node.createRoom(user);
        const names = Array.from({ length: 20 }, (_, n) => `peer-${n}`);
        const peers = [];
        for (const name of names) peers.push(await node.register(room, name, user));
        for (const [n, peer] of peers.entries()) {
          const target = names[(n + 1) % names.length] ?? '';
          peer.send({ type: 'offer', sender: names[n], target, sdp: 'v=0'.padEnd(4_000, ' ') });
        }
        for (const [n, peer] of peers.entries()) {
          await peer.expect({ type: 'offer', sender: names.at(n - 1) });
        }
      }
      const { residentBytes, killed } = server.memory();
      expect(killed).toBe(0);
      expect(residentBytes).toBeLessThan(memoryLimitBytes);
      expect(server.exec(healthCheck())).toEqual({ status: 0, output: `${addresses.http}/healthz healthy` });
      node.hangUp();
      expect(await server.terminate()).toEqual({ code: 0, signal: null });
      expect(server.program.complaints).toEqual([]);
    } finally {
      await server.stop();
    }
  });

  test('[Z4] the limits are real', async () => {
    const env = await alone();
    const server = Container.start(image, [], { env });
    try {
      await server.program.line(/^Media: /);
      const rights = JSON.parse(
        server.evaluate(`
          import { readFileSync, writeFileSync } from 'node:fs';
          const refusal = (file) => {
            try { writeFileSync(file, 'x'); return 'none'; } catch (error) { return error.code; }
          };
          const status = Object.fromEntries(
            readFileSync('/proc/1/status', 'utf8').split('\\n').map((line) => line.split(':\\t')),
          );
          console.log(JSON.stringify({
            uid: process.getuid(), app: refusal('/app/dist/main.js'), etc: refusal('/etc/passwd'), tmp: refusal('/tmp/x'),
            effective: status.CapEff, bounding: status.CapBnd, noNewPrivileges: status.NoNewPrivs,
          }));
        `),
      ) as object;
      expect(rights).toEqual({
        uid: 65_532,
        app: 'EROFS',
        etc: 'EROFS',
        tmp: 'none',
        effective: '0000000000000000',
        bounding: '0000000000000000',
        noNewPrivileges: '1',
      });
    } finally {
      await server.stop();
    }
    const greedy = Container.start(image, [], {
      instead: [
        '/usr/local/bin/node',
        '--eval',
        'const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1));',
      ],
    });
    try {
      expect((await greedy.program.exited).code).toBe(137);
    } finally {
      await greedy.stop();
    }
  });

  test('[Z5] the health check says no where nobody answers', async () => {
    const env = await alone();
    const idle = Container.start(image, [], {
      env,
      instead: ['/usr/local/bin/node', '--eval', 'setInterval(() => {}, 1e6); console.log("here")'],
    });
    try {
      await idle.program.line(/^here$/);
      expect(idle.exec(healthCheck())).toEqual({
        status: 1,
        output: expect.stringMatching(/does not answer$/),
      });
      expect(idle.exec(healthCheck('media'))).toMatchObject({ status: 1 });
    } finally {
      await idle.stop();
    }
  });

  test('[Z5] a server that does not answer any more is not healthy', async () => {
    const env = await alone();
    const server = Container.start(image, [], { env });
    try {
      await server.program.line(/^Media: /);
      expect(server.exec(healthCheck()).status).toBe(0);
      server.kill('SIGSTOP');
      expect(server.exec(healthCheck())).toEqual({
        status: 1,
        output: expect.stringMatching(/does not answer within 3000 ms$/),
      });
    } finally {
      await server.stop();
    }
  });

  test('[Z6] SIGTERM ends a first process that is still starting', async () => {
    const redis: Server = createServer().listen(0, '127.0.0.1');
    await once(redis, 'listening');
    const { port } = redis.address() as { port: number };
    const asked = once(redis, 'connection');
    const server = Container.start(image, [], {
      env: { ...(await alone()), REDIS_URL: `redis://127.0.0.1:${port}` },
    });
    try {
      await Promise.race([asked, server.program.exited]);
      expect((await server.terminate()).code).toBe(143);
    } finally {
      await server.stop();
      redis.close();
    }
  });

  test('[Z6] [Z1] the Media Service by its command: a router on the real worker, no zombie of a dead one, exit code 0', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'image-media-'));
    const port = String(await freePort());
    const { mounts, env } = mediasoupMounts(folder);
    const settings = { MEDIA_HOST: '127.0.0.1', MEDIA_PORT: port, MEDIA_WORKERS: '1', LOG_LEVEL: 'warn' };
    const media = Container.start(image, ['media'], {
      env: { ...env, ...settings, INTERNAL_SERVICE_KEY: mediaKey },
      mounts,
    });
    const url = `http://127.0.0.1:${port}`;
    const headers = { 'x-internal-service-key': mediaKey, 'content-type': 'application/json' };
    try {
      await media.program.line(/^Media goes /);
      expect(media.exec(healthCheck())).toEqual({ status: 0, output: `${url}/health healthy` });
      const openRouter = async (room: string): Promise<object> => {
        const response = await fetch(`${url}/routers`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ roomId: room }),
        });
        return (await response.json()) as object;
      };
      expect(JSON.stringify(await openRouter('first'))).toMatch(/audio\/opus/);
      const workerPid = async (): Promise<number | undefined> => {
        const stats = (await (await fetch(`${url}/stats`, { headers })).json()) as {
          workers: { pid: number }[];
        };
        return stats.workers[0]?.pid;
      };
      const before = await workerPid();
      media.evaluate(`process.kill(${String(before)}, 'SIGKILL')`);
      let after = before;
      while (after === undefined || after === before) after = await workerPid();
      const states = media.evaluate(`
        import { readdirSync, readFileSync } from 'node:fs';
        const pids = readdirSync('/proc').filter((name) => /^\\d+$/.test(name) && name !== String(process.pid));
        console.log(pids.map((pid) => /^State:\\t(\\w)/m.exec(readFileSync('/proc/' + pid + '/status', 'utf8'))[1]).join(''));
      `);
      // Two that live: on a busy machine one of them may wait for its disk (D).
      expect(states).toMatch(/^[SRD]{2}$/);
      expect(await media.terminate()).toEqual({ code: 0, signal: null });
    } finally {
      await media.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('[Z1] every package that is asked for by name can be loaded in it', async () => {
    const { dependencies } = JSON.parse(readFileSync(image.path('app/package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const names = Object.keys(dependencies);
    const loader = Container.start(image, [], {
      instead: [
        '/usr/local/bin/node',
        '--input-type=module',
        '--eval',
        `for (const name of ${JSON.stringify(names)}) await import(name); await import('mediasoup'); console.log('all')`,
      ],
    });
    try {
      expect([(await loader.program.exited).code, loader.program.output]).toEqual([0, 'all']);
    } finally {
      await loader.stop();
    }
  });
});

/** As the image has it. */
function healthCheck(...more: string[]): string[] {
  const [, ...command] = image.report.config.Healthcheck.Test;
  return [...command, ...more];
}
