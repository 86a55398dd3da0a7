import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { keys } from '../../src/adapters/redis/keys.js';
import type { RedisConnection } from '../../src/adapters/redis/redis-connection.js';
import { RedisRateLimiter } from '../../src/adapters/redis/redis-rate-limiter.js';
import { MemoryRateLimiter } from '../../src/adapters/memory/memory-rate-limiter.js';
import { asNodeId } from '../../src/protocol/ids.js';
import { rateLimiterContract } from '../contracts/rate-limiter-contract.js';
import { FakeClock } from '../support/fake-clock.js';
import { openRedis, RedisCluster, RedisLog, RedisServer } from '../support/redis.js';

const HOUR_MS = 3_600_000;
const STALE_MS = 60_000;

/** One node. Its clock stands still: Redis's does not. */
class Node {
  readonly clock = new FakeClock();
  readonly log = new RedisLog();
  readonly limiter: RedisRateLimiter;

  private constructor(
    readonly connection: RedisConnection,
    log: RedisLog,
    name: string,
  ) {
    this.log = log;
    this.limiter = new RedisRateLimiter({
      redis: connection,
      nodeId: asNodeId(name),
      clock: this.clock,
      logger: log.logger,
      local: new MemoryRateLimiter(this.clock),
    });
  }

  static async start(env: Record<string, string>, name = 'node-1'): Promise<Node> {
    const log = new RedisLog();
    const connection = openRedis(env, log);
    await connection.start();
    return new Node(connection, log, name);
  }

  /** All that it has asked Redis so far has been carried out: what is asked in order is answered in order. */
  async settled(): Promise<void> {
    await this.connection.attempt((client) => client.exists('-'));
  }

  stop(): void {
    this.limiter.close();
    this.connection.close();
  }
}

/** Lets time pass for the counts in one Redis: they are times. */
async function age(server: RedisServer, ms: number): Promise<void> {
  await server.ask(async (redis) => {
    for (const key of await redis.keys('signaling:rate:*')) {
      await redis.set(key, Number(await redis.get(key)) - ms, 'KEEPTTL');
    }
  });
}

rateLimiterContract('RedisRateLimiter on one Redis', async () => {
  const server = await RedisServer.start();
  const node = await Node.start({ REDIS_URL: server.url });
  return {
    limiter: node.limiter,
    advance: (ms) => age(server, ms),
    stop: async () => {
      node.stop();
      await server.stop();
    },
  };
});

rateLimiterContract('RedisRateLimiter on a cluster of three', async () => {
  const cluster = await RedisCluster.start();
  const node = await Node.start({ REDIS_CLUSTER_NODES: cluster.nodes });
  return {
    limiter: node.limiter,
    advance: async (ms) => {
      await Promise.all(cluster.servers.map((server) => age(server, ms)));
    },
    stop: async () => {
      node.stop();
      await cluster.stop();
    },
  };
});

