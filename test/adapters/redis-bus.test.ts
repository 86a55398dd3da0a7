import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { slotOf } from '../../src/adapters/redis/redis-shards.js';
import { asNodeId, type NodeId } from '../../src/protocol/ids.js';
import { busContract, Inbox, type BusSetup } from '../contracts/bus-contract.js';
import { RedisCluster, RedisSentinelSet, RedisServer } from '../support/redis.js';
import { RedisNodes } from '../support/redis-nodes.js';

function setup(env: Record<string, string>, stop: () => Promise<void>): BusSetup {
  const nodes = new RedisNodes(env);
  return {
    node: async (nodeId) => (await nodes.open(nodeId)).bus,
    stop: async () => {
      nodes.close();
      await stop();
    },
  };
}

busContract('RedisBus on one Redis', async () => {
  const server = await RedisServer.start();
  return setup({ REDIS_URL: server.url }, () => server.stop());
});

busContract('RedisBus on a cluster of three', async () => {
  const cluster = await RedisCluster.start();
  return setup({ REDIS_CLUSTER_NODES: cluster.nodes }, () => cluster.stop());
});

/** A node of a deployment, and how often it was told that the bus works again. */
async function open(nodes: RedisNodes): Promise<Inbox & { restored: (count: number) => Promise<void> }> {
  const nodeId = asNodeId(randomUUID());
  const { bus } = await nodes.open(nodeId);
  let [count, wake] = [0, (): void => undefined];
  bus.onRestored(() => {
    count += 1;
    wake();
  });
  const restored = async (times: number): Promise<void> => {
    while (count < times)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  return Object.assign(await Inbox.open(nodeId, bus), { restored });
}

/** Until the connection has noticed that Redis is gone. */
async function refused({ bus }: Inbox, to: NodeId): Promise<void> {
  for (;;) {
    const isRefused = await bus.post(to, Buffer.from('lost')).then(
      () => false,
      () => true,
    );
    if (isRefused) return;
    await turn();
  }
}

/** Posts until it is taken: a node that is not served at the moment refuses, or has nobody who listens. */
async function arrives({ bus }: Inbox, to: Inbox, text: string): Promise<void> {
  while (!(await bus.post(to.nodeId, Buffer.from(text)).catch(() => false))) await turn();
  while (String(to.letters.at(-1)) !== text) await to.received(to.letters.length + 1);
}

describe('RedisBus when Redis fails', () => {
  let server: RedisServer;
  let nodes: RedisNodes;

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(async () => {
    await server.stop();
  });
  beforeEach(() => {
    nodes = new RedisNodes({ REDIS_URL: server.url });
  });
  afterEach(() => {
    nodes.close();
  });

  test('[N9] killed: posts are refused at once; restarted: it says so, and letters flow again', async () => {
    const [one, two] = [await open(nodes), await open(nodes)];
    await one.bus.post(two.nodeId, Buffer.from('before'));
    await two.received(1);
    await server.kill();
    await refused(one, two.nodeId);
    await server.restart();
    await Promise.all([one.restored(1), two.restored(1)]);
    await expect(one.bus.post(two.nodeId, Buffer.from('after'))).resolves.toBe(true);
    expect(await two.texts(2)).toEqual(['before', 'after']);
  });

  test('[N9] stopped: posts are refused; when it goes on it says so, letters flow again, and none comes late', async () => {
    const [one, two] = [await open(nodes), await open(nodes)];
    server.pause();
    const lost = await Promise.allSettled(
      Array.from({ length: 200 }, (_, at) => one.bus.post(two.nodeId, Buffer.alloc(10_000, String(at % 10)))),
    );
    expect(new Set(lost.map(({ status }) => status))).toEqual(new Set(['rejected']));
    await expect(one.bus.post(two.nodeId, Buffer.from('refused'))).rejects.toThrow();
    server.resume();
    await one.restored(1);
    // The other node may have left the silent connection too, and listens again a moment later.
    for (const text of ['after', 'end']) await arrives(one, two, text);
    expect(two.letters.slice(-2).map(String)).toEqual(['after', 'end']);
  });

  test('[N9] connections cut: both directions come back', async () => {
    const [one, two] = [await open(nodes), await open(nodes)];
    for (let round = 1; round <= 5; round += 1) {
      for (const type of ['NORMAL', 'PUBSUB'] as const)
        await server.ask((redis) => redis.client('KILL', 'TYPE', type, 'SKIPME', 'yes'));
      await Promise.all([one.restored(round), two.restored(round)]);
      await arrives(one, two, `round ${String(round)}`);
    }
    expect((await two.texts(5)).at(-1)).toBe('round 5');
  });

  test('[N9] a letter that is overtaken by a newer one of its sender is dropped', async () => {
    const two = await open(nodes);
    const one = await open(nodes);
    const captured: Buffer[] = [];
    const channel = `channel:node:{${two.nodeId}}`;
    await server.ask(async (redis) => {
      redis.on('messageBuffer', (_channel: Buffer, payload: Buffer) => captured.push(payload));
      await redis.subscribe(channel);
      await one.bus.post(two.nodeId, Buffer.from('first'));
      await one.bus.post(two.nodeId, Buffer.from('second'));
      await two.received(2);
      while (captured.length < 2) await redis.ping();
    });
    for (const payload of [...captured, Buffer.from('short')])
      await server.ask((redis) => redis.publish(channel, payload));
    await one.bus.post(two.nodeId, Buffer.from('third'));
    expect(await two.texts(3)).toEqual(['first', 'second', 'third']);
  });
});

describe('RedisBus when Redis moves', () => {
  test('[N9] [R6] a Sentinel failover is followed', async () => {
    const set = await RedisSentinelSet.start();
    const nodes = new RedisNodes({ REDIS_SENTINELS: set.sentinel.address, REDIS_SENTINEL_NAME: 'main' });
    try {
      const [one, two] = [await open(nodes), await open(nodes)];
      await expect(one.bus.post(two.nodeId, Buffer.from('before'))).resolves.toBe(true);
      await two.received(1);
      await set.master.kill();
      await Promise.all([one.restored(1), two.restored(1)]);
      await expect(one.bus.post(two.nodeId, Buffer.from('after'))).resolves.toBe(true);
      expect(await two.texts(2)).toEqual(['before', 'after']);
    } finally {
      nodes.close();
      await set.stop();
    }
  });

  test('[N9] [R6] each node of a cluster killed and restarted, and stopped: letters flow again', async () => {
    const cluster = await RedisCluster.start();
    const nodes = new RedisNodes({ REDIS_CLUSTER_NODES: cluster.nodes });
    try {
      const one = await open(nodes);
      const inboxes = await Promise.all(Array.from({ length: 6 }, () => open(nodes)));
      const all = async (text: string): Promise<void> => {
        for (const inbox of inboxes) {
          await arrives(one, inbox, text);
        }
      };
      await all('before');
      for (const [at, server] of cluster.servers.entries()) {
        await server.kill();
        await server.restart();
        await all(`restarted ${String(at)}`);
      }
      for (const [at, server] of cluster.servers.entries()) {
        server.pause();
        const posts = await Promise.allSettled(
          inboxes.map(({ nodeId }) => one.bus.post(nodeId, Buffer.from('perhaps'))),
        );
        expect(posts.length).toBe(6);
        server.resume();
        await all(`resumed ${String(at)}`);
      }
    } finally {
      nodes.close();
      await cluster.stop();
    }
  });
});

test('slots are those of Redis Cluster', async () => {
  const server = await RedisServer.start('--cluster-enabled', 'yes');
  const names = ['foo', 'a{b}c', 'a{}c', '{}', 'a{b', '{a}{b}', 'ü{👋}', '', 'channel:node:{x-1}', '}{'];
  const slots = await server.ask((redis) => Promise.all(names.map((name) => redis.cluster('KEYSLOT', name))));
  expect(names.map(slotOf)).toEqual(slots);
  await server.stop();
});
