/** What costs something, and when it is given back: messages, metadata, connections, guesses. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { MemoryRateLimiter } from '../../src/adapters/memory/memory-rate-limiter.js';
import type { RateLimiter } from '../../src/ports/rate-limiter.js';
import { FakeClock } from '../support/fake-clock.js';
import { KeySetServer } from '../support/key-set-server.js';
import { MemoryNodes } from '../support/memory-nodes.js';
import { TestServer, type Room, type User } from '../support/server.js';
import { TestPeer, type Frame } from '../support/test-peer.js';
import { signingKey, TimedServer, turn } from '../support/timed-server.js';
import { upTo } from '../support/topology.js';

describe('messages', () => {
  let timed: TimedServer;
  let server: TestServer;
  let user: User;
  let room: Room;
  afterEach(() => timed.stop());

  async function start(env: Record<string, string>): Promise<void> {
    timed = await TimedServer.start({ GRACE_MS: '0', ...env });
    ({ server } = timed);
    user = await server.signIn();
    room = await server.createRoom(user);
  }

  const limitOf5 = { RATE_MESSAGES_PER_SESSION: '5' };

  /** How often it is answered otherwise before it is told that it was too much. */
  async function untilLimited(peer: TestPeer, say: (n: number) => Frame): Promise<Frame[]> {
    const answers: Frame[] = [];
    for (;;) {
      peer.send(say(answers.length));
      const answer = await peer.next();
      if (answer['code'] === 'RATE_LIMITED') return answers;
      answers.push(answer);
    }
  }

  const heartbeat: Frame = { type: 'heartbeat' };

  test.each<[string, Frame, string]>([
    ['of an unknown type', { type: 'nope' }, 'UNKNOWN_MESSAGE_TYPE'],
    ['with an id that cannot be quoted', { type: 'heartbeat', id: 7 }, 'INVALID_MESSAGE'],
    ['with an id that is too long', { type: 'heartbeat', id: 'x'.repeat(65) }, 'INVALID_MESSAGE'],
    ['to a peer, with such an id', { type: 'offer', target: 'x', id: 7 }, 'INVALID_MESSAGE'],
    ['without a target', { type: 'kick' }, 'INVALID_MESSAGE'],
    ['in another room', { type: 'join_room', room_id: 7 }, 'INVALID_MESSAGE'],
  ])('[L7] [T5] a frame %s counts as a message', async (_what, bad, code) => {
    await start(limitOf5);
    const peer = await server.join(room, 'odd', {}, user);
    // Sense between the nonsense, or there is an end to it sooner. Joining was one.
    const answers = await untilLimited(peer, (n) => (n % 2 === 0 ? bad : heartbeat));
    expect(answers).toHaveLength(49);
    expect(answers[0]).toMatchObject({ type: 'error', code });
    timed.clock.advance(200);
    peer.send(heartbeat);
    await peer.expect({ type: 'heartbeat_ack' });
  });

  test('[T5] [L7] acknowledgements between malformed frames do not make them fewer', async () => {
    await start({});
    const peer = await server.join(room, 'odd', {}, user);
    for (const n of upTo(31)) {
      peer.send(n % 2 === 0 ? { type: 'nope' } : { type: 'heartbeat', id: [] });
      peer.send({ type: 'ack', count: n });
      await peer.expect({ type: 'error' });
    }
    peer.send({ type: 'nope' });
    await peer.expect({ type: 'error' });
    expect((await peer.closed).code).toBe(4400);
  });

  test('[T5] a good frame does: 32 in a row are what ends it', async () => {
    await start({});
    const peer = await server.join(room, 'odd', {}, user);
    for (const n of upTo(100)) {
      peer.send(n % 20 === 0 ? heartbeat : { type: 'nope' });
      await peer.expect({ type: n % 20 === 0 ? 'heartbeat_ack' : 'error' });
    }
    peer.send(heartbeat);
    await peer.expect({ type: 'heartbeat_ack' });
  });

  test('[L7] a parity session that says 5,000 short things at once loses none, in order', async () => {
    await start({ RATE_MESSAGES_PER_SESSION: '300' });
    const [sender, receiver] = [await server.register(room, 'a'), await server.register(room, 'b')];
    for (const n of upTo(5_000)) sender.send({ type: 'candidate', sender: 'a', target: 'b', n });
    const all = (async () => {
      for (const n of upTo(5_000)) expect(await receiver.next()).toMatchObject({ n });
    })();
    await timed.passUntil(all);
    sender.send({ type: 'offer', sender: 'a', target: 'b', n: 'after' });
    await timed.passUntil(receiver.expect({ n: 'after' }));
    expect(sender.socket.readyState).toBe(WebSocket.OPEN);
    expect(server.tally.messages_limited).toBe(0);
    expect(server.tally.metrics.families.refusals.sum({ told: 'no' })).toBe(0);
    expect(server.tally.messages_delayed).toBeGreaterThan(0);
  });

  test('[L7] to look for peers costs more where there are many, of all that sit there', async () => {
    const search = { type: 'discover_peers', from_peer_id: 'anna', filters: {} };
    await start(limitOf5);
    const anna = await server.join(room, 'anna', {}, user);
    const alone = await untilLimited(anna, () => search);
    expect(alone).toHaveLength(39);
    const guest = await server.signIn();
    for (const n of upTo(39)) await server.join(room, `guest ${n}`, {}, guest);
    timed.clock.advance(60_000);
    const seeker = await server.join(room, 'seeker', {}, user);
    const among = await untilLimited(seeker, () => ({ ...search, from_peer_id: 'seeker' }));
    // 41 peers: 11 and a quarter each, of 49.
    expect(among).toHaveLength(4);
    expect(among.at(-1)).toMatchObject({ type: 'peer_list', count: 40 });
    // What is left is enough for what is small.
    seeker.send(heartbeat);
    await seeker.expect({ type: 'heartbeat_ack' });
  });

  test('[L7] to change metadata costs more where many are told of it', async () => {
    await start(limitOf5);
    const update = { type: 'update_metadata', metadata: { n: 1 } };
    const alone = await server.join(room, 'alone', {}, user);
    expect(await untilLimited(alone, () => ({ ...update, peer_id: 'alone' }))).toHaveLength(12);
    const guest = await server.signIn();
    for (const n of upTo(39)) await server.join(room, `guest ${n}`, {}, guest);
    timed.clock.advance(60_000);
    const busy = await server.join(room, 'busy', {}, user);
    // 41 peers: 11 and a quarter each, of 49.
    expect(await untilLimited(busy, () => ({ ...update, peer_id: 'busy' }))).toHaveLength(4);
  });

  test('[L4] hanging up gives nothing back: neither to a new socket, nor behind leave_room', async () => {
    // 2 a second, and 20 at once.
    await start({ RATE_MESSAGES_PER_USER: '2', RATE_MESSAGES_PER_SESSION: '1000' });
    const first = await server.join(room, 'first', {}, user);
    expect(await untilLimited(first, () => heartbeat)).toHaveLength(20);
    first.drop();
    await first.closed;
    const second = await server.join(room, 'second', {}, user);
    second.send(heartbeat);
    await second.expect({ type: 'error', code: 'RATE_LIMITED' });
    second.send({ type: 'leave_room' });
    await second.expect({ type: 'room_left' });
    second.send({ type: 'join_room', ...room, id_token: user.id_token, peer_id: 'third' });
    await second.expect({ type: 'room_joined' });
    second.send(heartbeat);
    await second.expect({ type: 'error', code: 'RATE_LIMITED' });
    // Somebody else is not concerned, and time gives it back.
    const other = await server.join(room, 'other');
    other.send(heartbeat);
    await other.expect({ type: 'heartbeat_ack' });
    timed.clock.advance(500);
    await second.expect({ type: 'user_joined', peer_id: 'other' });
    second.send(heartbeat);
    await second.expect({ type: 'heartbeat_ack' });
    second.send(heartbeat);
    await second.expect({ type: 'error', code: 'RATE_LIMITED' });
  });
});

