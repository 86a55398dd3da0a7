/** What a server's figures count, looked at from outside. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DynamoRoomStore } from '../../src/adapters/dynamodb/dynamo-room-store.js';
import { MemoryRoomStore } from '../../src/adapters/memory/memory-room-store.js';
import { MeteredTelemetry } from '../../src/adapters/system/metered-telemetry.js';
import { SystemClock } from '../../src/adapters/system/system-clock.js';
import { dialectLabel, dialectLabels } from '../../src/ports/metrics.js';
import { createTally } from '../../src/ports/runtime.js';
import { SignalingError } from '../../src/protocol/errors.js';
import { asRoomId } from '../../src/protocol/ids.js';
import { flatName } from '../../src/dialects/flat/name.js';
import { gatewayName } from '../../src/dialects/gateway/name.js';
import { webrtcName, webrtcSnakeName } from '../../src/dialects/webrtc/name.js';
import { startAwsEmulators, type AwsEmulators } from '../support/aws-emulators.js';
import { DialectPeer } from '../support/dialect-peers.js';
import { FakeClock } from '../support/fake-clock.js';
import { RedisServer } from '../support/redis.js';
import { RoamingPeer } from '../support/roaming-peer.js';
import { TestServer } from '../support/server.js';
import { TimedServer, turn } from '../support/timed-server.js';
import { TestNode } from '../support/test-node.js';
import { TestPeer } from '../support/test-peer.js';
import { Reading, runTool } from './reading.js';

/** The store is not asked more often. */
const askedAgainMs = 2_000;

/** Rooms in memory; whether they can be had is answered when the test says so. */
class HangingCheck extends MemoryRoomStore {
  #asked: { hasBegun: boolean; fail: () => void; readonly answer: Promise<void> } | undefined;

  /** From the next question on. */
  hang(): { readonly hasBegun: boolean; fail: () => void } {
    let fail: (reason: Error) => void = () => undefined;
    const answer = new Promise<void>((_resolve, reject) => {
      fail = reject;
    });
    // Nobody may be waiting for it yet.
    answer.catch(() => undefined);
    this.#asked = {
      hasBegun: false,
      answer,
      fail: () => {
        fail(new Error('away'));
      },
    };
    return this.#asked;
  }

  override check(): Promise<void> {
    if (this.#asked === undefined) return super.check();
    this.#asked.hasBegun = true;
    return this.#asked.answer;
  }
}

