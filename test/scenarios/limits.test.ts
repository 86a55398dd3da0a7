/** What is too much is said to be, with when to try again; nobody else notices. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { voices, type Voice } from '../support/dialect-voices.js';
import { FakeClock } from '../support/fake-clock.js';
import { TestServer, type Room, type User } from '../support/server.js';
import { TestPeer, type Frame } from '../support/test-peer.js';
import { topologies, upTo, type Place } from '../support/topology.js';

interface Answer {
  readonly status: number;
  readonly retryAfterS: number;
  readonly body: Frame;
}

/** As a trusted proxy in front would write it. */
const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });

/** What an upgrade is refused with; `undefined`: it was not, and the socket is closed again. */
async function refusal(url: string, address: string): Promise<Answer | undefined> {
  const socket = new WebSocket(url, { headers: from(address) });
  socket.on('error', () => undefined);
  const opened = once(socket, 'open').then(() => undefined);
  const refused = once(socket, 'unexpected-response').then(([, response]) => response as IncomingMessage);
  const response = await Promise.race([opened, refused]);
  socket.terminate();
  if (response === undefined) return undefined;
  const retryAfterS = Number(response.headers['retry-after']);
  return { status: response.statusCode ?? 0, retryAfterS, body: {} };
}

async function ask(url: string, address: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { ...init, headers: { ...from(address), ...(init.headers as object) } });
  const retryAfterS = Number(response.headers.get('retry-after'));
  return { status: response.status, retryAfterS, body: (await response.json()) as Frame };
}

function bearer(user: User): RequestInit {
  return { method: 'POST', headers: { authorization: `Bearer ${user.id_token}` } };
}

/** 429, with the same time to wait in the header and in the body. */
function expectTooMany({ status, retryAfterS, body }: Answer): void {
  expect({ status, body }).toMatchObject({ status: 429, body: { retry_after_ms: expect.any(Number) } });
  expect(retryAfterS).toBeGreaterThan(0);
  expect(retryAfterS).toBe(Math.ceil(Number(body['retry_after_ms']) / 1000));
}