describe('[F10] metadata', () => {
  let server: TestServer;
  let user: User;
  let room: Room;
  beforeEach(async () => {
    server = await TestServer.start(signingKey);
    user = await server.signIn();
    room = await server.createRoom(user);
  });
  afterEach(() => server.stop());

  /** As Python writes it: `{"x": "…"}` without the space, and six characters for what is not ASCII. */
  test.each<[string, string, number, number]>([
    ['letters', 'x', 4_088, 4_089],
    ['é', 'é', 681, 682],
    ['signs of two halves', '😀', 340, 341],
  ])('is measured as it is written: %s', async (_what, sign, most, tooMany) => {
    const join = { type: 'join_room', ...room, id_token: user.id_token, peer_id: 'anna' };
    const peer = await server.connect();
    peer.send({ ...join, metadata: { x: sign.repeat(tooMany) } });
    await peer.expect({ type: 'error', code: 'INVALID_MESSAGE', message: expect.stringMatching('4096') });
    const metadata = { x: sign.repeat(most) };
    peer.send({ ...join, metadata });
    await peer.expect({ type: 'room_joined' });
    const update = { type: 'update_metadata', peer_id: 'anna' };
    peer.send({ ...update, metadata: { x: sign.repeat(tooMany) }, id: '1' });
    await peer.expect({ type: 'error', code: 'INVALID_MESSAGE', reply_to: '1' });
    peer.send({ ...update, metadata, id: '2' });
    await peer.expect({ type: 'metadata_updated' });
  });

  test('4,000 times é is too much, and a parity peer comes in without it', async () => {
    const peer = await server.connect();
    const metadata = { x: 'é'.repeat(4_000) };
    peer.send({ type: 'register', peer_id: 'w', ...room, id_token: user.id_token, metadata });
    await peer.expect({ type: 'registered_auth' });
    const anna = await server.connect();
    anna.send({ type: 'join_room', ...room, id_token: user.id_token, peer_id: 'anna' });
    const { peers } = await anna.expect({ type: 'room_joined' });
    expect(peers).toMatchObject([{ peer_id: 'w', metadata: {} }]);
  });
});

