import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config.js';
import type { RedisConnection } from '../../src/adapters/redis/redis-connection.js';
import { keys } from '../../src/adapters/redis/keys.js';
import { RedisRoomStore } from '../../src/adapters/redis/redis-room-store.js';
import { SignalingError } from '../../src/protocol/errors.js';
import { asRoomId } from '../../src/protocol/ids.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { openRedis, RedisLog, RedisSentinelSet, RedisServer } from '../support/redis.js';
import { Program } from '../support/spawn.js';

const NOW_S = Math.floor(Date.now() / 1000);
const opened: RedisConnection[] = [];

function open(env: Record<string, string>, log = new RedisLog()): RedisConnection {
  const connection = openRedis(env, log);
  opened.push(connection);
  return connection;
}

const room = (roomId: string): Parameters<RedisRoomStore['create']>[0] => ({
  roomId: asRoomId(roomId),
  createdBy: 'subject',
  token: 'a1b2c3',
  expiresAtS: NOW_S + 7200,
});

async function expectUnavailable(call: Promise<unknown>): Promise<void> {
  await expect(call).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: new SignalingError('STORE_UNAVAILABLE').message,
  });
}

const running: { stop(): Promise<void> }[] = [];

/** Stopped after the test, whatever comes of it. */
async function keep<Thing extends { stop(): Promise<void> }>(starting: Promise<Thing>): Promise<Thing> {
  const thing = await starting;
  running.push(thing);
  return thing;
}

afterEach(async () => {
  for (const connection of opened.splice(0)) connection.close();
  await Promise.all(running.splice(0).map((thing) => thing.stop()));
});

describe('one Redis', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(async () => {
    await server.stop();
  });

  test('[R3] [B2] [R5] killed: calls fail soon, and work again when it is back; one line each', async () => {
    const log = new RedisLog();
    const connection = open({ REDIS_URL: server.url }, log);
    const store = new RedisRoomStore(connection);
    await connection.start();
    await store.create(room('one'), NOW_S);
    await server.kill();
    await Promise.all([
      expectUnavailable(store.find(asRoomId('one'))),
      expectUnavailable(store.create(room('two'), NOW_S)),
      expectUnavailable(store.remove(asRoomId('one'))),
      expectUnavailable(store.check()),
    ]);
    await server.restart();
    await log.event('redis_back');
    await expect(store.create(room('two'), NOW_S)).resolves.toBe('created');
    await expect(store.check()).resolves.toBeUndefined();
    expect([log.count('redis_lost'), log.count('redis_back'), log.lines.length]).toEqual([1, 1, 2]);
  });

  test('[R3] a call made while Redis restarts waits for it', async () => {
    // How long a process takes to start is the machine's business: one that waits takes the place of the one that is gone.
    const [proxy, next] = [await keep(FaultProxy.start(server.port)), await keep(RedisServer.start())];
    const log = new RedisLog();
    const connection = open({ REDIS_URL: proxy.url.replace('http:', 'redis:') }, log);
    const store = new RedisRoomStore(connection);
    await connection.start();
    proxy.set({ kind: 'refuse' });
    await log.event('redis_lost');
    const answer = store.create(room('during'), NOW_S);
    proxy.aim(next.port);
    proxy.set({ kind: 'pass' });
    await expect(answer).resolves.toBe('created');
  });

  test('[R9] a Redis that has just come back without a room is no witness that there is none', async () => {
    const log = new RedisLog();
    const connection = open({ REDIS_URL: server.url }, log);
    const store = new RedisRoomStore(connection);
    await connection.start();
    await expect(store.find(asRoomId('nowhere'))).resolves.toBeUndefined();
    await server.restart();
    await log.event('redis_back');
    await expectUnavailable(store.find(asRoomId('nowhere')));
  });

  test('[R3] nothing that was refused is carried out later', async () => {
    const log = new RedisLog();
    const connection = open({ REDIS_URL: server.url }, log);
    const store = new RedisRoomStore(connection);
    await connection.start();
    await server.kill();
    await expectUnavailable(store.create(room('refused'), NOW_S));
    await server.restart();
    await log.event('redis_back');
    await store.check();
    await expect(server.ask((redis) => redis.exists(keys.room(asRoomId('refused'))))).resolves.toBe(0);
  });

  test('[R3] [R5] stopped with its connections open: calls fail soon, and work again when it goes on', async () => {
    const log = new RedisLog();
    const connection = open({ REDIS_URL: server.url }, log);
    const store = new RedisRoomStore(connection);
    await connection.start();
    await store.create(room('kept'), NOW_S);
    server.pause();
    await Promise.all([
      expectUnavailable(store.find(asRoomId('kept'))),
      expectUnavailable(store.create(room('other'), NOW_S)),
    ]);
    server.resume();
    await log.event('redis_back');
    await expect(store.find(asRoomId('kept'))).resolves.toEqual(room('kept'));
    expect(log.count('redis_lost')).toBe(1);
  });

  test('[R3] lost and back ten times: as good as new', async () => {
    const log = new RedisLog();
    const connection = open({ REDIS_URL: server.url }, log);
    await connection.start();
    for (let round = 1; round <= 10; round += 1) {
      await server.ask((redis) => redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
      await log.event('redis_back', round);
      await expect(connection.run((redis) => redis.ping())).resolves.toBe('PONG');
    }
    expect(log.count('redis_lost')).toBe(10);
  });

  test('[R8] after closing calls are refused at once', async () => {
    const connection = open({ REDIS_URL: server.url });
    await connection.start();
    connection.close();
    connection.close();
    await expect(connection.run((redis) => redis.ping())).rejects.toThrow(/is closed/);
  });
});

