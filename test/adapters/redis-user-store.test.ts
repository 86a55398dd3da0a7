import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { keys } from '../../src/adapters/redis/keys.js';
import type { RedisConnection } from '../../src/adapters/redis/redis-connection.js';
import { RedisUserStore } from '../../src/adapters/redis/redis-user-store.js';
import { userStoreContract } from '../contracts/user-store-contract.js';
import { openRedis, RedisCluster, RedisServer } from '../support/redis.js';

async function connect(env: Record<string, string>): Promise<RedisConnection> {
  const connection = openRedis(env);
  await connection.start();
  return connection;
}

userStoreContract('RedisUserStore on a cluster of three', async () => {
  const cluster = await RedisCluster.start();
  const connection = await connect({ REDIS_CLUSTER_NODES: cluster.nodes });
  return {
    store: new RedisUserStore(connection),
    stop: async () => {
      connection.close();
      await cluster.stop();
    },
  };
});

describe('RedisUserStore', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let store: RedisUserStore;

  beforeAll(async () => {
    server = await RedisServer.start();
    connection = await connect({ REDIS_URL: server.url });
    store = new RedisUserStore(connection);
  });
  afterAll(async () => {
    connection.close();
    await server.stop();
  });

  test('keeps a user for 400 days after the last time, and writes what S2 has', async () => {
    const key = keys.user('a');
    await store.remember({ uid: 'a', handle: 'h', createdAtMs: 7 });
    await server.ask((redis) => redis.expire(key, 10));
    await store.remember({ uid: 'a', handle: 'h', createdAtMs: 8 });
    await expect(server.ask((redis) => redis.hgetall(key))).resolves.toEqual({ handle: 'h', created: '7' });
    const ttlS = await server.ask((redis) => redis.ttl(key));
    expect(ttlS).toBeGreaterThan(399 * 86_400);
  });

  test('[R3] is unavailable where its key holds something else, or what it cannot read', async () => {
    await server.ask((redis) => redis.set(keys.user('text'), 'text'));
    await server.ask((redis) => redis.hset(keys.user('half'), 'handle', 'h'));
    const unavailable = { code: 'STORE_UNAVAILABLE', cause: expect.any(Error) as unknown };
    await expect(store.remember({ uid: 'text', handle: 'h', createdAtMs: 1 })).rejects.toMatchObject(
      unavailable,
    );
    await expect(store.find('text')).rejects.toMatchObject(unavailable);
    await expect(store.find('half')).rejects.toMatchObject(unavailable);
  });
});
