/** `RedisPresence` while Redis is away, and after it is back. */
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { keys } from '../../src/adapters/redis/keys.js';
import type { Presence, RoomChange, SeatClaim } from '../../src/ports/presence.js';
import { asNodeId, asPeerId, asRoomId, asSessionId } from '../../src/protocol/ids.js';
import type { SeatRecord } from '../../src/protocol/records.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { RedisSentinelSet, RedisServer } from '../support/redis.js';
import { RedisNodes } from '../support/redis-nodes.js';

const roomId = asRoomId('room');
const terms = { maxPeers: 10, expiresAtS: Math.floor(Date.now() / 1000) + 7200, createdBy: 'creator' };
const known = { ...terms, host: undefined };

function claim(peer: string): SeatClaim {
  const peerId = asPeerId(peer);
  return {
    roomId,
    peerId,
    sessionId: asSessionId(randomUUID()),
    identity: { sub: peer, username: peer },
    card: { peerId, role: 'peer', metadata: {}, connectedAtMs: 0 },
    isQuiet: false,
    standing: 'here',
    tokenHashes: [],
  };
}

async function enter(presence: Presence, seat: SeatClaim): Promise<SeatRecord> {
  const outcome = await presence.enter(seat, terms);
  if (outcome.outcome !== 'seated') throw new Error(outcome.outcome);
  return outcome.seat;
}

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

interface Watcher {
  readonly presence: Presence;
  readonly changes: RoomChange[];
  /** Resolves when what was asked for holds; looks again with each event. */
  readonly until: (holds: () => boolean) => Promise<void>;
  readonly restored: (times: number) => Promise<void>;
}

