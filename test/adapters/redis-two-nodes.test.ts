/** Two servers that have nothing in common but one Redis. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createApp } from '../../src/app.js';
import { ConfigError, loadConfig } from '../../src/config.js';
import { RedisServer } from '../support/redis.js';
import { TestServer } from '../support/server.js';

let redis: RedisServer;
let one: TestServer;
let two: TestServer;

beforeAll(async () => {
  redis = await RedisServer.start('--requirepass', 'hush');
  const env = { REDIS_URL: `redis://:hush@${redis.address}` };
  [one, two] = await Promise.all([TestServer.start(env), TestServer.start(env)]);
});
afterAll(async () => {
  await Promise.all([one.stop(), two.stop()]);
  await redis.stop();
});

test('[R1] [R4] a room made on one node is joined on the other, with a token of either', async () => {
  const [userOfOne, userOfTwo] = [await one.signIn(), await two.signIn()];
  const room = await one.createRoom(userOfTwo);
  await two.register(room, userOfOne.username, userOfOne);
  await one.register(room, userOfTwo.username, userOfTwo);
  await two.join(room, 'full', {}, userOfOne);
});

test('[R1] a room deleted on one node is gone on the other', async () => {
  const user = await one.signIn();
  const room = await one.createRoom(user);
  await one.register(room, user.username, user);
  await one.post('/delete-peers-and-room', { peer_id: user.username });
  const peer = await two.connect();
  peer.send({ type: 'register', peer_id: 'late', ...room, id_token: user.id_token });
  await peer.expect({ type: 'error', reason: 'Room not found' });
});

test('[R1] [R5] the start-up lines say where rooms and the key live, without the password', () => {
  expect(one.app.decisions).toEqual([
    'Identities: embedded, signed with the key that all nodes share in Redis.',
    `Rooms: Redis at ${redis.address}.`,
    expect.stringMatching(
      `^Nodes: this one is node-[0-9a-f]{8}, among all that share Redis at ${redis.address}.$`,
    ),
    `Chat: Redis at ${redis.address}, as lasting as that is.`,
    'ICE: no servers; peers find each other on one network only.',
    'Media: peer to peer only.',
  ]);
});

test('[R4] LOCAL_SIGNING_KEY wins over the shared key', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const env = { REDIS_URL: `redis://:hush@${redis.address}`, LOCAL_SIGNING_KEY: pem };
  const third = await TestServer.start(env);
  expect(third.app.decisions[0]).toBe('Identities: embedded, signed with LOCAL_SIGNING_KEY.');
  const stranger = await third.signIn();
  expect((await one.post('/create-room', undefined, stranger.id_token)).status).toBe(401);
  await third.stop();
});

test('[R7] the start fails with a readable line when Redis refuses the password', async () => {
  const config = loadConfig({
    REDIS_URL: `redis://:wrong@${redis.address}`,
    LOG_LEVEL: 'silent',
    AUDIT_LOG: 'none',
  });
  const failure = createApp(config);
  await expect(failure).rejects.toThrow(ConfigError);
  await expect(failure).rejects.toThrow(`Redis at ${redis.address} refuses the login: WRONGPASS`);
});

test('[R3] [H9] [B2] without Redis: not ready, 500 in the documented words; with it again: as before', async () => {
  const user = await one.signIn();
  const room = await one.createRoom(user);
  const [left, right] = [await one.register(room, 'left', user), await one.register(room, 'right', user)];
  redis.pause();
  const answer = one.post('/create-room', undefined, user.id_token);
  left.send({ type: 'offer', sender: 'left', target: 'right', sdp: 'still here' });
  await right.expect({ type: 'offer', sdp: 'still here' });
  expect(await answer).toEqual({ status: 500, text: 'Internal Server Error' });
  expect((await fetch(`${one.http}/readyz`)).status).toBe(503);
  expect((await fetch(`${one.http}/healthz`)).status).toBe(200);
  redis.resume();
  while ((await fetch(`${one.http}/readyz`)).status !== 200);
  expect((await one.post('/create-room', undefined, user.id_token)).status).toBe(200);
});
