/** Redis that moves: Sentinel, Cluster. */
import { afterEach, expect, test } from '@jest/globals';
import { RedisRoomStore } from '../../src/adapters/redis/redis-room-store.js';
import type { RedisConnection } from '../../src/adapters/redis/redis-connection.js';
import { asRoomId } from '../../src/protocol/ids.js';
import { openRedis, RedisCluster, RedisLog, RedisSentinelSet, RedisServer } from '../support/redis.js';

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

/** Asks until the answer is there: for what Redis announces to nobody. */
async function eventually<Result>(ask: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await ask();
    } catch {
      // Not yet. The test's own time limit ends it.
    }
  }
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

test('[R6] a Sentinel failover is followed, past a Sentinel that is not there', async () => {
  const set = await keep(RedisSentinelSet.start());
  const gone = await keep(RedisServer.start());
  await gone.kill();
  const log = new RedisLog();
  const sentinels = `${gone.address},${set.sentinel.address}`;
  const connection = open({ REDIS_SENTINELS: sentinels, REDIS_SENTINEL_NAME: 'main' }, log);
  const store = new RedisRoomStore(connection);
  await connection.start();
  await store.create(room('before'), NOW_S);
  await set.master.ask((redis) => redis.wait(1, 0));
  await set.master.kill();
  await log.event('redis_back');
  await expect(store.find(asRoomId('before'))).resolves.toEqual(room('before'));
  await expect(store.create(room('after'), NOW_S)).resolves.toBe('created');
  await expect(set.replica.ask((redis) => redis.keys('*'))).resolves.toHaveLength(2);
  expect(log.count('redis_lost')).toBe(1);
});

test('[R6] a call that a replica refuses is made again until there is a master', async () => {
  const server = await keep(RedisServer.start());
  const connection = open({ REDIS_URL: server.url });
  const store = new RedisRoomStore(connection);
  await connection.start();
  await server.ask((redis) => redis.replicaof('127.0.0.1', 1));
  const answer = store.create(room('moved'), NOW_S);
  await server.ask(async (redis) => {
    while (!(await redis.info('errorstats')).includes('READONLY'));
    await redis.replicaof('NO', 'ONE');
  });
  await expect(answer).resolves.toBe('created');
});

test('[R6] [R3] a node of a cluster killed, and another stopped: each is used again when it is back', async () => {
  const cluster = await keep(RedisCluster.start());
  const connection = open({ REDIS_CLUSTER_NODES: cluster.nodes });
  const store = new RedisRoomStore(connection);
  await connection.start();
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const create = (name: string): Promise<string> => store.create(room(name), NOW_S);
  await Promise.all(names.map(create));
  const [one, two] = cluster.servers;
  await one?.kill();
  const killed = await Promise.allSettled(names.map((name) => store.find(asRoomId(name))));
  expect(killed.some(({ status }) => status === 'rejected')).toBe(true);
  await one?.restart();
  await Promise.all(names.map((name) => eventually(() => create(`${name}2`))));
  two?.pause();
  const stopped = await Promise.allSettled(names.map((name) => store.find(asRoomId(`${name}2`))));
  expect(stopped.some(({ status }) => status === 'rejected')).toBe(true);
  two?.resume();
  const found = await Promise.all(names.map((name) => eventually(() => store.find(asRoomId(`${name}2`)))));
  expect(found).toEqual(names.map((name) => room(`${name}2`)));
});