describe('[L6] a connection that does not come about is not counted', () => {
  /** Counts what is held; whoever wants one waits until it may. */
  class SlowLimiter implements RateLimiter {
    held = 0;
    asked = 0;
    gate: Promise<void> = Promise.resolve();
    readonly #real = new MemoryRateLimiter(new FakeClock());

    take(...asked: Parameters<RateLimiter['take']>): ReturnType<RateLimiter['take']> {
      return this.#real.take(...asked);
    }

    async hold(...asked: Parameters<RateLimiter['hold']>): ReturnType<RateLimiter['hold']> {
      this.asked += 1;
      await this.gate;
      const release = await this.#real.hold(...asked);
      if (release === undefined) return undefined;
      this.held += 1;
      return () => {
        this.held -= 1;
        release();
      };
    }
  }

  /** Some seconds of them. */
  const mostTurns = 100_000;
  const env = { ...signingKey, MAX_CONNECTIONS_PER_IP: '2' };
  let limiter: SlowLimiter;
  let server: TestServer;
  beforeEach(() => {
    limiter = new SlowLimiter();
  });
  afterEach(() => server.stop());

  async function status(path: string): Promise<{ status: number | undefined; retryAfter: unknown }> {
    const socket = new WebSocket(server.ws + path);
    socket.on('error', () => undefined);
    const answer = await Promise.race([
      once(socket, 'unexpected-response').then(([, response]) => response as { statusCode: number }),
      once(socket, 'open').then(() => undefined),
    ]);
    socket.terminate();
    if (answer === undefined) return { status: undefined, retryAfter: undefined };
    const { headers } = answer as unknown as { headers: Record<string, unknown> };
    return { status: answer.statusCode, retryAfter: headers['retry-after'] };
  }

  async function released(): Promise<void> {
    for (let turns = 0; limiter.held > 0 && turns < mostTurns; turns += 1) await turn();
    expect(limiter.held).toBe(0);
  }

  test.each(['/', '/signal/room', '/ws/webrtc/room?reject=http'])(
    'at %s: it goes away while it is being counted',
    async (path) => {
      server = await TestServer.start(env, { limiter });
      let open = (): void => undefined;
      limiter.gate = new Promise((resolve) => {
        open = resolve;
      });
      const { hostname, port } = new URL(server.ws);
      for (const n of upTo(5)) {
        const socket = connect(Number(port), hostname);
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        socket.write(
          `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        );
        while (limiter.asked <= n) await turn();
        socket.resetAndDestroy();
      }
      // The server sees the five ends before this.
      for (let n = 0; n < 3; n += 1) await fetch(`${server.http}/healthz`);
      open();
      await released();
      const peers = [await server.connect(), await server.connect()];
      expect((await status('/')).status).toBe(429);
      for (const peer of peers) peer.drop();
      await released();
    },
  );

  test('it is refused 403', async () => {
    server = await TestServer.start(env, { limiter });
    for (let n = 0; n < 5; n += 1) {
      expect(await status('/ws/webrtc/room?reject=http&token=bad')).toMatchObject({ status: 403 });
      await released();
    }
    await server.connect();
  });

  test('[W6] [B4] it is refused 503, with Retry-After, while the keys cannot be fetched', async () => {
    const keys = await KeySetServer.start({});
    keys.answer = { status: 500, body: '' };
    const { JWT_ISSUER, JWT_AUDIENCE } = { JWT_ISSUER: 'https://issuer.invalid', JWT_AUDIENCE: 'client' };
    const settings = {
      MAX_CONNECTIONS_PER_IP: '2',
      JWT_JWKS_URI: keys.uri,
      JWT_ISSUER,
      JWT_AUDIENCE,
      ALLOW_ANONYMOUS_GATEWAY: '1',
    };
    server = await TestServer.start(settings, { limiter });
    const token = [
      { alg: 'RS256', kid: 'k' },
      { iss: JWT_ISSUER, aud: JWT_AUDIENCE, exp: 4e9, sub: 's' },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    try {
      for (const path of ['ws/webrtc', 'webrtc/ws', 'signal', 'ws/webrtc']) {
        const refused = await status(`/${path}/room?reject=http&token=${token}.${'A'.repeat(342)}`);
        expect(refused).toEqual({ status: 503, retryAfter: expect.stringMatching(/^[1-9]\d*$/) });
        await released();
      }
      // That it is bad is another thing.
      expect(await status('/ws/webrtc/room?reject=http')).toMatchObject({ status: 403 });
      await released();
    } finally {
      await keys.stop();
    }
  });

  test('[C7] it is refused 503 because the server has begun to stop meanwhile', async () => {
    server = await TestServer.start(env, { limiter });
    let open = (): void => undefined;
    limiter.gate = new Promise((resolve) => {
      open = resolve;
    });
    const late = status('/');
    while (limiter.asked === 0) await turn();
    const stopped = server.app.close();
    open();
    expect(await late).toMatchObject({ status: 503 });
    await released();
    await stopped;
  });
});

describe('[L8] wrong room tokens', () => {
  let timed: TimedServer;
  let server: TestServer;
  let user: User;
  let room: Room;
  beforeEach(async () => {
    timed = await TimedServer.start({ RATE_BAD_TOKENS_PER_IP: '20' });
    ({ server } = timed);
    user = await server.signIn();
    room = await server.createRoom(user);
  });
  afterEach(() => timed.stop());

  const wrong = (n: number): string =>
    (room.token === '000000' ? '1' : '0') + n.toString(16).padStart(5, '0');
  const codeIn = ({ code, reason, payload }: Frame): unknown =>
    code ?? (reason === 'Invalid token' ? 'INVALID_ROOM_TOKEN' : (payload as Frame | undefined)?.['code']);

  type Ask = (token: string) => Promise<TestPeer>;
  const ways = {
    join_room: async (token: string) => {
      const peer = await server.connect();
      peer.send({ type: 'join_room', room_id: room.room_id, token, id_token: user.id_token });
      return peer;
    },
    register: async (token: string) => {
      const peer = await server.connect();
      const ask = { peer_id: 'w', room_id: room.room_id, token, id_token: user.id_token };
      peer.send({ type: 'register', ...ask });
      return peer;
    },
    // The creator, too, is let in by the token when it brings one.
    gateway: (token: string) =>
      server.connect(
        `${server.ws}/signal/${room.room_id}?presence=1&token=${user.id_token}&room_token=${token}`,
      ),
    webrtc: (token: string) =>
      server.connect(`${server.ws}/ws/webrtc/${room.room_id}?token=${user.id_token}&room_token=${token}`),
  } satisfies Record<string, Ask>;
  const names = Object.keys(ways) as readonly (keyof typeof ways)[];
  const isIn = ({ type }: Frame): boolean =>
    ['room_joined', 'registered_auth', 'welcome', 'room-state'].includes(String(type));

  test.each(names)('tried all at once by %s: 20 are looked at, and not the right one', async (way) => {
    const ask = ways[way];
    const asked = await Promise.all(upTo(40).map((n) => ask(wrong(n))));
    const answers = await Promise.all(asked.map(async (peer) => codeIn(await peer.next())));
    const count = (code: string): number => answers.filter((answer) => answer === code).length;
    expect([count('INVALID_ROOM_TOKEN'), answers.length]).toEqual([20, 40]);
    expect(answers.filter((code) => String(code).startsWith('RATE_LIMIT'))).toHaveLength(20);
    const early = await ask(room.token);
    expect(codeIn(await early.next())).toMatch(/^RATE_LIMIT/);
    timed.clock.advance(2_900);
    expect(codeIn(await (await ask(room.token)).next())).toMatch(/^RATE_LIMIT/);
    // One in three seconds comes back; a right one takes nothing.
    timed.clock.advance(200);
    for (let n = 0; n < 3; n += 1) expect(isIn(await (await ask(room.token)).next())).toBe(true);
    expect(codeIn(await (await ask(wrong(41))).next())).toBe('INVALID_ROOM_TOKEN');
    expect(codeIn(await (await ask(room.token)).next())).toMatch(/^RATE_LIMIT/);
  });

  test('at a door it says when to come back, and the socket is closed 4429', async () => {
    for (const n of upTo(20)) await (await ways.webrtc(wrong(n))).closed;
    const peer = await ways.gateway(room.token);
    await peer.expect({ code: 'RATE_LIMITED', retry_after_ms: 3_000 });
    expect((await peer.closed).code).toBe(4429);
    // Rooms that ask for none are open to it.
    const open = await server.connect(`${server.ws}/signal/open?presence=1`);
    await open.expect({ type: 'welcome' });
    // So is its own, by who its creator is.
    const own = await server.connect(`${server.ws}/signal/${room.room_id}?presence=1&token=${user.id_token}`);
    await own.expect({ type: 'welcome' });
  });

  test('who guesses through one node is counted there alone, and the session of a neighbour goes on', async () => {
    const nodes = new MemoryNodes();
    const { node, server: one } = await nodes.start('one', { RATE_BAD_TOKENS_PER_IP: '20' });
    const owner = await node.signIn();
    const made = await node.createRoom(owner);
    const neighbour = await one.join(made, 'neighbour', {}, owner);
    const guesser = await one.connect();
    const guess = { type: 'join_room', room_id: made.room_id, token: 'x', id_token: owner.id_token };
    for (let n = 0; n < 20; n += 1) {
      guesser.send(guess);
      await guesser.expect({ code: 'INVALID_ROOM_TOKEN' });
    }
    guesser.send({ ...guess, token: made.token });
    await guesser.expect({ code: 'RATE_LIMITED' });
    neighbour.send({ type: 'heartbeat' });
    await neighbour.expect({ type: 'heartbeat_ack' });
    await nodes.stop();
  });
});