describe('on one node', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  test('[J1] says nothing of a Redis that there is not: 0 would be an alarm', async () => {
    const reading = await Reading.of(server.http);
    expect(() => reading.value('signaling_redis_connected')).toThrow('no signaling_redis_connected');
    // What there is, and is none just now, is 0.
    expect(reading.value('signaling_connections')).toBe(0);
  });

  test('[J2] counts each message once for each socket that it was handed to, and nothing that the server says', async () => {
    const node = new TestNode(server.http, server.ws);
    const user = await node.signIn();
    const room = await node.createRoom(user);
    const [anna, bert, carl] = [
      new RoamingPeer(room, 'anna', user),
      new RoamingPeer(room, 'bert', await node.signIn()),
      new RoamingPeer(room, 'carl', await node.signIn()),
    ];
    await anna.join(node);
    await bert.join(node);
    await carl.join(node);
    const relayed = async (): Promise<number> =>
      (await Reading.of(server.http)).value('signaling_relay_seconds_count', { path: 'local' });
    expect(await relayed()).toBe(0);
    anna.send({ type: 'candidate', target: 'bert', candidate: 'c' });
    await bert.until({ type: 'candidate' });
    expect(await relayed()).toBe(1);
    anna.send({ type: 'candidate', candidate: 'all', id: 'm1' });
    await Promise.all([bert.until({ candidate: 'all' }), carl.until({ candidate: 'all' })]);
    expect(await relayed()).toBe(3);
    anna.send({ type: 'candidate', target: 'bert', candidate: 'known', id: 'm2' });
    await anna.until({ type: 'accepted', reply_to: 'm2' });
    expect(await relayed()).toBe(4);
    // Nobody is there who could be handed anything: it waits.
    bert.cut();
    await anna.until({ type: 'user_disconnecting', peer_id: 'bert' });
    anna.send({ type: 'candidate', target: 'bert', candidate: 'later', id: 'm3' });
    await anna.until({ type: 'accepted', reply_to: 'm3' });
    const reading = await Reading.of(server.http);
    expect(reading.value('signaling_relay_seconds_count', { path: 'local' })).toBe(4);
    expect(reading.value('signaling_relay_seconds_bucket', { path: 'local', le: '+Inf' })).toBe(4);
    expect(reading.value('signaling_relay_seconds_count', { path: 'remote' })).toBe(0);
    expect(reading.value('signaling_sessions', { dialect: 'flat', state: 'detached' })).toBe(1);
    expect(reading.value('signaling_sessions', { dialect: 'flat', state: 'joined' })).toBe(2);
    expect(reading.value('signaling_rooms', { mode: 'P2P' })).toBe(1);
    node.hangUp();
  });

  test('[J4] tells joins, refusals, refused upgrades, ends and resumes apart by closed labels', async () => {
    const node = new TestNode(server.http, server.ws);
    const user = await node.signIn();
    const room = await node.createRoom(user);
    const parity = await node.register(room, 'parity', await node.signIn());
    const anna = new RoamingPeer(room, 'anna', user);
    await anna.join(node);
    anna.send({ type: 'candidate', target: 'nobody', candidate: 'c' });
    await anna.until({ type: 'error' });
    parity.send({ type: 'candidate', sender: 'parity', target: 'nobody' });
    await parity.expectNothing();
    const stranger = await node.connect();
    stranger.send({ type: 'join_room', ...room, id_token: 'none', peer_id: 'x' });
    await stranger.expect({ type: 'error', code: 'INVALID_TOKEN' });
    await expect(TestPeer.open(`${server.ws}/nowhere`)).rejects.toThrow('404');
    anna.cut();
    // It may come back before the server has noticed: that is a resume all the same.
    await anna.resume(node);
    const { claim } = anna;
    anna.send({ type: 'leave_room' });
    await anna.until({ type: 'room_left' });
    expect(await anna.join(node, { resume: claim })).toMatchObject({ resumed: false });
    const reading = await Reading.of(server.http);
    const value = (name: string, labels: Record<string, string>): number =>
      reading.value(`signaling_${name}_total`, labels);
    expect(value('joins', { dialect: 'flat' })).toBe(3);
    expect(value('joins', { dialect: 'webrtc' })).toBe(0);
    expect(value('joins_refused', { code: 'INVALID_TOKEN' })).toBe(1);
    expect(value('refusals', { code: 'PEER_NOT_FOUND', told: 'yes' })).toBe(1);
    expect(value('refusals', { code: 'PEER_NOT_FOUND', told: 'no' })).toBe(1);
    // What is counted as a refused join is not counted again.
    expect(value('refusals', { code: 'INVALID_TOKEN' })).toBe(0);
    expect(value('upgrades_refused', { status: '404' })).toBe(1);
    expect(value('resumes', { outcome: 'here' })).toBe(1);
    expect(value('resumes', { outcome: 'unknown' })).toBe(1);
    expect(value('closes', {})).toBeGreaterThanOrEqual(1);
    expect(reading.value('signaling_call_seconds_count', { service: 'join', outcome: 'refused' })).toBe(1);
    expect(reading.value('signaling_call_seconds_count', { service: 'join', operation: 'resume' })).toBe(2);
    node.hangUp();
  });

  test('[J4] counts a claim to an earlier session once, whatever becomes of its peer then', async () => {
    const small = await TestServer.start({ MAX_PEERS_PER_ROOM: '1' });
    const node = new TestNode(small.http, small.ws);
    const user = await node.signIn();
    const room = await node.createRoom(user);
    const anna = new RoamingPeer(room, 'anna', user);
    await anna.join(node);
    const { claim } = anna;
    anna.send({ type: 'leave_room' });
    await anna.until({ type: 'room_left' });
    const bert = await node.register(room, 'bert', await node.signIn());
    const peer = await node.connect();
    const join = { type: 'join_room', ...room, id_token: user.id_token, peer_id: 'anna', resume: claim };
    peer.send(join);
    await peer.expect({ type: 'error', code: 'ROOM_FULL' });
    peer.send({ ...join, room_id: 'AAAAAA' });
    await peer.expect({ type: 'error', code: 'ROOM_NOT_FOUND' });
    const reading = await Reading.of(small.http);
    const claims = (labels: Record<string, string>): number =>
      reading.value('signaling_resumes_total', labels);
    // Neither the session nor the room of the second is there: there is nothing to ask for again.
    expect([claims({}), claims({ outcome: 'unknown' })]).toEqual([2, 2]);
    bert.drop();
    node.hangUp();
    await small.stop();
  });

  test('[J1] promtool finds nothing to say, and no id or address is a label', async () => {
    const node = new TestNode(server.http, server.ws);
    const user = await node.signIn();
    const room = await node.createRoom(user);
    const parity = await node.register(room, 'a-peer-of-mine', user);
    const { text } = await Reading.of(server.http);
    // They list every socket, each time.
    expect(text).not.toContain('nodejs_active');
    expect(runTool('promtool', ['check', 'metrics'], text)).toEqual({ status: 0, output: '' });
    // Values are numbers, and chance may put six digits of a token into one.
    const names = text.replaceAll(/ \S+$/gm, '');
    for (const secret of [room.room_id, room.token, user.username, 'a-peer-of-mine', '127.0.0.1'])
      expect(names).not.toContain(secret);
    parity.drop();
  });

  test('[J1] each dialect has its label', () => {
    const names = [flatName, gatewayName, webrtcName, webrtcSnakeName];
    expect(names.map(dialectLabel)).toEqual(['flat', 'gateway', 'webrtc', 'webrtc']);
    expect(dialectLabel('something else')).toBe('other');
    expect(new Set([...names.map(dialectLabel), 'other'])).toEqual(new Set(dialectLabels));
  });
});

