import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { keys } from '../../src/adapters/redis/keys.js';
import type { RedisConnection } from '../../src/adapters/redis/redis-connection.js';
import { RedisMediaPlacement } from '../../src/adapters/redis/redis-media-placement.js';
import { asRoomId } from '../../src/protocol/ids.js';
import { mediaPlacementContract } from '../contracts/media-placement-contract.js';
import { openRedis, RedisCluster, RedisServer } from '../support/redis.js';

async function connect(env: Record<string, string>): Promise<RedisConnection> {
  const connection = openRedis(env);
  await connection.start();
  return connection;
}

mediaPlacementContract('RedisMediaPlacement on a cluster of three', async () => {
  const cluster = await RedisCluster.start();
  const env = { REDIS_CLUSTER_NODES: cluster.nodes };
  const [one, two] = [await connect(env), await connect(env)];
  return {
    placement: new RedisMediaPlacement(one),
    other: new RedisMediaPlacement(two),
    stop: async () => {
      one.close();
      two.close();
      await cluster.stop();
    },
  };
});

describe('RedisMediaPlacement', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let placement: RedisMediaPlacement;
  const room = asRoomId('room');
  const key = keys.router(room);

  beforeAll(async () => {
    server = await RedisServer.start();
    connection = await connect({ REDIS_URL: server.url });
    placement = new RedisMediaPlacement(connection);
  });
  afterAll(async () => {
    connection.close();
    await server.stop();
  });

  test('[M7] is one string, room:{id}:router, that ends a day after it was last found or made', async () => {
    expect(key).toBe('room:{room}:router');
    const lives = async (): Promise<number> => {
      const ttlS = await server.ask((redis) => redis.ttl(key));
      await server.ask((redis) => redis.expire(key, 10));
      return ttlS;
    };
    await placement.place(room, 'east');
    await expect(server.ask((redis) => redis.get(key))).resolves.toBe('east');
    expect(await lives()).toBeGreaterThan(86_390);
    await placement.find(room);
    expect(await lives()).toBeGreaterThan(86_390);
    await placement.place(room, 'west');
    expect(await lives()).toBeGreaterThan(86_390);
    await placement.place(room, 'west', 'east');
    expect(await lives()).toBeGreaterThan(86_390);
  });

  test('[R3] is unavailable where its key holds something else, and when Redis is gone', async () => {
    await server.ask((redis) => redis.del(key));
    await server.ask((redis) => redis.lpush(key, 'a list'));
    const unavailable = { code: 'STORE_UNAVAILABLE', cause: expect.any(Error) as unknown };
    await expect(placement.find(room)).rejects.toMatchObject(unavailable);
    await expect(placement.place(room, 'east')).rejects.toMatchObject(unavailable);
    await server.kill();
    await expect(placement.forget(room)).rejects.toMatchObject(unavailable);
    await server.restart();
  });
});