describe.each(topologies)('by address, $name', ({ start }) => {
  let place: Place;
  const held: TestPeer[] = [];

  beforeAll(async () => {
    place = await start({
      TRUSTED_PROXIES: 'loopback',
      MAX_CONNECTIONS_PER_IP: '3',
      RATE_SIGNINS_PER_IP: '3',
      RATE_ROOMS_PER_IP: '4',
      RATE_ICE_PER_IP: '3',
    });
  });
  afterAll(() => place.stop());
  afterEach(() => {
    for (const peer of held.splice(0)) peer.drop();
  });

  async function hold(url: string, address: string): Promise<TestPeer> {
    const peer = await TestPeer.open(url, { headers: from(address) });
    held.push(peer);
    return peer;
  }

  async function userAt(address: string): Promise<User> {
    return (await ask(`${place.left.http}/anonymous-signin`, address, { method: 'POST' }))
      .body as unknown as User;
  }

  test.each([
    ['an IPv4 address', '192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['an IPv6 /64', '2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:db8:1:3::1'],
    ['an IPv4 address written as IPv6', '::ffff:192.0.2.7', '192.0.2.7', '::ffff:192.0.2.8'],
  ])(
    '[L6] [L3] [L5] the fourth connection of %s is refused 429, until one is closed',
    async (_what, one, same, other) => {
      const { left, right } = place;
      const [first] = [await hold(left.ws, one), await hold(right.ws, same), await hold(left.ws, one)];
      for (const node of [left, right]) {
        const { status, retryAfterS } = (await refusal(node.ws, same)) ?? {};
        expect(status).toBe(429);
        expect(retryAfterS).toBeGreaterThan(0);
      }
      await hold(right.ws, other);
      first.socket.close();
      await first.closed;
      // The far end of the socket, and the other node, learn of it a moment later.
      while ((await refusal(right.ws, one)) !== undefined);
    },
  );

  test('[L6] [L2] sign-ins: as many as the limit at once, then 429', async () => {
    const { left, right } = place;
    const signIn = (node: string, address: string): Promise<Answer> =>
      ask(`${node}/anonymous-signin`, address, { method: 'POST' });
    for (const node of [left, right, left]) expect((await signIn(node.http, '192.0.2.10')).status).toBe(200);
    for (const node of [left, right]) {
      const answer = await signIn(node.http, '192.0.2.10');
      expectTooMany(answer);
      expect(answer.body['retry_after_ms']).toBeLessThanOrEqual(20_000);
    }
    expect((await signIn(right.http, '192.0.2.11')).status).toBe(200);
  });

  test('[L6] [I6] ICE servers: the four paths share one limit', async () => {
    const { left, right } = place;
    const paths = ['/ice-servers', '/api/turn/ice-servers', '/api/turn-credentials', '/webrtc/config'];
    const statuses: number[] = [];
    for (const [n, path] of paths.entries()) {
      const answer = await ask((n % 2 === 0 ? left : right).http + path, '192.0.2.20');
      statuses.push(answer.status);
      if (n === 3) expectTooMany(answer);
    }
    expect(statuses.slice(0, 3)).not.toContain(429);
    expect((await ask(`${right.http}/ice-servers`, '192.0.2.21')).status).not.toBe(429);
  });

  test('[L6] new rooms: /create-room, /rooms and doors share one limit', async () => {
    const { left, right } = place;
    const address = '192.0.2.30';
    const user = await userAt('192.0.2.31');
    const newRoom = (node: string): Promise<Answer> => ask(`${node}/create-room`, address, bearer(user));
    const newListed = (node: string): Promise<Answer> =>
      ask(`${node}/rooms`, address, {
        method: 'POST',
        headers: { authorization: `Bearer ${user.id_token}`, 'content-type': 'application/json' },
        body: '{}',
      });
    const door = (node: string, path: string): Promise<TestPeer> =>
      hold(`${node}${path}?token=${user.id_token}`, address);
    const tag = left === right ? 'one' : 'two';
    expect((await newRoom(left.http)).status).toBe(200);
    expect((await newListed(right.http)).status).toBeLessThan(300);
    const gateway = await door(left.ws, `/signal/${tag}-made?presence=1&x=`);
    await gateway.expect({ type: 'welcome' });
    const webrtc = await door(right.ws, `/ws/webrtc/${tag}-made-too`);
    await webrtc.expect({ type: 'room-state' });

    expectTooMany(await newRoom(right.http));
    expectTooMany(await newListed(left.http));
    gateway.drop();
    await gateway.closed;
    webrtc.drop();
    await webrtc.closed;
    const refusedAtGateway = await door(right.ws, `/signal/${tag}-third`);
    await refusedAtGateway.expect({ code: 'RATE_LIMITED', retry_after_ms: expect.any(Number) });
    expect((await refusedAtGateway.closed).code).toBe(4429);
    const refusedAtWebrtc = await door(left.ws, `/ws/webrtc/${tag}-third`);
    await refusedAtWebrtc.expect({
      type: 'error',
      payload: { code: 'RATE_LIMIT_EXCEEDED', message: expect.stringMatching(/Retry after \d+s$/) },
    });
    expect((await refusedAtWebrtc.closed).code).toBe(4429);
    // A room that is there is no new one.
    const again = await door(left.ws, `/ws/webrtc/${tag}-made-too`);
    await again.expect({ type: 'room-state' });
  });
});

test('[L1] [L6] 0 switches each off', async () => {
  const server = await TestServer.start();
  try {
    const users = await Promise.all(upTo(130).map(() => server.signIn()));
    const [user] = users;
    if (user === undefined) throw new Error('nobody signed in');
    const rooms = await Promise.all(upTo(130).map(() => server.createRoom(user)));
    expect(new Set(rooms.map(({ room_id: id }) => id)).size).toBe(130);
    const statuses = await Promise.all(
      upTo(20).map(async () => (await fetch(`${server.http}/ice-servers`)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
  } finally {
    await server.stop();
  }
});

describe('messages', () => {
  const clock = new FakeClock();
  let server: TestServer;
  let room: Room;
  let user: User;
  let anna: TestPeer;
  let bert: TestPeer;
  let serial = 0;

  beforeEach(async () => {
    const env = {
      RATE_MESSAGES_PER_SESSION: '5',
      PRE_JOIN_MS: '86400000',
      PING_MS: '86400000',
      GRACE_MS: '0',
    };
    server = await TestServer.start(env, { clock });
    user = await server.signIn();
    room = await server.createRoom(user);
    anna = await server.register(room, 'anna');
    bert = await server.register(room, 'bert');
  });
  afterEach(async () => {
    expect(server.tally.handler_failures).toBe(0);
    for (const peer of [anna, bert]) peer.drop();
    await stopped();
  });

  /** Closing waits for some time to pass. */
  async function stopped(): Promise<void> {
    await passUntil(clock, 1_000, server.stop());
  }

  async function othersAreWell(): Promise<void> {
    serial += 1;
    anna.send({ type: 'offer', sender: 'anna', target: 'bert', serial });
    await bert.expect({ type: 'offer', serial });
  }

  /** Sits in the room, having spent the one message that joining is. */
  async function newcomer(voice: Voice, name: string): Promise<TestPeer> {
    if (voice.name === 'flat') return server.join(room, name, {}, user);
    const address = voice.address(server.ws, room, name, user);
    const peer = await server.connect(voice.name === 'gateway' ? `${address}&presence=1` : address);
    if (voice.name === 'gateway') await peer.expect({ type: 'welcome' });
    else for (const type of ['room-state', 'user-joined']) await peer.expect({ type });
    return peer;
  }

  test.each(voices)(
    '[L7] in $name the burst is let through, the rest told RATE_LIMITED and when to go on; nobody else notices',
    async (voice) => {
      const peer = await newcomer(voice, 'busy');
      for (const n of upTo(60)) peer.send(voice.offer('busy', 'bert', `v=0 ${n}`, { id: `m${n}` }));
      for (const n of upTo(49)) await bert.expect({ type: 'offer', sender: 'busy', sdp: `v=0 ${n}` });
      const told: Frame[] = [];
      while (told.length < 11) {
        const frame = await peer.next();
        if (frame['type'] !== 'accepted') told.push(frame);
      }
      for (const [at, frame] of told.entries()) {
        expect(voice.codeIn(frame)).toBe('RATE_LIMITED');
        expect(voice.retryAfterIn(frame)).toBe(200);
        if (voice.name === 'flat') expect(frame).toMatchObject({ retryable: true, reply_to: `m${49 + at}` });
      }
      if (voice.name === 'webrtc') {
        expect(told[0]).toMatchObject({
          payload: { code: 'RATE_LIMIT_EXCEEDED', message: expect.stringMatching(/Retry after 1s$/) },
        });
      }
      await othersAreWell();
      // When it is told to, it may go on.
      clock.advance(200);
      peer.send(voice.offer('busy', 'bert', 'v=0 later'));
      await bert.expect({ type: 'offer', sender: 'busy', sdp: 'v=0 later' });
      expect(server.tally.messages_limited).toBe(11);
    },
  );

  test.each(voices)(
    '[L7] 10,000 messages at once in $name: some relayed, the rest refused, then closed 4429',
    async (voice) => {
      const peer = await newcomer(voice, 'flooder');
      const frame = JSON.stringify(voice.offer('flooder', 'bert', 'v=0'));
      for (let n = 0; n < 10_000; n += 1) peer.send(frame);
      expect((await peer.closed).code).toBe(4429);
      for (let n = 0; n < 49; n += 1) await bert.expect({ type: 'offer', sender: 'flooder' });
      // It was told of each until then.
      for (let n = 0; n < 1_000; n += 1) expect(voice.codeIn(await peer.next())).toBe('RATE_LIMITED');
      await expect(peer.nextRaw()).rejects.toThrow('4429');
      await othersAreWell();
    },
  );

  test.each(voices)(
    '[L7] [T5] nonsense of $name counts as messages do, even with sense between',
    async (voice) => {
      const peer = await newcomer(voice, 'odd');
      for (let n = 0; n < 25; n += 1) {
        // What only the server says is refused without being malformed.
        peer.send(voice.name === 'webrtc' ? '{"type":"user-joined","payload":{}}' : '{}');
        peer.send(voice.offer('odd', 'nobody', 'v=0'));
      }
      const codes: (string | undefined)[] = [];
      while (codes.length < 50) codes.push(voice.codeIn(await peer.next()));
      expect(codes.slice(0, 49)).not.toContain('RATE_LIMITED');
      expect(codes[49]).toBe('RATE_LIMITED');
      await othersAreWell();
    },
  );

  test('[T5] nonsense that is too much as well ends the socket like any other', async () => {
    const peer = await server.connect();
    for (let n = 0; n < 50; n += 1) peer.send({ type: 'heartbeat' });
    for (let n = 0; n < 32; n += 1) peer.send('{');
    for (let n = 0; n < 50; n += 1) await peer.expect({ code: 'NOT_IN_ROOM' });
    for (let n = 0; n < 32; n += 1) await peer.expect({ code: 'RATE_LIMITED' });
    expect((await peer.closed).code).toBe(4400);
  });

  test('[L7] a parity session that sends 1,000 offers at once loses none, all in order, later', async () => {
    const peer = await server.register(room, 'eager');
    // In one piece of 64 KiB there are some 900 of them.
    for (const n of upTo(1_000)) peer.send({ type: 'offer', sender: 'eager', target: 'bert', n });
    for (const n of upTo(49)) await bert.expect({ type: 'offer', sender: 'eager', n });
    await othersAreWell();
    for (const n of upTo(1_000).slice(49)) {
      // A fifth of a second for each.
      await passUntil(clock, 50, bert.expect({ type: 'offer', sender: 'eager', n }));
    }
    expect(server.tally.messages_limited).toBe(0);
    expect(server.tally.messages_delayed).toBeGreaterThanOrEqual(951);
    expect(peer.socket.readyState).toBe(WebSocket.OPEN);
  });
});

/** Lets time pass, in steps, until it is done. */
async function passUntil(clock: FakeClock, stepMs: number, done: Promise<unknown>): Promise<void> {
  const progress = { isDone: false };
  const settle = (): void => {
    progress.isDone = true;
  };
  done.then(settle, settle);
  while (!progress.isDone) {
    clock.advance(stepMs);
    await turn();
  }
  await done;
}

/** Sockets are read between two steps of the clock. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

test('[L4] two sessions of one user share one budget; another user has one of its own', async () => {
  const clock = new FakeClock();
  const server = await TestServer.start(
    { RATE_MESSAGES_PER_USER: '2', RATE_MESSAGES_PER_SESSION: '1000', PING_MS: '86400000' },
    { clock },
  );
  try {
    const [user, other] = [await server.signIn(), await server.signIn()];
    const room = await server.createRoom(user);
    const [one, two] = [await server.join(room, 'one', {}, user), await server.join(room, 'two', {}, user)];
    await one.expect({ type: 'user_joined', peer_id: 'two' });
    for (const n of upTo(10)) {
      for (const peer of [one, two]) {
        peer.send({ type: 'heartbeat', id: String(n) });
        await peer.expect({ type: 'heartbeat_ack', reply_to: String(n) });
      }
    }
    for (const peer of [one, two]) {
      peer.send({ type: 'heartbeat' });
      await peer.expect({ type: 'error', code: 'RATE_LIMITED', retry_after_ms: 500 });
    }
    const third = await server.join(room, 'third', {}, other);
    third.send({ type: 'heartbeat' });
    await third.expect({ type: 'heartbeat_ack' });
  } finally {
    await server.stop();
  }
});

describe('[L8] bad tokens', () => {
  const clock = new FakeClock();
  let server: TestServer;
  let user: User;
  let room: Room;

  beforeAll(async () => {
    const env = {
      RATE_BAD_TOKENS_PER_IP: '20',
      PRE_JOIN_MS: '86400000',
      PING_MS: '86400000',
      TRUSTED_PROXIES: 'loopback',
      GRACE_MS: '0',
    };
    server = await TestServer.start(env, { clock });
    user = await server.signIn();
    room = await server.createRoom(user);
  });
  afterAll(() => server.stop());

  const register = (extra: Frame): Frame => ({
    type: 'register',
    peer_id: 'x',
    ...room,
    id_token: user.id_token,
    ...extra,
  });
  const joinRoom = (extra: Frame): Frame => ({
    type: 'join_room',
    peer_id: 'x',
    ...room,
    id_token: user.id_token,
    ...extra,
  });

  test.each<[string, () => Frame, Frame]>([
    ['join_room', () => joinRoom({ id_token: 'bad' }), { type: 'error', code: 'INVALID_TOKEN' }],
    ['register', () => register({ id_token: 'bad' }), { error: 'Invalid token' }],
    [
      'refresh_token',
      () => ({ type: 'refresh_token', token: 'bad' }),
      { type: 'error', code: 'INVALID_TOKEN' },
    ],
  ])('the 21st answer to %s comes late, and a neighbour is not delayed', async (what, bad, answer) => {
    const address = `198.51.100.${what.length}`;
    const peer = await TestPeer.open(server.ws, { headers: from(address) });
    const neighbour = await TestPeer.open(server.ws, { headers: from(address) });
    if (what === 'refresh_token') {
      peer.send(joinRoom({}));
      await peer.expect({ type: 'room_joined' });
    }
    for (let n = 0; n < 20; n += 1) {
      peer.send(bad());
      await peer.expect(answer);
    }
    const { tokens_delayed: before } = server.tally;
    peer.send(bad());
    let isAnswered = false;
    const late = barred(peer).then((told) => {
      isAnswered = true;
      expect(told).toMatchObject(answer);
    });
    while (server.tally.tokens_delayed === before) await turn();
    neighbour.send(joinRoom({ peer_id: 'neighbour' }));
    await neighbour.expect({ type: 'room_joined' });
    clock.advance(2_900);
    await neighbourAnswers(neighbour);
    expect(isAnswered).toBe(false);
    clock.advance(200);
    await late;
    for (const one of [peer, neighbour]) {
      one.drop();
      await one.closed;
    }
  });

  test('after 20 wrong room tokens the next is not looked at, and told so at once', async () => {
    const peer = await TestPeer.open(server.ws, { headers: from('198.51.100.200') });
    for (let n = 0; n < 20; n += 1) {
      peer.send(n % 2 === 0 ? joinRoom({ token: 'bad' }) : register({ token: 'bad' }));
      await peer.expect(n % 2 === 0 ? { code: 'INVALID_ROOM_TOKEN' } : { reason: 'Invalid token' });
    }
    // Nor is the right one.
    peer.send(joinRoom({}));
    await peer.expect({ code: 'RATE_LIMITED', retry_after_ms: 3_000 });
    peer.send(register({}));
    await peer.expect({ code: 'RATE_LIMITED' });
    const elsewhere = await TestPeer.open(server.ws, { headers: from('198.51.100.201') });
    elsewhere.send(joinRoom({ peer_id: 'elsewhere' }));
    await elsewhere.expect({ type: 'room_joined' });
    clock.advance(3_000);
    peer.send(joinRoom({}));
    await peer.expect({ type: 'room_joined' });
    for (const one of [peer, elsewhere]) {
      one.drop();
      await one.closed;
    }
  });

  /** The next frame that is no news of a neighbour. */
  async function barred(peer: TestPeer): Promise<Frame> {
    for (;;) {
      const told = await peer.next();
      if (told['type'] !== 'user_joined') return told;
    }
  }

  /** A round trip: what the server was to say before that has been said. */
  async function neighbourAnswers(neighbour: TestPeer): Promise<void> {
    neighbour.send({ type: 'heartbeat', id: 'x' });
    let told = await neighbour.next();
    while (told['reply_to'] !== 'x') told = await neighbour.next();
  }
});

test('[L9] the limits that hold are named when one joins', async () => {
  const server = await TestServer.start({
    MAX_CONNECTIONS_PER_IP: '9',
    RATE_MESSAGES_PER_SESSION: '7',
    RATE_MESSAGES_PER_USER: '8',
    MAX_PEERS_PER_ROOM: '6',
    RATE_SIGNINS_PER_IP: '20',
    RATE_ROOMS_PER_IP: '21',
    RATE_ICE_PER_IP: '22',
    RATE_BAD_TOKENS_PER_IP: '23',
    RATE_CHATS_PER_SESSION: '24',
    MAX_CHAT_CHARS: '25',
  });
  try {
    const user = await server.signIn();
    const room = await server.createRoom(user);
    const limits = {
      max_message_bytes: 1_048_576,
      max_outbox_bytes: 4_194_304,
      max_peers_per_room: 6,
      messages_per_second: 7,
      message_burst: 70,
      user_messages_per_second: 8,
      max_connections_per_ip: 9,
      sign_ins_per_minute: 20,
      rooms_per_minute: 21,
      ice_requests_per_minute: 22,
      bad_tokens_per_minute: 23,
      chats_per_second: 24,
      max_chat_chars: 25,
    };
    const flat = await server.connect();
    flat.send({ type: 'join_room', ...room, id_token: user.id_token });
    expect((await flat.expect({ type: 'room_joined' }))['limits']).toEqual(limits);
    const query = `token=${user.id_token}&room_token=${room.token}`;
    const webrtc = await server.connect(`${server.ws}/ws/webrtc/${room.room_id}?resume=1&${query}`);
    const { payload } = await webrtc.expect({ type: 'room-state' });
    expect(payload).toMatchObject({ limits });
    const gateway = await server.connect(`${server.ws}/signal/${room.room_id}?presence=1&${query}`);
    await gateway.expect({
      type: 'welcome',
      limits: { messagesPerSecond: 7, messageBurst: 70, userMessagesPerSecond: 8 },
    });
  } finally {
    await server.stop();
  }
});