describe('[J2] what is not handed to a socket', () => {
  let timed: TimedServer;
  let node: TestNode;
  beforeEach(async () => {
    timed = await TimedServer.start();
    node = new TestNode(timed.server.http, timed.server.ws);
  });
  afterEach(async () => {
    node.hangUp();
    await timed.stop();
  });

  const local = (reading: Reading, part: 'count' | 'sum'): number =>
    reading.value(`signaling_relay_seconds_${part}`, { path: 'local' });

  test('because its dialect has no words for it is not counted, and lends its time to nothing that is said later', async () => {
    const { server, clock } = timed;
    const user = await node.signIn();
    const room = await node.createRoom(user);
    const anna = await server.join(room, 'anna', {}, user);
    const gwen = await DialectPeer.join('gateway', node, room, 'gwen', await node.signIn());
    await anna.expect({ type: 'user_joined' });
    const before = server.tally.frames_received;
    anna.send({ type: 'hand_raise', is_raised: true });
    while (server.tally.frames_received === before) await turn();
    expect(local(await Reading.of(server.http), 'count')).toBe(0);
    clock.advance(60_000);
    anna.send({ type: 'offer', target: 'gwen', sdp: 'v=0' });
    expect(await gwen.nextSignal()).toMatchObject({ kind: 'offer', from: 'anna' });
    const reading = await Reading.of(server.http);
    expect([local(reading, 'count'), local(reading, 'sum')]).toEqual([1, 0]);
    gwen.cut();
  });

  test('because its peer does not read lends its time to nothing that is said later', async () => {
    await timed.stop();
    timed = await TimedServer.start({ MAX_MESSAGE_BYTES: '65536', MAX_OUTBOX_BYTES: '131072' });
    const { server, clock } = timed;
    node = new TestNode(server.http, server.ws);
    const user = await node.signIn();
    const room = await node.createRoom(user);
    // Nobody is told anything that was not asked for: nothing leaves but what is relayed.
    const anna = await node.register(room, 'anna', user);
    const bert = await node.register(room, 'bert', await node.signIn());
    const carl = await node.register(room, 'carl', await node.signIn());
    bert.socket.pause();
    const large = 'x'.repeat(60_000);
    while (server.tally.slow_consumers === 0) {
      anna.send({ type: 'candidate', sender: 'anna', target: 'bert', candidate: large });
      await turn();
    }
    // What it was cut in is over.
    await turn();
    clock.advance(60_000);
    anna.send({ type: 'candidate', sender: 'anna', target: 'carl', candidate: 'c' });
    await carl.expect({ type: 'candidate', candidate: 'c' });
    expect(local(await Reading.of(server.http), 'sum')).toBe(0);
    bert.socket.resume();
  });
});