describe('logins', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start('--requirepass', 'open sesame');
  });
  afterAll(async () => {
    await server.stop();
  });

  test('the right password opens', async () => {
    const url = `redis://:${encodeURIComponent('open sesame')}@${server.address}/2`;
    await expect(open({ REDIS_URL: url }).start()).resolves.toBeUndefined();
  });

  test('[R7] [R5] a wrong one, or none, ends the start with a line that says where, and not what', async () => {
    const log = new RedisLog();
    const wrong = open({ REDIS_URL: `redis://:hush@${server.address}` }, log).start();
    await expect(wrong).rejects.toThrow(`Redis at ${server.address} refuses the login: WRONGPASS`);
    await expect(wrong).rejects.not.toThrow('hush');
    await expect(open({ REDIS_URL: server.url }, log).start()).rejects.toThrow(/refuses the login: .*NOAUTH/);
    const nodes = { REDIS_CLUSTER_NODES: `redis://:hush@${server.address}` };
    await expect(open(nodes, log).start()).rejects.toThrow(
      /Redis Cluster at .* refuses the login: WRONGPASS/,
    );
    expect(log.lines.join('')).not.toContain('hush');
  });

  test('rediss:// speaks TLS', async () => {
    const listener = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    open({ REDIS_URL: `rediss://:secret@127.0.0.1:${String(port)}` });
    const [socket] = (await once(listener, 'connection')) as [Socket];
    const [greeting] = (await once(socket, 'data')) as [Buffer];
    // RFC 8446, 5.1: a record of type handshake; Redis's own protocol would start with an asterisk.
    expect(greeting[0]).toBe(22);
    opened[0]?.close();
    socket.destroy();
    listener.close();
  });
});

/** A cluster of one: it must be told its address, because no other node tells it. */
const announced = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'];

describe('nobody there', () => {
  test('[R7] a Redis that does not answer ends the start with a line that says where and why', async () => {
    const server = await keep(RedisServer.start());
    await server.kill();
    await expect(open({ REDIS_URL: server.url }).start(200)).rejects.toThrow(
      new RegExp(`^Redis at ${server.address} was not ready within 0.2 s: .*ECONNREFUSED`),
    );
    const sentinels = { REDIS_SENTINELS: server.address, REDIS_SENTINEL_NAME: 'main' };
    await expect(open(sentinels).start(200)).rejects.toThrow(
      /^Redis main by Sentinels at .* not ready within 0.2 s: All sentinels/,
    );
    const nodes = { REDIS_CLUSTER_NODES: server.address };
    await expect(open(nodes).start(200)).rejects.toThrow(/^Redis Cluster at /);
  });

  test('[R8] closing ends a connection whose other end says nothing', async () => {
    const listener = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const connection = open({ REDIS_URL: `redis://127.0.0.1:${String(port)}` });
    const [socket] = (await once(listener, 'connection')) as [Socket];
    socket.resume();
    connection.close();
    await once(socket, 'close');
    listener.close();
  });

  test('[R8] a process that closes its connections while Redis is killed or stopped ends by itself', async () => {
    // A process of its own, because only that shows what would keep it alive.
    const file = path.join('node_modules', '.cache', 'close-redis.mjs');
    await build({
      stdin: {
        contents: `
          import { RedisConnection } from './src/adapters/redis/redis-connection.js';
          const logger = { debug() {}, info() {}, warn() {}, error() {} };
          const targets = JSON.parse(process.argv[2]);
          const connections = targets.map((target) => new RedisConnection(target, logger));
          await Promise.all(connections.map((connection) => connection.start()));
          console.log('started');
          const call = (connection) => connection.run((redis) => redis.set('key', 'value'));
          const untilGone = async (connection) => {
            for (;;) if (await call(connection).then(() => false, () => true)) return;
          };
          await Promise.all(connections.map(untilGone));
          console.log('all gone');
          for (const connection of connections) connection.close();`,
        resolveDir: process.cwd(),
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      outfile: file,
    });
    const endsWhenRedisIs = async (fate: 'killed' | 'stopped'): Promise<void> => {
      const set = await keep(RedisSentinelSet.start());
      const cluster = await keep(RedisServer.start(...announced));
      await cluster.ask((redis) => redis.cluster('ADDSLOTSRANGE', 0, 16_383));
      const targets = [
        loadConfig({ REDIS_URL: set.master.url }).redis,
        loadConfig({ REDIS_SENTINELS: set.sentinel.address, REDIS_SENTINEL_NAME: 'main' }).redis,
        loadConfig({ REDIS_CLUSTER_NODES: cluster.address }).redis,
      ];
      const program = Program.start(process.execPath, [file, JSON.stringify(targets)]);
      await program.line(/started/);
      const servers = [set.sentinel, set.replica, set.master, cluster];
      if (fate === 'killed') await Promise.all(servers.map((server) => server.kill()));
      else for (const server of servers) server.pause();
      await program.line(/all gone/);
      await expect(program.exited).resolves.toEqual({ code: 0, signal: null });
    };
    await Promise.all([endsWhenRedisIs('killed'), endsWhenRedisIs('stopped')]);
    rmSync(file);
  });
});
