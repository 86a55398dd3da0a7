import { createPrivateKey } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { keys } from '../../src/adapters/redis/keys.js';
import type { RedisConnection } from '../../src/adapters/redis/redis-connection.js';
import { RedisSigningKey } from '../../src/adapters/redis/redis-signing-key.js';
import { openRedis, RedisLog, RedisServer } from '../support/redis.js';

let server: RedisServer;
let log: RedisLog;
const opened: RedisConnection[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
});
beforeEach(async () => {
  log = new RedisLog();
  await server.ask((redis) => redis.flushall());
});
afterEach(() => {
  for (const connection of opened.splice(0)) connection.close();
});
afterAll(async () => {
  await server.stop();
});

async function openKey(): Promise<RedisSigningKey> {
  const connection = openRedis({ REDIS_URL: server.url }, log);
  opened.push(connection);
  await connection.start();
  return RedisSigningKey.open(connection, log.logger);
}

const stored = (): Promise<string | null> => server.ask((redis) => redis.get(keys.signingKey));

test('[R4] the first node makes the key, the others read it', async () => {
  const first = await openKey();
  const second = await openKey();
  expect(second.pem).toBe(first.pem);
  expect(createPrivateKey(first.pem)).toMatchObject({ asymmetricKeyType: 'rsa' });
  await expect(server.ask((redis) => redis.ttl(keys.signingKey))).resolves.toBe(-1);
});

test('[R4] nodes that start at the same instant agree', async () => {
  const nodes = await Promise.all([1, 2, 3, 4].map(() => openKey()));
  expect(new Set(nodes.map(({ pem }) => pem)).size).toBe(1);
  await expect(stored()).resolves.toBe(nodes[0]?.pem);
});

test('[R4] running nodes put the key back when Redis lost it', async () => {
  const { pem } = await openKey();
  await server.kill();
  await server.restart();
  while ((await stored()) === null);
  await expect(stored()).resolves.toBe(pem);
  expect((await openKey()).pem).toBe(pem);
});

test('[R4] [R5] a node whose key is not the shared one any more says so, without the key', async () => {
  const { pem } = await openKey();
  await server.ask(async (redis) => {
    await redis.set(keys.signingKey, 'of another node');
    await redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  });
  await log.event('redis_signing_key_differs');
  expect(log.lines.join('')).not.toContain(pem.slice(40, 80));
  expect(log.lines.join('')).not.toContain('of another node');
});

test('[R4] what is no key is not taken for one, and not quoted', async () => {
  await server.ask((redis) => redis.set(keys.signingKey, 'no key'));
  await expect(openKey()).rejects.toThrow(
    'the key signaling:signing-key in Redis is not a private key as PEM',
  );
});
