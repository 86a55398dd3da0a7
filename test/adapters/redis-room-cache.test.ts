import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { CachedRoomStore } from '../../src/adapters/cached-room-store.js';
import { MemoryRoomStore } from '../../src/adapters/memory/memory-room-store.js';
import { keys } from '../../src/adapters/redis/keys.js';
import type { RedisConnection } from '../../src/adapters/redis/redis-connection.js';
import { RedisRoomCache } from '../../src/adapters/redis/redis-room-cache.js';
import { SystemClock } from '../../src/adapters/system/system-clock.js';
import type { RoomRecord } from '../../src/protocol/records.js';
import {
  cachedStore,
  freshRoom,
  roomCacheContract,
  type RoomCacheSetup,
} from '../contracts/room-cache-contract.js';
import { HeldRoomStore } from '../support/held-room-store.js';
import { openRedis, RedisCluster, RedisLog, RedisServer } from '../support/redis.js';

const clock = new SystemClock();

async function connect(env: Record<string, string>, log = new RedisLog()): Promise<RedisConnection> {
  const connection = openRedis(env, log);
  await connection.start();
  return connection;
}

async function setup(env: Record<string, string>, stop: () => Promise<void>): Promise<RoomCacheSetup> {
  const [one, two, log] = [await connect(env), await connect(env), new RedisLog()];
  return {
    caches: [new RedisRoomCache(one, clock, log.logger), new RedisRoomCache(two, clock, log.logger)],
    stop: async () => {
      one.close();
      two.close();
      await stop();
    },
  };
}

roomCacheContract('RedisRoomCache on one Redis', async () => {
  const server = await RedisServer.start();
  return setup({ REDIS_URL: server.url }, () => server.stop());
});

roomCacheContract('RedisRoomCache on a cluster of three', async () => {
  const cluster = await RedisCluster.start();
  return setup({ REDIS_CLUSTER_NODES: cluster.nodes }, () => cluster.stop());
});

describe('RedisRoomCache', () => {
  let server: RedisServer;
  let connections: readonly RedisConnection[];
  let log: RedisLog;
  let source: HeldRoomStore;
  let stores: readonly [CachedRoomStore, CachedRoomStore];

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    const env = { REDIS_URL: server.url };
    log = new RedisLog();
    const [one, two] = [await connect(env, log), await connect(env, log)];
    connections = [one, two];
    source = new HeldRoomStore(new MemoryRoomStore(clock));
    const [here, there] = [one, two].map((redis) => new RedisRoomCache(redis, clock, log.logger));
    if (here === undefined || there === undefined) throw new Error('there are two');
    stores = [cachedStore(source, here), cachedStore(source, there)];
  });
  afterEach(() => {
    for (const store of stores) store.close();
    for (const connection of connections) connection.close();
  });

  const stored = async (): Promise<RoomRecord> => {
    const room = freshRoom();
    await source.create(room, 0);
    return room;
  };
  const textOf = ({ roomId }: RoomRecord): Promise<string | null> =>
    server.ask((redis) => redis.get(keys.roomCache(roomId)));
  const ttlOf = ({ roomId }: RoomRecord): Promise<number> =>
    server.ask((redis) => redis.pttl(keys.roomCache(roomId)));

  test('[O4] keeps a room under room:{id}, as JSON with its id and mode, for as long as is set', async () => {
    const room = freshRoom({ mode: 'SFU' });
    await stores[0].create(room, 0);
    expect(keys.roomCache(room.roomId)).toBe(`room:{${room.roomId}}`);
    expect(JSON.parse((await textOf(room)) ?? '')).toMatchObject({ id: room.roomId, mode: 'SFU' });
    expect(await ttlOf(room)).toBeGreaterThan(3_500_000);
    expect(await ttlOf(room)).toBeLessThanOrEqual(3_600_000);
  });

  test('[O4] remembers for five seconds that there is no room', async () => {
    const room = freshRoom();
    await stores[0].find(room.roomId);
    expect(await textOf(room)).toBe('{"state":"absent"}');
    expect(await ttlOf(room)).toBeGreaterThan(0);
    expect(await ttlOf(room)).toBeLessThanOrEqual(5_000);
  });

  test('[O4] what another service has put there in another form is replaced', async () => {
    const room = await stored();
    await server.ask((redis) => redis.hset(keys.roomCache(room.roomId), 'mode', 'P2P'));
    await expect(stores[0].find(room.roomId)).resolves.toEqual(room);
    expect(JSON.parse((await textOf(room)) ?? '')).toMatchObject({ id: room.roomId });
  });

  test('[O6] rooms are found, made and changed while Redis is stopped, and what was changed is so when it is back', async () => {
    const [room, other] = [await stored(), freshRoom()];
    for (const store of stores) await store.find(room.roomId);
    server.pause();
    try {
      await expect(stores[0].find(room.roomId)).resolves.toEqual(room);
      await stores[0].remove(room.roomId);
      await expect(stores[0].find(room.roomId)).resolves.toBeUndefined();
      await expect(stores[0].create(other, 0)).resolves.toBe('created');
      await expect(stores[1].find(other.roomId)).resolves.toEqual(other);
    } finally {
      server.resume();
    }
    while (!((await textOf(room)) ?? '').includes('changing'));
    for (const store of stores) await expect(store.find(room.roomId)).resolves.toBeUndefined();
    for (const store of stores) await expect(store.find(other.roomId)).resolves.toEqual(other);
  });

  test('[O6] one question at a time goes to the source while Redis is gone', async () => {
    const room = await stored();
    await server.kill();
    try {
      const found = await Promise.all(Array.from({ length: 100 }, () => stores[0].find(room.roomId)));
      expect(new Set(found.map((answer) => answer?.roomId))).toEqual(new Set([room.roomId]));
      // The first, and all others together.
      expect(source.found).toHaveLength(2);
    } finally {
      await server.restart();
    }
  });
});
