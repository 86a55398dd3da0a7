import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { keys } from '../../src/adapters/redis/keys.js';
import type { RedisConnection } from '../../src/adapters/redis/redis-connection.js';
import { RedisRoomStore } from '../../src/adapters/redis/redis-room-store.js';
import { SignalingError } from '../../src/protocol/errors.js';
import { asRoomId } from '../../src/protocol/ids.js';
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
});