test('[J9] a room store that hangs does not hold up the figures, and they tell of it', async () => {
  const clock = new FakeClock();
  const store = new HangingCheck(clock);
  const timed = await TimedServer.start({}, { store }, clock);
  const { server } = timed;
  const ready = async (): Promise<number> => (await Reading.of(server.http)).value('signaling_ready');
  await ready();
  expect(await ready()).toBe(1);
  const asked = store.hang();
  // What was known is shown until the store has answered again.
  clock.advance(askedAgainMs);
  expect(await ready()).toBe(1);
  expect(asked.hasBegun).toBe(true);
  expect(await ready()).toBe(1);
  asked.fail();
  await ready();
  expect(await ready()).toBe(0);
  expect((await Reading.of(server.http)).value('signaling_not_ready', { reason: 'room_store' })).toBe(1);
  await timed.stop();
});

describe('on two nodes', () => {
  /** Its wall clock is fast. */
  class FastClock extends SystemClock {
    override now(): number {
      return super.now() + 5_000;
    }
  }

  let redis: RedisServer;
  let left: TestServer;
  let right: TestServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
    const env = { REDIS_URL: redis.url };
    left = await TestServer.start(env, { clock: new FastClock() });
    right = await TestServer.start(env);
  });
  afterAll(async () => {
    await Promise.all([left.stop(), right.stop()]);
    await redis.stop();
  });

  test('[J3] [J4] [J5] counts what crosses nodes where it arrives, and calls to Redis where they are made', async () => {
    const [here, there] = [new TestNode(left.http, left.ws), new TestNode(right.http, right.ws)];
    const user = await there.signIn();
    const room = await there.createRoom(user);
    const anna = new RoamingPeer(room, 'anna', user);
    const bert = new RoamingPeer(room, 'bert', await there.signIn());
    await anna.join(here);
    await bert.join(there);
    await anna.until({ type: 'user_joined' });
    anna.send({ type: 'candidate', target: 'bert', candidate: 'over there' });
    await bert.until({ candidate: 'over there' });
    bert.send({ type: 'candidate', target: 'anna', candidate: 'and back' });
    await anna.until({ candidate: 'and back' });
    const [near, far] = [await Reading.of(left.http), await Reading.of(right.http)];
    for (const reading of [near, far]) {
      expect(reading.value('signaling_relay_seconds_count', { path: 'local' })).toBe(0);
      expect(reading.value('signaling_relay_seconds_count', { path: 'remote' })).toBe(1);
      const published = { service: 'redis', operation: 'publish', outcome: 'ok' };
      expect(reading.value('signaling_call_seconds_count', published)).toBeGreaterThan(0);
      expect(reading.value('signaling_redis_connected')).toBe(1);
      expect(reading.value('signaling_links')).toBe(1);
      expect(reading.value('signaling_peers_elsewhere')).toBe(1);
    }
    // What the fast clock wrote seems to have come before it left; what it reads seems to have been 5 seconds under way.
    expect(far.value('signaling_relay_skewed_total')).toBe(1);
    expect(far.value('signaling_relay_seconds_sum', { path: 'remote' })).toBe(0);
    expect(near.value('signaling_relay_skewed_total')).toBe(0);
    expect(near.value('signaling_relay_seconds_bucket', { path: 'remote', le: '2.5' })).toBe(0);
    // To the other node without a word, and it goes on.
    bert.cut();
    await bert.resume(here);
    expect((await Reading.of(left.http)).value('signaling_resumes_total', { outcome: 'moved' })).toBe(1);
    here.hangUp();
    there.hangUp();
  });
});