async function watcher(nodes: RedisNodes): Promise<Watcher> {
  const { presence } = await nodes.open(asNodeId(randomUUID()));
  const changes: RoomChange[] = [];
  let [count, look] = [0, (): void => undefined];
  presence.onChange((change) => {
    changes.push(change);
    look();
  });
  presence.onRestored(() => {
    count += 1;
    look();
  });
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds())
      await new Promise<void>((resolve) => {
        look = resolve;
      });
  };
  await presence.watch(roomId);
  return { presence, changes, until, restored: (times) => until(() => count >= times) };
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

  test('[N5] restarted without its memory: each node is told, puts its seats back, and hears changes again', async () => {
    const [one, two] = [await watcher(nodes), await watcher(nodes)];
    const anna = await enter(one.presence, claim('anna'));
    const ben = await enter(two.presence, claim('ben'));
    await server.restart();
    await Promise.all([one.restored(1), two.restored(1)]);
    await one.presence.reconcile(roomId, () => [anna], known);
    const view = await two.presence.reconcile(roomId, () => [ben], known);
    expect([...view.seats].sort((a, b) => a.generation - b.generation)).toEqual([anna, ben]);
    const carl = await enter(one.presence, claim('carl'));
    await two.until(() => two.changes.at(-1)?.version === carl.generation);
    // The node is found again, should it die.
    await expect(server.ask((redis) => redis.zcard(keys.nodeRooms(one.presence.nodeId)))).resolves.toBe(1);
  });

  test('[C2] it is known to be interrupted until the node is told that it is back, although it answers before', async () => {
    const { presence, restored } = await watcher(nodes);
    expect(presence.isInterrupted).toBe(false);
    let isTold = false;
    presence.onRestored(() => {
      isTold = true;
    });
    server.pause();
    await expect(presence.view(roomId)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    server.resume();
    await eventually(() => presence.view(roomId));
    expect(presence.isInterrupted).toBe(!isTold);
    await restored(1);
    expect(presence.isInterrupted).toBe(false);
  });

  test('[N10] stopped: steps are refused, and what was refused is not carried out when it goes on', async () => {
    const one = await watcher(nodes);
    await one.presence.renewLease(60_000);
    const anna = await enter(one.presence, claim('anna'));
    const ben = await enter(one.presence, claim('ben'));
    server.pause();
    const calls = await Promise.allSettled([
      one.presence.enter(claim('carl'), terms),
      one.presence.update({ ...anna, standing: 'away' }),
      one.presence.leave(anna, 'left'),
      one.presence.kick(anna, ben.peerId, { banMs: 60_000 }),
      one.presence.transferHost(anna, ben.peerId),
      one.presence.view(roomId),
      one.presence.watch(asRoomId('another')),
    ]);
    expect(calls.map(({ status }) => status)).toEqual(calls.map(() => 'rejected'));
    for (const call of calls)
      if (call.status === 'rejected')
        expect(call.reason).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    server.resume();
    await one.restored(1);
    const view = await eventually(() => one.presence.view(roomId));
    expect(new Set(view.seats)).toEqual(new Set([anna, ben]));
    expect(view).toMatchObject({ host: 'anna', kicked: [] });
    await expect(one.presence.update({ ...anna, standing: 'away' })).resolves.toBe(true);
  });

  test('gone, and an empty one in its place, while a step waits: it is carried out once', async () => {
    const [proxy, next] = [await FaultProxy.start(server.port), await RedisServer.start()];
    const behind = new RedisNodes({ REDIS_URL: proxy.url.replace('http:', 'redis:') });
    try {
      const one = await watcher(behind);
      proxy.set({ kind: 'refuse' });
      const entering = enter(one.presence, claim('anna'));
      proxy.aim(next.port);
      proxy.set({ kind: 'pass' });
      const seat = await entering;
      expect((await one.presence.view(roomId)).seats).toEqual([seat]);
      await one.restored(1);
    } finally {
      behind.close();
      await proxy.stop();
      await next.stop();
    }
  });

  test('a connection that only listens and was cut is made anew, and its node told', async () => {
    const [one, two] = [await watcher(nodes), await watcher(nodes)];
    await server.ask((redis) => redis.client('KILL', 'TYPE', 'PUBSUB'));
    await Promise.all([one.restored(1), two.restored(1)]);
    const seat = await enter(one.presence, claim('anna'));
    await two.until(() => two.changes.some(({ version }) => version === seat.generation));
  });

  test('[R3] connections whose other end has vanished are left, though nobody calls, and their node is told', async () => {
    const proxy = await FaultProxy.start(server.port);
    const behind = new RedisNodes({ REDIS_URL: proxy.url.replace('http:', 'redis:') });
    try {
      const [one, two] = [await watcher(nodes), await watcher(behind)];
      proxy.set({ kind: 'hang-old' });
      await two.restored(1);
      const seat = await enter(one.presence, claim('anna'));
      await two.until(() => two.changes.some(({ version }) => version === seat.generation));
    } finally {
      behind.close();
      await proxy.stop();
    }
  });

  test('[N3] [N4] after an interruption, and until a room is reconciled, a seat that is missing may have been lost', async () => {
    const [one, two] = [await watcher(nodes), await watcher(nodes)];
    const [anna, ben] = [await enter(one.presence, claim('anna')), await enter(one.presence, claim('ben'))];
    // As a replica that had not heard of them yet, and then became the master.
    const lose = (): Promise<number> =>
      server.ask((redis) => redis.hdel(keys.seats(roomId), 's:anna', 's:ben'));
    await lose();
    await expect(one.presence.update(anna)).resolves.toBe(false);
    await server.ask((redis) => redis.client('KILL', 'TYPE', 'NORMAL', 'SKIPME', 'yes'));
    await one.restored(1);
    await expect(one.presence.update(anna)).resolves.toBe(true);
    await expect(one.presence.leave(ben, 'left')).resolves.toBe(true);
    await two.until(() => two.changes.some(({ what }) => what.kind === 'gone' && what.peerId === ben.peerId));
    await one.presence.reconcile(roomId, () => [anna], known);
    await lose();
    await expect(one.presence.update(anna)).resolves.toBe(false);
  });

  test('[N4] [N5] what is given up while a node reconciles is not put back', async () => {
    const one = await watcher(nodes);
    const [anna, ben] = [await enter(one.presence, claim('anna')), await enter(one.presence, claim('ben'))];
    await server.ask((redis) => redis.script('FLUSH'));
    // One script is known again, the other must be sent: what was called later is carried out before it.
    await one.presence.leave({ ...anna, generation: 1 }, 'left');
    const seats = [anna, ben];
    let leaving: Promise<unknown> | undefined;
    const own = (): typeof seats => {
      setImmediate(() => {
        if (leaving !== undefined) return;
        seats.pop();
        leaving = one.presence.leave(ben, 'left');
      });
      return [...seats];
    };
    await one.presence.reconcile(roomId, own, known);
    await expect(leaving).resolves.toBe(true);
    expect((await one.presence.view(roomId)).seats).toEqual([anna]);
  });

  test('[N4] [N5] what is given up between an interruption and its reconciliation is not put back', async () => {
    const one = await watcher(nodes);
    const [anna, ben] = [await enter(one.presence, claim('anna')), await enter(one.presence, claim('ben'))];
    await server.ask((redis) => redis.client('KILL', 'TYPE', 'NORMAL', 'SKIPME', 'yes'));
    await one.restored(1);
    await expect(one.presence.leave(ben, 'left')).resolves.toBe(true);
    // What was asked before that, over a connection that was given up since, may come late.
    const view = await one.presence.reconcile(roomId, () => [anna, ben], known);
    expect(view.seats).toEqual([anna]);
  });

  test('[N5] what is taken while a node reconciles is not taken for a stray', async () => {
    const one = await watcher(nodes);
    const anna = await enter(one.presence, claim('anna'));
    const entering = Array.from({ length: 20 }, (_, at) =>
      enter(one.presence, claim(`peer ${String(at)}`)).catch(() => undefined),
    );
    const views = Array.from({ length: 5 }, () => one.presence.reconcile(roomId, () => [anna], known));
    await Promise.all([...entering, ...views]);
    expect((await one.presence.view(roomId)).seats).toHaveLength(10);
  });
});

test('[R6] [N5] a Sentinel failover is followed: nodes are told, and put their seats back', async () => {
  const set = await RedisSentinelSet.start();
  const nodes = new RedisNodes({ REDIS_SENTINELS: set.sentinel.address, REDIS_SENTINEL_NAME: 'main' });
  try {
    const [one, two] = [await watcher(nodes), await watcher(nodes)];
    const anna = await enter(one.presence, claim('anna'));
    await set.master.kill();
    await Promise.all([one.restored(1), two.restored(1)]);
    const view = await eventually(() => one.presence.reconcile(roomId, () => [anna], known));
    expect(view.seats).toEqual([anna]);
    const ben = await enter(two.presence, claim('ben'));
    await one.until(() => one.changes.some(({ version }) => version === ben.generation));
  } finally {
    nodes.close();
    await set.stop();
  }
});
