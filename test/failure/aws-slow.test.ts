/** AWS slow, silent or refusing: the call that needs it fails by itself, and nobody else waits (D14). */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startAwsEmulators, type AwsEmulators } from '../support/aws-emulators.js';
import { TestServer, type Room, type User } from '../support/server.js';
import type { TestPeer } from '../support/test-peer.js';

let aws: AwsEmulators;
let server: TestServer;
let user: User;
let room: Room;
let worker: TestPeer;
let client: TestPeer;

beforeAll(async () => {
  aws = await startAwsEmulators();
  Object.assign(process.env, aws.env);
  server = await TestServer.start(aws.env);
  user = await server.signIn();
  room = await server.createRoom(user);
  worker = await server.register(room, 'worker', user);
  client = await server.register(room, 'client', user);
});
afterAll(async () => {
  await server.stop();
  await aws.stop();
});
afterEach(() => {
  for (const fault of Object.values(aws.faults)) fault.set({ kind: 'pass' });
});

/** Round trips between two joined peers that fit before `pending` settles; all must arrive, in order. */
async function relayUntil(pending: Promise<unknown>): Promise<number> {
  const state = { isPending: true };
  void pending.finally(() => {
    state.isPending = false;
  });
  let trips = 0;
  while (state.isPending) {
    client.send({ type: 'offer', sender: 'client', target: 'worker', trips });
    await worker.expect({ type: 'offer', trips });
    worker.send({ type: 'answer', sender: 'worker', target: 'client', trips });
    await client.expect({ type: 'answer', trips });
    trips += 1;
  }
  return trips;
}

test.each([
  ['answers 5 s late', { kind: 'delay', ms: 5_000 }],
  ['answers nothing', { kind: 'hang' }],
  ['refuses connections', { kind: 'refuse' }],
] as const)('[B2] [D14] DynamoDB %s: register says so, peers relay meanwhile', async (_what, fault) => {
  const newcomer = await server.connect();
  aws.faults.dynamodb.set(fault);
  newcomer.send({ type: 'register', peer_id: 'newcomer', ...room, id_token: user.id_token });
  // The fault stays: what ends the wait is the server's own bound.
  const answer = newcomer.nextRaw();
  const trips = await relayUntil(answer);
  expect(await answer).toBe('{"type": "error", "reason": "DynamoDB error"}');
  // Seconds of silence at the store are hundreds of round trips here; a refusal is over at once.
  expect(trips).toBeGreaterThan(fault.kind === 'refuse' ? 0 : 100);
  aws.faults.dynamodb.set({ kind: 'pass' });
  newcomer.send({ type: 'register', peer_id: 'newcomer', ...room, id_token: user.id_token });
  await newcomer.expect({ type: 'registered_auth' });
  newcomer.drop();
});

test('[B2] DynamoDB has 64 connections at most: who comes beyond waits for one, and is served', async () => {
  aws.faults.dynamodb.set({ kind: 'hang' });
  const asked = Array.from({ length: 200 }, () => server.post('/create-room', undefined, user.id_token));
  await aws.faults.dynamodb.busy(64);
  aws.faults.dynamodb.set({ kind: 'pass' });
  expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([200]));
  expect(aws.faults.dynamodb.mostClients).toBe(64);
});

test('[B2] [H2] DynamoDB silent: create-room says 500, and the next one works', async () => {
  aws.faults.dynamodb.set({ kind: 'hang' });
  const answer = server.post('/create-room', undefined, user.id_token);
  await relayUntil(answer);
  expect(await answer).toEqual({ status: 500, text: 'Internal Server Error' });
  aws.faults.dynamodb.set({ kind: 'pass' });
  expect((await server.post('/create-room', undefined, user.id_token)).status).toBe(200);
});

test('[B2] [H1] [D13] Cognito silent: sign-in says so without a word of where', async () => {
  aws.faults.cognito.set({ kind: 'hang' });
  const answer = server.post('/anonymous-signin');
  await relayUntil(answer);
  const { status, text } = await answer;
  expect(status).toBe(500);
  expect(text).toMatch(/^\{"detail":"Anonymous sign-in failed: [^"]+"\}$/);
  expect(text).not.toMatch(/127\.0\.0\.1|http|aws/i);
});

test('[H5] Cognito silent: deletion keeps the peers, can be repeated, and then deletes their users', async () => {
  const [one, two] = [await server.signIn(), await server.signIn()];
  const there = await server.createRoom(one);
  const first = await server.register(there, one.username, one);
  const second = await server.register(there, two.username, two);
  aws.faults.cognito.set({ kind: 'hang' });
  const answer = server.post('/delete-peers-and-room', { peer_id: one.username });
  await relayUntil(answer);
  expect((await answer).text).toBe('{"status":"peer deleted successfully"}');
  first.send({ type: 'offer', sender: one.username, target: two.username, still: 'here' });
  await second.expect({ still: 'here' });
  aws.faults.cognito.set({ kind: 'pass' });
  expect((await server.post('/delete-peers-and-room', { peer_id: one.username })).status).toBe(200);
  expect([await aws.userExists(one.username), await aws.userExists(two.username)]).toEqual([false, false]);
  expect(await aws.getItem(there.room_id)).toBeUndefined();
});

test('[H9] readiness follows the store; liveness does not', async () => {
  aws.faults.dynamodb.set({ kind: 'refuse' });
  const statuses = async (): Promise<number[]> => [
    (await fetch(`${server.http}/healthz`)).status,
    (await fetch(`${server.http}/readyz`)).status,
  ];
  expect(await statuses()).toEqual([200, 503]);
});