describe('[J5] calls to others', () => {
  test('are told apart by what became of them: answered, answered no, and not answered', async () => {
    const tally = createTally();
    const clock = new FakeClock();
    const telemetry = new MeteredTelemetry(tally, clock);
    const say = (wait: number, error?: Error) => async (): Promise<string> => {
      clock.advance(wait);
      await Promise.resolve();
      if (error !== undefined) throw error;
      return 'said';
    };
    expect(await telemetry.timed('dynamodb', 'GetItem', say(7))).toBe('said');
    const no = new SignalingError('INVALID_TOKEN');
    await expect(telemetry.timed('dynamodb', 'GetItem', say(1, no))).rejects.toBe(no);
    for (const error of [new Error('reset'), new SignalingError('STORE_UNAVAILABLE')])
      await expect(telemetry.timed('dynamodb', 'GetItem', say(9, error))).rejects.toBe(error);
    const { calls } = tally.metrics;
    const seen = calls.series.map(({ outcome, histogram }) => [outcome, histogram.count, histogram.sumMs]);
    expect(seen).toEqual([
      ['ok', 1, 7],
      ['refused', 1, 1],
      ['failed', 2, 18],
    ]);
  });

  test('keep their number of series, whatever the operations are called', () => {
    const { calls } = createTally().metrics;
    for (let n = 0; n < 1_000; n += 1) calls.histogram('redis', `operation ${String(n)}`, 'ok').observe(1);
    expect(calls.series.length).toBeLessThanOrEqual(201);
    expect(calls.histogram('redis', 'other', 'ok').count).toBe(800);
  });
});

describe('with Cognito and DynamoDB', () => {
  let aws: AwsEmulators;
  let server: TestServer;
  beforeAll(async () => {
    aws = await startAwsEmulators();
    Object.assign(process.env, aws.env);
    server = await TestServer.start({
      COGNITO_REGION: aws.region,
      COGNITO_USER_POOL_ID: aws.userPoolId,
      COGNITO_APP_CLIENT_ID: aws.clientId,
      COGNITO_JWKS_URI: aws.jwksUri,
    });
  });
  afterAll(async () => {
    await server.stop();
    await aws.stop();
  });

  test('[J5] calls are counted by command, and a no that is in order is an answer', async () => {
    const node = new TestNode(server.http, server.ws);
    const user = await node.signIn();
    const room = await node.createRoom(user);
    const calls = async (service: string, operation: string, outcome = 'ok'): Promise<number> =>
      (await Reading.of(server.http)).value('signaling_call_seconds_count', { service, operation, outcome });
    for (const command of ['SignUp', 'AdminConfirmSignUp', 'InitiateAuth'])
      expect(await calls('cognito', command)).toBe(1);
    expect(await calls('jwks', 'fetch')).toBe(1);
    expect(await calls('dynamodb', 'PutItem')).toBe(1);
    aws.faults.dynamodb.set({ kind: 'refuse' });
    const peer = await node.connect();
    peer.send({ type: 'register', peer_id: 'a', ...room, id_token: user.id_token });
    await peer.expect({ type: 'error' });
    aws.faults.dynamodb.set({ kind: 'pass' });
    expect(await calls('dynamodb', 'GetItem', 'failed')).toBe(1);
    const tally = createTally();
    const telemetry = new MeteredTelemetry(tally, new SystemClock());
    const store = new DynamoRoomStore({ region: aws.region, table: aws.table, telemetry });
    const record = { roomId: asRoomId(room.room_id), createdBy: 'u', token: 't', expiresAtS: 4_000_000_000 };
    expect(await store.create(record, 1)).toBe('taken');
    store.close();
    expect(tally.metrics.calls.series.map(({ operation, outcome }) => [operation, outcome])).toEqual([
      ['PutItem', 'ok'],
    ]);
    node.hangUp();
  });
});
