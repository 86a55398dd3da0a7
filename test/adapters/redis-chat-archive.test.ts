import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { keys } from '../../src/adapters/redis/keys.js';
import { RedisChatArchive } from '../../src/adapters/redis/redis-chat-archive.js';
import type { RedisConnection } from '../../src/adapters/redis/redis-connection.js';
import { chatArchiveContract, type ChatArchiveSetup } from '../contracts/chat-archive-contract.js';
import { freshRoom, spoken } from '../support/chat-fixture.js';
import { openRedis, RedisCluster, RedisServer } from '../support/redis.js';

const TTL_S = 1000;

async function setup(env: Record<string, string>, stop: () => Promise<void>): Promise<ChatArchiveSetup> {
  const redis = openRedis(env);
  await redis.start();
  return {
    archive: new RedisChatArchive({ redis, chatTtlS: TTL_S }),
    stop: async () => {
      redis.close();
      await stop();
    },
  };
}

chatArchiveContract('RedisChatArchive on one Redis', async () => {
  const server = await RedisServer.start();
  return setup({ REDIS_URL: server.url }, () => server.stop());
});

chatArchiveContract('RedisChatArchive on a cluster of three', async () => {
  const cluster = await RedisCluster.start();
  return setup({ REDIS_CLUSTER_NODES: cluster.nodes }, () => cluster.stop());
});

describe('RedisChatArchive', () => {
  let server: RedisServer;
  let redis: RedisConnection;

  beforeAll(async () => {
    server = await RedisServer.start();
    redis = openRedis({ REDIS_URL: server.url });
    await redis.start();
  });
  afterAll(async () => {
    redis.close();
    await server.stop();
  });

  test('[N8] a room is kept as long as was set, from the last message on, and the latest messages of it', async () => {
    const archive = new RedisChatArchive({ redis, chatTtlS: TTL_S, maxMessages: 10 });
    const roomId = freshRoom();
    const said = spoken(roomId, 15);
    await archive.store(said.slice(0, 8));
    await server.ask((client) => client.expire(keys.chatArchive(roomId), 1));
    await archive.store(said.slice(8));
    await expect(archive.before(roomId, Number.MAX_SAFE_INTEGER, 100)).resolves.toEqual(said.slice(5));
    const left = await server.ask((client) => client.ttl(keys.chatArchive(roomId)));
    expect(left).toBeGreaterThan(TTL_S - 60);
    expect(left).toBeLessThanOrEqual(TTL_S);
  });
});
