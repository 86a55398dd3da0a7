import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { keys } from '../../src/adapters/redis/keys.js';
import type { RedisConnection } from '../../src/adapters/redis/redis-connection.js';
import { RedisRoomStore } from '../../src/adapters/redis/redis-room-store.js';
import { SignalingError } from '../../src/protocol/errors.js';
import { asRoomId } from '../../src/protocol/ids.js';
import { roomStatuses, type RoomRecord } from '../../src/protocol/records.js';
import { roomStoreContract } from '../contracts/room-store-contract.js';
import { openRedis, RedisCluster, RedisServer } from '../support/redis.js';

const NOW_S = Math.floor(Date.now() / 1000);
const RECORD = {
  roomId: asRoomId('0a1b2c3d'),
  createdBy: 'subject',
  token: 'a1b2c3',
  expiresAtS: NOW_S + 7200,
};

async function connect(env: Record<string, string>): Promise<RedisConnection> {
  const connection = openRedis(env);
  await connection.start();
  return connection;
}

roomStoreContract('RedisRoomStore on one Redis', NOW_S, async () => {
  const server = await RedisServer.start();
  const connection = await connect({ REDIS_URL: server.url });
  return {
    store: new RedisRoomStore(connection),
    stop: async () => {
      connection.close();
      await server.stop();
    },
  };
});

roomStoreContract('RedisRoomStore on a cluster of three', NOW_S, async () => {
  const cluster = await RedisCluster.start();
  const connection = await connect({ REDIS_CLUSTER_NODES: cluster.nodes });
  return {
    store: new RedisRoomStore(connection),
    stop: async () => {
      connection.close();
      await cluster.stop();
    },
  };
});