describe('RedisRateLimiter', () => {
  const rule = { name: 'test', limit: 4, perMs: HOUR_MS };
  let server: RedisServer;
  let here: Node;
  let there: Node;

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(async () => {
    await server.stop();
  });
  beforeEach(async () => {
    await server.ask((redis) => redis.flushall());
    here = await Node.start({ REDIS_URL: server.url }, 'here');
    there = await Node.start({ REDIS_URL: server.url }, 'there');
  });
  afterEach(() => {
    here.stop();
    there.stop();
  });

  const takes = async (node: Node, key: string, tries: number): Promise<number> => {
    let count = 0;
    for (let tried = 0; tried < tries; tried += 1)
      if ((await node.limiter.take(rule, key)).isAllowed) count += 1;
    return count;
  };
  const holds = async (node: Node, tries: number, limit = 4): Promise<(() => void)[]> => {
    const tried = await Promise.all(
      Array.from({ length: tries }, () => node.limiter.hold('sockets', 'a', limit)),
    );
    return tried.filter((release) => release !== undefined);
  };
  const heldInRedis = (): Promise<Record<string, string>> =>
    server.ask((redis) => redis.hgetall(keys.held('sockets', 'a')));
  const countsInRedis = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      Object.entries(await heldInRedis()).map(([node, text]) => [node, Number.parseInt(text)]),
    );

  test('[L2] two nodes share one limit', async () => {
    expect(await takes(here, 'a', 3)).toBe(3);
    expect(await takes(there, 'a', 3)).toBe(1);
    expect(await takes(here, 'a', 1)).toBe(0);
  });

  test('[L3] two nodes share what is held', async () => {
    const mine = await holds(here, 3);
    expect(mine).toHaveLength(3);
    expect(await holds(there, 3)).toHaveLength(1);
    mine[0]?.();
    await here.settled();
    expect(await holds(there, 3)).toHaveLength(1);
    expect(await countsInRedis()).toEqual({ here: 2, there: 2 });
  });

  test('[L3] two nodes that ask at the same time do not hold more than the limit together', async () => {
    const all = await Promise.all([holds(here, 10), holds(there, 10), holds(here, 10), holds(there, 10)]);
    await Promise.all([here.settled(), there.settled()]);
    const counts = await countsInRedis();
    expect(all.flat()).toHaveLength(4);
    expect((counts['here'] ?? 0) + (counts['there'] ?? 0)).toBe(4);
  });

  test('every key ends by itself, at the latest when its count does', async () => {
    await takes(here, 'a', 2);
    await holds(here, 1);
    const ttlOf = (key: string): Promise<number> => server.ask((redis) => redis.pttl(key));
    const rateTtl = await ttlOf(keys.rate('test', 'a'));
    expect(rateTtl).toBeLessThanOrEqual(HOUR_MS / 2);
    expect(rateTtl).toBeGreaterThan(HOUR_MS / 2 - 20_000);
    const heldTtl = await ttlOf(keys.held('sockets', 'a'));
    expect(heldTtl).toBeLessThanOrEqual(STALE_MS);
    expect(heldTtl).toBeGreaterThan(STALE_MS - 20_000);
    expect(await server.ask((redis) => redis.dbsize())).toBe(2);
  });

  test('[L3] nothing is left of what was given back', async () => {
    for (const release of await holds(here, 3)) release();
    await here.settled();
    expect(await server.ask((redis) => redis.exists(keys.held('sockets', 'a')))).toBe(0);
  });

  test('[L3] what a dead node held counts for a minute and not longer', async () => {
    const key = keys.held('sockets', 'a');
    const [nowS = '0'] = await server.ask((redis) => redis.time());
    const nowMs = Number(nowS) * 1000;
    await server.ask((redis) =>
      redis.hset(key, { living: `2 ${String(nowMs + 30_000)}`, dead: `2 ${String(nowMs - 1)}`, odd: '?' }),
    );
    expect(await holds(here, 4)).toHaveLength(2);
    expect(await countsInRedis()).toEqual({ living: 2, here: 2 });
  });

  test('[L3] a node that lives says every 20 seconds what it holds', async () => {
    const key = keys.held('sockets', 'a');
    await holds(here, 2);
    // As if a minute had passed.
    await server.ask((redis) => redis.hset(key, 'here', '2 1'));
    here.clock.advance(19_999);
    await here.settled();
    expect(await heldInRedis()).toEqual({ here: '2 1' });
    here.clock.advance(1);
    await here.settled();
    expect(await holds(there, 4)).toHaveLength(2);
  });

  test('the timer ends with what is held, and with the limiter', async () => {
    const [release] = await holds(here, 1);
    expect(here.clock.pending).toBe(1);
    release?.();
    await here.settled();
    here.clock.advance(20_000);
    await here.settled();
    expect(here.clock.pending).toBe(0);
    await holds(here, 1);
    expect(here.clock.pending).toBe(1);
    here.limiter.close();
    expect(here.clock.pending).toBe(0);
    await holds(here, 1);
    expect(here.clock.pending).toBe(0);
  });

  test('[L3] what is given back while an answer is on its way is not counted for ever', async () => {
    const [first] = await holds(here, 1);
    const second = holds(here, 1);
    first?.();
    await second;
    await here.settled();
    expect(await countsInRedis()).toEqual({ here: 1 });
    const refused = holds(there, 5, 3);
    expect(await refused).toHaveLength(2);
    await there.settled();
    expect(await countsInRedis()).toEqual({ here: 1, there: 2 });
  });

  test('a Redis that knows no scripts, as after a restart, is taught them without a miscount', async () => {
    await holds(here, 1);
    await server.ask((redis) => redis.script('FLUSH'));
    const [second, third] = [holds(here, 1), holds(here, 1)];
    for (const release of [...(await second), ...(await third)]) release();
    await here.settled();
    await here.settled();
    expect(await countsInRedis()).toEqual({ here: 1 });
  });

  test('[L2] counts for itself while Redis is gone, and with the others again when it is back', async () => {
    expect(await takes(here, 'a', 3)).toBe(3);
    expect(await holds(here, 1)).toHaveLength(1);
    await server.kill();
    // The limit is this node's alone.
    expect(await takes(here, 'a', 9)).toBe(4);
    expect(await takes(there, 'a', 9)).toBe(4);
    expect(await holds(here, 9)).toHaveLength(3);
    expect(await holds(there, 9)).toHaveLength(4);
    await server.restart();
    await Promise.all([here.log.event('redis_back'), there.log.event('redis_back')]);
    await Promise.all([here.settled(), there.settled()]);
    // What both hold was said again at once; the clock that would say it stands still.
    expect(await countsInRedis()).toEqual({ here: 4, there: 4 });
    expect(await holds(here, 1, 8)).toHaveLength(0);
    expect(await takes(here, 'b', 3)).toBe(3);
    expect(await takes(there, 'b', 3)).toBe(1);
    for (const { log } of [here, there]) {
      expect([log.count('redis_lost'), log.count('redis_back'), log.lines.length]).toEqual([1, 1, 2]);
    }
  });

  test('[L2] does not wait for a Redis that says nothing, and does not ask it again for a second', async () => {
    await takes(here, 'a', 3);
    server.pause();
    try {
      expect(await takes(here, 'a', 1)).toBe(1);
      // Were it asked now, it would say no.
      server.resume();
      expect(await takes(here, 'a', 3)).toBe(3);
      here.clock.advance(1000);
      expect(await takes(here, 'a', 3)).toBe(0);
    } finally {
      server.resume();
    }
  });

  test('[L2] a node that was busy itself does not take Redis for silent', async () => {
    await takes(there, 'a', 4);
    await takes(here, 'a', 1);
    const asked = here.limiter.take(rule, 'a');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
    await expect(asked).resolves.toMatchObject({ isAllowed: false });
  });

  test('[L2] [L3] gives back what it held before and during a silence', async () => {
    const before = await holds(here, 2);
    server.pause();
    const during = await holds(here, 2);
    expect(during).toHaveLength(2);
    server.resume();
    for (const release of [...before, ...during]) release();
    // Nothing is asked for a second, so Redis was not told; it is with the next round.
    here.clock.advance(20_000);
    await here.settled();
    expect(await countsInRedis()).toEqual({});
  });

  test('[L2] says once that Redis refuses, and counts for itself', async () => {
    await server.ask((redis) => redis.lpush(keys.rate('test', 'a'), 'a list'));
    expect(await takes(here, 'a', 9)).toBe(4);
    here.clock.advance(1000);
    expect(await takes(here, 'a', 1)).toBe(0);
    expect(here.log.count('limits_not_shared')).toBe(1);
    expect(here.log.lines.join('')).not.toContain('signaling:rate');
  });

  test('[L2] reads nonsense in its place as nothing taken', async () => {
    await server.ask((redis) => redis.set(keys.rate('test', 'a'), 'nonsense'));
    expect(await takes(here, 'a', 9)).toBe(4);
    await server.ask((redis) => redis.set(keys.rate('test', 'b'), '99999999999999'));
    const { isAllowed, retryAfterMs } = await here.limiter.take(rule, 'b');
    expect(isAllowed).toBe(false);
    expect(retryAfterMs).toBeLessThanOrEqual(HOUR_MS / 4);
  });

  test('[L1] asks Redis nothing where there is no limit', async () => {
    await here.limiter.take({ ...rule, limit: 0 }, 'a');
    await here.limiter.hold('sockets', 'a', 0);
    expect(await server.ask((redis) => redis.dbsize())).toBe(0);
  });
});
