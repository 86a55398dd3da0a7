/** `RedisChatLog` while Redis is away, and after it is back. */
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RedisChatArchive } from '../../src/adapters/redis/redis-chat-archive.js';
import { RedisChatLog } from '../../src/adapters/redis/redis-chat-log.js';
import { asNodeId } from '../../src/protocol/ids.js';
import { ChatProbe, draft, freshRoom } from '../support/chat-fixture.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { RedisCluster, RedisServer } from '../support/redis.js';
import { RedisNodes } from '../support/redis-nodes.js';

const terms = { maxWaiting: 1000 };
const unavailable = { code: 'STORE_UNAVAILABLE', retryable: true };

/** Runs the call until it works. */
async function eventually<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch {
      // Not yet. The test's own time limit ends it.
      await turn();
    }
  }
}

async function probe(nodes: RedisNodes): Promise<ChatProbe> {
  return new ChatProbe(new RedisChatLog(await nodes.open(asNodeId(randomUUID()))));
}

describe('one Redis', () => {
  let server: RedisServer;
  let nodes: RedisNodes;

  beforeEach(async () => {
    server = await RedisServer.start();
    nodes = new RedisNodes({ REDIS_URL: server.url });
  });
  afterEach(async () => {
    nodes.close();
    await server.stop();
  });

  test('[Q6] [R3] gone, and an empty one in its place: nodes are told, put back what they have, and hear again', async () => {
    const [proxy, next] = [await FaultProxy.start(server.port), await RedisServer.start()];
    const behind = new RedisNodes({ REDIS_URL: proxy.url.replace('http:', 'redis:') });
    try {
      const [one, two] = [await probe(behind), await probe(behind)];
      const roomId = freshRoom();
      await Promise.all([one.log.watch(roomId), two.log.watch(roomId)]);
      const first = await one.log.append(draft(roomId, 'a'), terms);
      proxy.set({ kind: 'refuse' });
      const waits = one.log.append(draft(roomId, 'b'), terms);
      proxy.aim(next.port);
      proxy.set({ kind: 'pass' });
      const second = await waits;
      await Promise.all([one, two].map((each) => each.until(() => each.restored > 0)));
      await one.log.restore(roomId, [first.message], terms);
      await two.log.restore(roomId, [first.message, second.message], terms);
      await expect(two.log.after(roomId, 0, 10)).resolves.toEqual([first.message, second.message]);
      expect(second.message.seq).toBeGreaterThan(first.message.seq);
      const third = await one.log.append(draft(roomId, 'c'), terms);
      expect(third.previous).toBe(second.message.seq);
      await two.until(() => two.said().some(({ message }) => message.id === 'c'));
      await expect(two.log.waitingRooms(10)).resolves.toEqual([roomId]);
    } finally {
      behind.close();
      await proxy.stop();
      await next.stop();
    }
  });

  test('[R3] [N10] stopped: calls are refused, and what was refused is not carried out when it goes on', async () => {
    const [one, fresh] = [await probe(nodes), await probe(nodes)];
    const archive = new RedisChatArchive({
      redis: (await nodes.open(asNodeId('three'))).redis,
      chatTtlS: 100,
    });
    const roomId = freshRoom();
    const { message } = await one.log.append(draft(roomId, 'a'), terms);
    // Scripts that Redis has never seen take a second question, which a stopped one is not asked.
    const elsewhere = await one.log.append(draft(freshRoom(), 'a'), terms);
    await one.log.archived(elsewhere.message.roomId, [elsewhere.message.seq]);
    await one.log.restore(elsewhere.message.roomId, [elsewhere.message], terms);
    await one.log.forget(elsewhere.message.roomId);
    server.pause();
    const calls = await Promise.allSettled([
      one.log.append(draft(roomId, 'b'), terms),
      fresh.log.append(draft(roomId, 'c'), terms),
      one.log.restore(roomId, [{ ...message, id: 'd', seq: message.seq + 1 }], terms),
      one.log.forget(roomId),
      one.log.archived(roomId, [message.seq]),
      one.log.after(roomId, 0, 10),
      one.log.waiting(roomId, 10),
      one.log.waitingRooms(10),
      one.log.last(roomId),
      one.log.watch(roomId),
      archive.store([message]),
      archive.before(roomId, message.seq, 1),
      archive.forget(roomId, Number.MAX_SAFE_INTEGER - 1),
    ]);
    for (const call of calls) expect(call).toMatchObject({ status: 'rejected', reason: unavailable });
    server.resume();
    await one.until(() => one.restored > 0);
    await expect(eventually(() => one.log.after(roomId, 0, 10))).resolves.toEqual([message]);
    await expect(one.log.waiting(roomId, 10)).resolves.toEqual([message]);
    await expect(one.log.append(draft(roomId, 'b'), terms)).resolves.toMatchObject({ isRepeat: false });
    await expect(fresh.log.append(draft(roomId, 'c'), terms)).resolves.toMatchObject({ isRepeat: false });
  });

  test('[R3] gone: calls are refused, and work again when it is back', async () => {
    const one = await probe(nodes);
    const roomId = freshRoom();
    await one.log.append(draft(roomId, 'a'), terms);
    await server.kill();
    await expect(one.log.append(draft(roomId, 'b'), terms)).rejects.toMatchObject(unavailable);
    await expect(one.log.watch(roomId)).rejects.toMatchObject(unavailable);
    await server.restart();
    await eventually(() => one.log.watch(roomId));
    await eventually(() => one.log.append(draft(roomId, 'b'), terms));
    await one.until(() => one.said().some(({ message }) => message.id === 'b'));
  });

  test('[Q3] connections cut in the middle of many messages: each is there once, in the order of its place', async () => {
    const [one, two] = [await probe(nodes), await probe(nodes)];
    const roomId = freshRoom();
    await one.log.watch(roomId);
    const ids = Array.from({ length: 200 }, (_, at) => `m${String(at)}`);
    const saying = ids.map((id) => one.log.append(draft(roomId, id), terms));
    await server.ask((redis) => redis.client('KILL', 'TYPE', 'NORMAL', 'SKIPME', 'yes'));
    const first = await Promise.allSettled(saying);
    await Promise.all(ids.map((id) => eventually(() => two.log.append(draft(roomId, id), terms))));
    const kept = await two.log.after(roomId, 0, 1000);
    expect(new Set(kept.map(({ id }) => id))).toEqual(new Set(ids));
    expect(kept).toHaveLength(ids.length);
    for (const answer of first)
      if (answer.status === 'fulfilled') expect(kept).toContainEqual(answer.value.message);
  });
});

test('[R6] [Q2] a cluster of which one node is restarted without its memory goes on, and nodes are told', async () => {
  const cluster = await RedisCluster.start();
  const nodes = new RedisNodes({ REDIS_CLUSTER_NODES: cluster.nodes });
  try {
    const [one, two] = [await probe(nodes), await probe(nodes)];
    const rooms = Array.from({ length: 9 }, freshRoom);
    for (const roomId of rooms) {
      await two.log.watch(roomId);
      await one.log.append(draft(roomId, 'a'), terms);
    }
    await cluster.servers[1]?.restart();
    await two.until(() => two.restored > 0);
    for (const roomId of rooms) {
      const { message } = await eventually(() => one.log.append(draft(roomId, 'b'), terms));
      await two.until(() => two.said().some((said) => said.message.seq === message.seq));
    }
    const waiting = await one.log.waitingRooms(100);
    expect(new Set(waiting)).toEqual(new Set(rooms));
  } finally {
    nodes.close();
    await cluster.stop();
  }
});