describe('RedisRoomStore', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let store: RedisRoomStore;

  beforeAll(async () => {
    server = await RedisServer.start();
    connection = await connect({ REDIS_URL: server.url });
    store = new RedisRoomStore(connection);
  });
  afterAll(async () => {
    connection.close();
    await server.stop();
  });

  const expectUnavailable = async (call: Promise<unknown>): Promise<void> => {
    const error = await call.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: new SignalingError('STORE_UNAVAILABLE').message,
    });
    expect((error as SignalingError).cause).toBeInstanceOf(Error);
  };

  test("[R2] writes the Python server's attributes, and lets Redis remove them an hour past the expiry", async () => {
    await store.create(RECORD, NOW_S);
    const key = keys.room(RECORD.roomId);
    await expect(server.ask((redis) => redis.hgetall(key))).resolves.toEqual({
      created_by: 'subject',
      token: 'a1b2c3',
      expires_at: String(NOW_S + 7200),
    });
    await expect(server.ask((redis) => redis.expiretime(key))).resolves.toBe(NOW_S + 7200 + 3600);
  });

  test('[R2] a room taken anew lives as long as the new one', async () => {
    const room = { ...RECORD, roomId: asRoomId('again'), expiresAtS: NOW_S - 60 };
    await store.create(room, NOW_S - 120);
    await expect(store.create({ ...room, expiresAtS: NOW_S + 60 }, NOW_S)).resolves.toBe('created');
    const key = keys.room(room.roomId);
    await expect(server.ask((redis) => redis.expiretime(key))).resolves.toBe(NOW_S + 60 + 3600);
  });

  test('[R2] a room past keeping is gone', async () => {
    const room = { ...RECORD, roomId: asRoomId('old'), expiresAtS: NOW_S - 3700 };
    await expect(store.create(room, NOW_S - 7200)).resolves.toBe('created');
    await expect(store.find(room.roomId)).resolves.toBeUndefined();
  });

  test('reads a room with attributes that it does not know', async () => {
    const fields = { created_by: 's', token: 't', expires_at: '1700000001', name: 'of a later version' };
    await server.ask((redis) => redis.hset(keys.room(asRoomId('theirs')), fields));
    await expect(store.find(asRoomId('theirs'))).resolves.toEqual({
      roomId: 'theirs',
      createdBy: 's',
      token: 't',
      expiresAtS: 1_700_000_001,
    });
  });

  test.each([
    ['no expires_at', { created_by: 's', token: 't' }],
    ['no token', { created_by: 's', expires_at: '1700000001' }],
    ['no created_by', { token: 't', expires_at: '1700000001' }],
    ['expires_at that is no number', { created_by: 's', token: 't', expires_at: 'tomorrow' }],
    ['expires_at that is no integer', { created_by: 's', token: 't', expires_at: '1700000001.5' }],
  ])('refuses to read a room with %s', async (name, fields) => {
    await server.ask((redis) => redis.hset(keys.room(asRoomId(name)), fields));
    await expectUnavailable(store.find(asRoomId(name)));
  });

  test('does not overwrite a room whose expiry it cannot read', async () => {
    const roomId = asRoomId('unreadable');
    await server.ask((redis) => redis.hset(keys.room(roomId), { expires_at: 'tomorrow' }));
    await expect(store.create({ ...RECORD, roomId }, NOW_S)).resolves.toBe('taken');
  });

  test('is unavailable where its key holds something else', async () => {
    const roomId = asRoomId('text');
    await server.ask((redis) => redis.set(keys.room(roomId), 'text'));
    await expectUnavailable(store.find(roomId));
    await expectUnavailable(store.create({ ...RECORD, roomId }, NOW_S));
  });

  test('[R5] its errors do not carry the arguments of the command that failed', async () => {
    const roomId = asRoomId('text');
    const failure = await store
      .create({ ...RECORD, roomId, token: 'ffeedd' }, NOW_S)
      .catch((e: unknown) => e);
    const { cause } = failure as SignalingError;
    expect(Object.values(cause as object).map((value) => JSON.stringify(value))).not.toContainEqual(
      expect.stringContaining('ffeedd'),
    );
  });

  test('keeps ids apart whatever braces they have, and each in one slot of a cluster', async () => {
    const ids = ['}', '{}', '}{', 'a}b', 'a', '%7D', '%', ''].map(asRoomId);
    for (const roomId of ids) await store.create({ ...RECORD, roomId, token: `of ${roomId}` }, NOW_S);
    for (const roomId of ids) {
      await expect(store.find(roomId)).resolves.toMatchObject({ roomId, token: `of ${roomId}` });
    }
    for (const roomId of ids.filter((id) => id !== '')) {
      expect(keys.room(roomId)).toMatch(/^room:\{[^{}]+\}:record$/);
    }
  });

  describe('lists rooms by an index beside them', () => {
    const listed = (name: string, ageMs: number, fields: Partial<RoomRecord> = {}): RoomRecord => ({
      ...RECORD,
      roomId: asRoomId(name),
      isOpen: true,
      listing: { status: 'waiting', createdAtMs: NOW_S * 1000 - ageMs, hostName: 'host' },
      ...fields,
    });
    const page = { limit: 20, offset: 0, nowS: NOW_S };
    const index = keys.roomIndex('waiting');
    const members = (key: string): Promise<string[]> => server.ask((redis) => redis.zrange(key, 0, -1));

    beforeEach(async () => {
      await server.ask((redis) => redis.flushall());
    });

    test('[R2] writes more attributes, and an index that ends with its longest-lived room', async () => {
      const room = listed('a', 0);
      await store.create({ ...room, expiresAtS: NOW_S + 9000 }, NOW_S);
      await store.create(listed('b', 0), NOW_S);
      await expect(server.ask((redis) => redis.hgetall(keys.room(room.roomId)))).resolves.toEqual({
        created_by: 'subject',
        token: 'a1b2c3',
        expires_at: String(NOW_S + 9000),
        is_open: '1',
        status: 'waiting',
        created_at: String(NOW_S * 1000),
        host_name: 'host',
      });
      await expect(server.ask((redis) => redis.expiretime(index))).resolves.toBe(NOW_S + 9000 + 3600);
    });

    test('[Y2] [Y3] a room that is not open has no entry, whatever is done to it', async () => {
      const room = listed('hidden', 0, { isOpen: false });
      await store.create(room, NOW_S);
      for (const status of roomStatuses) {
        await expect(store.setStatus(room.roomId, status)).resolves.toBe(true);
        await expect(store.find(room.roomId)).resolves.toMatchObject({ listing: { status } });
      }
      await expect(server.ask((redis) => redis.keys('*'))).resolves.toEqual([keys.room(room.roomId)]);
    });

    test('[Y2] strikes off the entry of a room that is not open', async () => {
      const room = listed('a', 0);
      await store.create(room, NOW_S);
      await server.ask((redis) => redis.hset(keys.room(room.roomId), 'is_open', '0'));
      await expect(store.list(page)).resolves.toEqual({ rooms: [] });
      await expect(members(index)).resolves.toEqual([]);
    });

    test('[Y2] passes over a room that it cannot read', async () => {
      const [broken, whole] = [listed('broken', 0), listed('whole', 1)];
      await store.create(broken, NOW_S);
      await store.create(whole, NOW_S);
      await server.ask((redis) => redis.hdel(keys.room(broken.roomId), 'token'));
      await expect(store.list(page)).resolves.toEqual({ rooms: [whole] });
      await expectUnavailable(store.find(broken.roomId));
    });

    test('drops an entry without a room, and strikes it off once no creation can be under way', async () => {
      await store.create(listed('old', 61_000), NOW_S);
      await store.create(listed('young', 1000), NOW_S);
      for (const name of ['old', 'young']) {
        await server.ask((redis) => redis.del(keys.room(asRoomId(name))));
      }
      await expect(store.list(page)).resolves.toEqual({ rooms: [] });
      await expect(members(index)).resolves.toEqual([expect.stringMatching(/:young$/)]);
    });

    test('puts a room where its status says that it is, when whoever set it did not get so far', async () => {
      const room = listed('a', 0);
      await store.create(room, NOW_S);
      await server.ask((redis) => redis.hset(keys.room(room.roomId), 'status', 'playing'));
      await expect(store.list({ ...page, status: 'waiting' })).resolves.toEqual({ rooms: [] });
      await expect(store.list({ ...page, status: 'playing' })).resolves.toMatchObject({
        rooms: [{ roomId: 'a', listing: { status: 'playing' } }],
      });
      await expect(members(index)).resolves.toEqual([]);
    });

    test('shows a room once that stands under two statuses', async () => {
      const room = listed('a', 0);
      await store.create(room, NOW_S);
      const [member = ''] = await members(index);
      await server.ask((redis) => redis.zadd(keys.roomIndex('finished'), NOW_S * 1000, member));
      await expect(store.list(page)).resolves.toEqual({ rooms: [room] });
    });

    test('what is past keeping is struck off by who lists, and does not shorten the page', async () => {
      const past = { expiresAtS: NOW_S - 3601 };
      for (let count = 0; count < 30; count += 1) {
        const member = `${NOW_S * 1000 - count}:${past.expiresAtS}:room-${count}`;
        await server.ask((redis) => redis.zadd(index, NOW_S * 1000 - count, member));
      }
      const room = listed('live', 1000);
      await store.create(room, NOW_S);
      await expect(store.list({ ...page, limit: 1 })).resolves.toEqual({ rooms: [room] });
    });

    test('is swept while rooms are made that nobody lists', async () => {
      await server.ask(async (redis) => {
        for (let count = 0; count < 200; count += 1) {
          await redis.zadd(index, count, `${count}:${NOW_S - 3601}:room-${count}`);
        }
      });
      for (let count = 0; count < 200; count += 1) await store.create(listed(`new-${count}`, 0), NOW_S);
      expect((await members(index)).length).toBeLessThan(200 + 50);
    });

    test('an entry in no form of ours is not listed', async () => {
      await server.ask((redis) => redis.zadd(index, 1, 'nonsense'));
      await expect(store.list(page)).resolves.toEqual({ rooms: [] });
    });

    test('[R3] is unavailable where its key holds something else', async () => {
      await server.ask((redis) => redis.set(index, 'text'));
      await expectUnavailable(store.list(page));
      await expectUnavailable(store.create(listed('a', 0), NOW_S));
    });
  });
});
