/** `RedisChatLog`, what it writes and for how long, and what it does with what it did not write. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitingScripts } from '../../src/adapters/redis/chat-lua.js';
import { keys } from '../../src/adapters/redis/keys.js';
import { RedisChatArchive } from '../../src/adapters/redis/redis-chat-archive.js';
import { RedisChatLog } from '../../src/adapters/redis/redis-chat-log.js';
import { RedisScript } from '../../src/adapters/redis/redis-script.js';
import { asNodeId, asRoomId, type RoomId } from '../../src/protocol/ids.js';
import { chatLogContract, type ChatLogSetup } from '../contracts/chat-log-contract.js';
import { ChatProbe, draft, freshRoom, spoken } from '../support/chat-fixture.js';
import { RedisCluster, RedisServer } from '../support/redis.js';
import { RedisNodes, type RedisNode } from '../support/redis-nodes.js';

const terms = { maxWaiting: 1000 };

function setup(
  env: Record<string, string>,
  servers: readonly RedisServer[],
  stop: () => Promise<void>,
): ChatLogSetup {
  const nodes = new RedisNodes(env);
  let count = 0;
  return {
    node: async () => {
      count += 1;
      const { redis, subscriber } = await nodes.open(asNodeId(`node ${String(count)}`));
      return new RedisChatLog({ redis, subscriber });
    },
    lose: async () => {
      await Promise.all(servers.map((server) => server.ask((redis) => redis.flushall())));
    },
    stop: async () => {
      nodes.close();
      await stop();
    },
    runs: 25,
  };
}

chatLogContract('RedisChatLog on one Redis', async () => {
  const server = await RedisServer.start();
  return setup({ REDIS_URL: server.url }, [server], () => server.stop());
});

chatLogContract('RedisChatLog on a cluster of three', async () => {
  const cluster = await RedisCluster.start();
  return setup({ REDIS_CLUSTER_NODES: cluster.nodes }, cluster.servers, () => cluster.stop());
});

describe('RedisChatLog', () => {
  let server: RedisServer;
  let nodes: RedisNodes;
  let node: RedisNode;
  let log: RedisChatLog;

  beforeAll(async () => {
    server = await RedisServer.start();
    nodes = new RedisNodes({ REDIS_URL: server.url });
    node = await nodes.open(asNodeId('one'));
    log = new RedisChatLog({ ...node, logger: node.log.logger });
  });
  afterAll(async () => {
    nodes.close();
    await server.stop();
  });

  const listKeys = Array.from({ length: 16 }, (_, part) => keys.chatWaiting(part));

  /** Which part of the list names the room, and since when. */
  async function listing(
    roomId: RoomId,
  ): Promise<{ readonly key: string; readonly score: string } | undefined> {
    return server.ask(async (redis) => {
      for (const key of listKeys) {
        const score = await redis.zscore(key, roomId);
        if (score !== null) return { key, score };
      }
      return undefined;
    });
  }

  /** As if the room had been listed a minute ago. */
  async function age(roomId: RoomId): Promise<void> {
    const listed = await listing(roomId);
    if (listed === undefined) throw new Error('it is not listed');
    await server.ask((redis) => redis.zadd(listed.key, 'XX', Date.now() - 60_000, roomId));
  }

  test("[N8] the buffer has S1's name, and every key of chat ends by itself", async () => {
    await server.ask((redis) => redis.flushall());
    const archive = new RedisChatArchive({ redis: node.redis, chatTtlS: 86_400 });
    const roomId = asRoomId('r1');
    const { message } = await log.append(draft(roomId, 'a'), terms);
    await archive.store([message]);
    const another = asRoomId('r2');
    await log.restore(another, spoken(another, 2), terms);
    const most: Record<string, number> = {
      'chat:buffer': 7 * 86_400,
      'chat:waiting': 7 * 86_400,
      'chat:recent': 3600,
      'chat:ids': 3600,
      'chat:archive': 86_400,
    };
    const found = await server.ask(async (redis) => {
      const names = (await redis.keys('*')).sort();
      return Promise.all(names.map(async (name) => ({ name, ttl: await redis.ttl(name) })));
    });
    expect(found.map(({ name }) => name).filter((name) => !name.includes('waiting'))).toEqual([
      'chat:archive:{r1}',
      'chat:buffer:{r1}',
      'chat:buffer:{r2}',
      'chat:ids:{r1}',
      'chat:ids:{r2}',
      'chat:recent:{r1}',
      'chat:recent:{r2}',
    ]);
    for (const { name, ttl } of found) {
      const bound = most[name.split(':').slice(0, 2).join(':')] ?? 0;
      expect(ttl).toBeGreaterThan(bound - 60);
      expect(ttl).toBeLessThanOrEqual(bound);
    }
    await log.archived(roomId, [message.seq]);
    await log.forget(another);
    await archive.forget(roomId, Number.MAX_SAFE_INTEGER - 1);
    const kept = await server.ask((redis) => redis.keys('chat:[bia]*'));
    expect(kept.sort()).toEqual(['chat:ids:{r1}', 'chat:ids:{r2}']);
  });

  test('[Q3] an id is known for an hour by its place, and then makes room', async () => {
    const roomId = freshRoom();
    const old = { ...draft(roomId, 'old'), seq: (Date.now() - 3_600_001) * 1000 };
    const young = { ...draft(roomId, 'young'), seq: (Date.now() - 3_500_000) * 1000 };
    await log.restore(roomId, [old, young], terms);
    await expect(server.ask((redis) => redis.zcard(keys.chatIds(roomId)))).resolves.toBe(1);
    await expect(log.append(draft(roomId, 'young'), terms)).resolves.toMatchObject({ isRepeat: true });
  });

  test('[Q2] places stay above one another when what waits outlives what is recent', async () => {
    const roomId = freshRoom();
    const far = { ...draft(roomId, 'far'), seq: (Date.now() + 60_000) * 1000 };
    await log.restore(roomId, [far], terms);
    await server.ask((redis) => redis.del(keys.chatRecent(roomId), keys.chatIds(roomId)));
    const next = await log.append(draft(roomId, 'next'), terms);
    expect(next).toMatchObject({ previous: far.seq, message: { seq: far.seq + 1 } });
    await expect(log.after(roomId, 0, 10)).resolves.toEqual([far, next.message]);
    await expect(log.before(roomId, next.message.seq + 1, 1)).resolves.toEqual([next.message]);
  });

  test('[Q6] a room is struck off the list when it was listed long ago and nothing waits there, and not before', async () => {
    const [idle, fresh, waits] = [freshRoom(), freshRoom(), freshRoom()];
    for (const roomId of [idle, fresh, waits]) await log.append(draft(roomId, 'a'), terms);
    for (const roomId of [idle, fresh]) {
      const seqs = (await log.waiting(roomId, 10)).map(({ seq }) => seq);
      await log.archived(roomId, seqs);
    }
    for (const roomId of [idle, waits]) await age(roomId);
    const rooms = await log.waitingRooms(1000);
    expect(rooms).toContain(waits);
    expect(rooms).not.toContain(idle);
    expect(rooms).not.toContain(fresh);
    await expect(listing(idle)).resolves.toBeUndefined();
    await expect(listing(fresh)).resolves.toBeDefined();
    await expect(listing(waits)).resolves.toBeDefined();
  });

  test('[Q6] a room that was listed again since somebody looked is not struck off', async () => {
    const roomId = freshRoom();
    await log.append(draft(roomId, 'a'), terms);
    await age(roomId);
    const seen = await listing(roomId);
    if (seen === undefined) throw new Error('it is not listed');
    const strike = new RedisScript(waitingScripts.strike);
    const run = (score: string): Promise<readonly string[]> =>
      node.redis.run((client) => strike.run(client, [seen.key], [roomId, score]));
    await log.append(draft(roomId, 'b'), terms);
    await run(seen.score);
    const again = await listing(roomId);
    expect(Number(again?.score)).toBeGreaterThan(Number(seen.score));
    await run(again?.score ?? '');
    await expect(listing(roomId)).resolves.toBeUndefined();
  });

  test('[Q6] what is said while others strike the room off the list is on the list when it is answered', async () => {
    const other = new RedisChatLog(await nodes.open(asNodeId('two')));
    const roomId = freshRoom();
    for (let at = 0; at < 60; at++) {
      const { message } = await log.append(draft(roomId, `m${String(at)}`), terms);
      await log.archived(roomId, [message.seq]);
      await age(roomId);
      const [said] = await Promise.all([
        log.append(draft(roomId, `n${String(at)}`), terms),
        other.waitingRooms(1000),
        other.waitingRooms(1000),
      ]);
      await expect(other.waitingRooms(1000)).resolves.toContain(roomId);
      await log.archived(roomId, [said.message.seq]);
    }
  });

  test('what others wrote or published hides nothing, and is said in the log once', async () => {
    const probe = new ChatProbe(log);
    const roomId = freshRoom();
    await log.watch(roomId);
    const { message } = await log.append(draft(roomId, 'a'), terms);
    const strangers = [
      'nothing',
      '1\n{}',
      '2\n["a","b"]',
      '3\n[1,2,3,4]',
      'x\n["a","b","c","d"]',
      '',
      '4\n[',
    ];
    await server.ask(async (redis) => {
      for (const [at, text] of strangers.entries()) {
        await redis.zadd(keys.chatBuffer(roomId), at + 1, text);
        await redis.zadd(keys.chatRecent(roomId), at + 1, text);
        await redis.publish(keys.chatChannel(roomId), text);
        await redis.publish(keys.chatChannel(roomId), `said\n0\n${text}`);
      }
      await redis.publish(keys.chatChannel(roomId), 'archived\n1\nseventeen');
      await redis.publish(keys.chatChannel(roomId), 'restored\n1');
    });
    const next = await log.append(draft(roomId, 'b'), terms);
    await probe.until(() => probe.said().length >= 2);
    expect(probe.said().map(({ message: heard }) => heard)).toEqual([message, next.message]);
    expect(probe.news).toHaveLength(2);
    await expect(log.after(roomId, 0, 100)).resolves.toEqual([message, next.message]);
    await expect(log.waiting(roomId, 100)).resolves.toEqual([message, next.message]);
    while (node.log.count('redis_chat_malformed') === 0) await turn();
    expect(node.log.count('redis_chat_malformed')).toBe(1);
  });
});
