/**
 * WebSocket cases that are not in the recording: what is known of the Python server in words, and where D1 to D15
 * change it. Case ids are those of the full recording where it is known which one it is.
 */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { Lab, register, type RoomKey, type User } from './lab.js';
import { Peer } from './peer.js';

const invalidToken = '{"error": "Invalid token"}';
const storeError = '{"type": "error", "reason": "DynamoDB error"}';
const roomNotFound = '{"type": "error", "reason": "Room not found"}';

const offer = (sender: unknown, target: unknown, sdp = 'x'): Record<string, unknown> => ({
  type: 'offer',
  sender,
  target,
  sdp,
});

/** The code of an error frame in this server's own form, which names the reason twice (D3). */
function codeOf(text: string): string {
  const { type, code, reason, message } = JSON.parse(text) as Record<string, string>;
  expect({ type, reason }).toEqual({ type: 'error', reason: message });
  return code ?? '';
}

describe('WebSocket cases known by description', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.start();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab.stop());

  const silent = (): number => lab.tally.metrics.families.refusals.sum({ told: 'no' });

  interface Pair {
    readonly room: RoomKey;
    readonly a: Peer;
    readonly b: Peer;
    readonly userA: User;
    readonly userB: User;
  }

  async function pair(userA = lab.user(), userB = lab.user()): Promise<Pair> {
    const room = await lab.createRoom(userA);
    return { room, userA, userB, a: await lab.join(room, userA), b: await lab.join(room, userB) };
  }

  /** What `b` is handed once the server has dealt with all that `a` sent; `a` itself must be told nothing. */
  async function handed(a: Peer, b: Peer): Promise<string[]> {
    expect(await a.rest()).toEqual([]);
    return b.rest();
  }

  async function answerTo(fields: (room: RoomKey) => Record<string, unknown>): Promise<string> {
    const room = await lab.createRoom();
    const peer = await lab.connect();
    peer.send(register(room, lab.user(), fields(room)));
    return peer.next();
  }

  describe('register', () => {
    test.each([
      ['w03-noAud', 'noAud'],
      ['an access token', 'access'],
      ['exp left out', 'noExp'],
      ['sub left out', 'noSub'],
    ] as const)('[D2] (%s) refuses what the Python server lets pass: %s', async (_case, flaw) => {
      expect(await answerTo(() => ({ id_token: lab.aws.forge.flawed(flaw) }))).toBe(invalidToken);
    });

    test.each([[5], [true], [['x']], [{ a: 1 }]])('answers an id_token of %j as a bad one', async (token) => {
      expect(await answerTo(() => ({ id_token: token }))).toBe(invalidToken);
    });

    test('[P1] (w03-other) any good token and the room token may take any free peer_id', async () => {
      const answer = await answerTo(() => ({ peer_id: 'some-name' }));
      expect(JSON.parse(answer)).toMatchObject({ type: 'registered_auth', peer_id: 'some-name' });
    });

    test.each([
      ['room_id', 5],
      ['room_id', ['x']],
      ['peer_id', ['x']],
      ['peer_id', { a: 1 }],
    ])(
      '[P1] (w07) answers a %s of %j as a failing store, and the socket stays usable',
      async (field, value) => {
        const [room, user] = [await lab.createRoom(), lab.user()];
        const peer = await lab.connect();
        peer.send(register(room, user, { [field]: value }));
        expect(await peer.next()).toBe(storeError);
        peer.send(register(room, user));
        expect(JSON.parse(await peer.next())).toMatchObject({ type: 'registered_auth' });
      },
    );

    test('[P1] (w07) checks the identity before it looks at the room_id', async () => {
      expect(await answerTo(() => ({ room_id: 5, id_token: 'garbage' }))).toBe(invalidToken);
    });

    test('takes a room that lacks its expiry for a failing store', async () => {
      const room = { roomId: 'noexpiry', token: 'abc123' };
      await lab.aws.putItem({
        room_id: { S: room.roomId },
        token: { S: room.token },
        created_by: { S: 'x' },
      });
      expect(await answerTo(() => ({ room_id: room.roomId, token: room.token }))).toBe(storeError);
    });

    test.each([[7], [1.5], [true]])('[P8] echoes a peer_id of %j in its own form', async (peerId) => {
      const room = await lab.createRoom();
      const peer = await lab.connect();
      peer.send(register(room, lab.user(), { peer_id: peerId }));
      expect(await peer.next()).toBe(
        `{"type": "registered_auth", "room_id": "${room.roomId}", "token": "${room.token}", "peer_id": ${String(peerId)}}`,
      );
    });

    test('[P7] (w32) a failed register under a name that is taken does not unseat who has it', async () => {
      const { room, a, b, userA, userB } = await pair();
      const intruder = await lab.connect();
      intruder.send(register(room, userB, { token: 'zzzzzz' }));
      await intruder.next();
      await intruder.leave();
      const sent = a.send(offer(userA.username, userB.username));
      expect(await handed(a, b)).toEqual([sent]);
    });

    test('[D14] a store that hangs costs the one who registers a few seconds and nobody else anything', async () => {
      const { room, a, b, userA, userB } = await pair();
      const waiting = await lab.connect();
      await lab.withoutDynamo('hang', async () => {
        waiting.send(register(room, lab.user()));
        const sent = a.send(offer(userA.username, userB.username));
        expect(await handed(a, b)).toEqual([sent]);
        expect(await waiting.next()).toBe(storeError);
      });
    });
  });

  describe('Handing on', () => {
    test('[D6] a candidate is handed on like an offer', async () => {
      const { a, b, userA, userB } = await pair();
      const candidate = { candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMid: '0' };
      const sent = a.send({ type: 'candidate', sender: userA.username, target: userB.username, candidate });
      expect(await handed(a, b)).toEqual([sent]);
    });

    test('a peer may send to itself', async () => {
      const { a, userA } = await pair();
      const sent = a.send(offer(userA.username, userA.username));
      expect(await a.rest()).toEqual([sent]);
    });

    test('[P5] a frame to nobody, or to a peer of another room, vanishes', async () => {
      const [here, there] = [await pair(), await pair()];
      here.a.send(offer(here.userA.username, 'nobody'));
      here.a.send(offer(here.userA.username, there.userB.username));
      expect(await handed(here.a, there.b)).toEqual([]);
      expect(await here.b.rest()).toEqual([]);
    });

    test('[P3] (w06d) a room that vanishes from the table goes on for those inside', async () => {
      const { room, a, b, userA, userB } = await pair();
      await lab.dropRoom(room);
      const sent = a.send(offer(userA.username, userB.username));
      expect(await handed(a, b)).toEqual([sent]);
      const late = await lab.connect();
      late.send(register(room, lab.user()));
      expect(await late.next()).toBe(roomNotFound);
    });

    test('[P9] a binary frame with JSON, in UTF-8, -16 or -32, is handed on as text', async () => {
      const { a, b, userA, userB } = await pair();
      const text = JSON.stringify(offer(userA.username, userB.username, 'é😀'));
      const utf32 = Buffer.concat(
        Array.from(text, (char) => {
          const unit = Buffer.alloc(4);
          unit.writeUInt32LE(char.codePointAt(0) ?? 0);
          return unit;
        }),
      );
      for (const bytes of [Buffer.from(text), Buffer.from(text, 'utf16le'), utf32]) a.send(bytes);
      expect(await handed(a, b)).toEqual([text, text, text]);
    });

    test('[T2] (w27) a message of 1 MiB passes as it is; one byte more closes its sender with 1009', async () => {
      const { a, b, userA, userB } = await pair();
      const bare = JSON.stringify(offer(userA.username, userB.username, ''));
      const big = JSON.stringify(offer(userA.username, userB.username, 'x'.repeat(1_048_576 - bare.length)));
      expect(Buffer.byteLength(big)).toBe(1_048_576);
      a.send(big);
      expect(await a.rest()).toEqual([]);
      expect((await b.rest()).map((frame) => frame === big)).toEqual([true]);
      a.send(`${big} `);
      expect(await a.closed()).toMatchObject({ code: 1009 });
      expect(await b.rest()).toEqual([]);
    });

    test('[D1] (w14) a socket that has not registered cannot send as one that has', async () => {
      const { b, userA, userB } = await pair();
      const stranger = await lab.connect();
      stranger.send(offer(userA.username, userB.username));
      expect((await stranger.rest()).map(codeOf)).toEqual(['NOT_IN_ROOM']);
      expect(await b.rest()).toEqual([]);
    });

    test('[D1] (w15) a registered socket cannot send as another, in its own room or elsewhere', async () => {
      const [here, there] = [await pair(), await pair()];
      const before = lab.tally.senders_forged;
      here.a.send(offer(here.userB.username, here.userB.username));
      here.a.send(offer(there.userA.username, there.userB.username));
      expect(await handed(here.a, there.b)).toEqual([]);
      expect(await here.b.rest()).toEqual([]);
      expect(lab.tally.senders_forged - before).toBe(2);
    });

    test.each([
      ['sender', ['x']],
      ['target', ['x']],
      ['target', { a: 1 }],
    ])('[D11] (w16) a %s of %j is ignored after registering, and an error before', async (field, value) => {
      const { a, b, userA, userB } = await pair();
      const message = { ...offer(userA.username, userB.username), [field]: value };
      const before = silent();
      a.send(message);
      expect(await handed(a, b)).toEqual([]);
      expect(a.isOpen).toBe(true);
      expect(silent() - before).toBe(1);
      const stranger = await lab.connect();
      stranger.send(message);
      expect((await stranger.rest()).map(codeOf)).toEqual(['INVALID_MESSAGE']);
    });
  });

  describe('One name twice', () => {
    test('[D8] (w17) the same user again replaces its older socket, which is closed', async () => {
      const { room, a, b, userA, userB } = await pair();
      const newer = await lab.join(room, userB);
      expect(await b.closed()).toMatchObject({ code: 4409 });
      const sent = a.send(offer(userA.username, userB.username));
      expect(await handed(a, newer)).toEqual([sent]);
    });

    test('[D8] (w17) another user is refused the name while its holder answers', async () => {
      const { room, a, b, userA, userB } = await pair();
      const rival = await lab.connect();
      rival.send(register(room, lab.user(), { peer_id: userB.username }));
      expect(codeOf(await rival.next())).toBe('PEER_ID_TAKEN');
      const sent = a.send(offer(userA.username, userB.username));
      expect(await handed(a, b)).toEqual([sent]);
    });

    test('[D8] (w20) once its socket is gone, a parity name is free for anybody who registers', async () => {
      const { room, a, b, userA, userB } = await pair();
      await b.leave();
      const stranger = await lab.connect();
      stranger.send(offer(userB.username, userA.username));
      expect((await stranger.rest()).map(codeOf)).toEqual(['NOT_IN_ROOM']);
      stranger.send(register(room, lab.user(), { peer_id: userB.username }));
      expect(JSON.parse(await stranger.next())).toMatchObject({ type: 'registered_auth' });
      const sent = stranger.send(offer(userB.username, userA.username));
      expect(await handed(stranger, a)).toEqual([sent]);
    });

    test('[D9] (w18) one name in two rooms is two peers', async () => {
      const user = lab.user();
      const [one, two] = [await pair(user), await pair(user)];
      const first = one.a.send(offer(user.username, one.userB.username, '1'));
      const second = two.a.send(offer(user.username, two.userB.username, '2'));
      expect(await handed(one.a, one.b)).toEqual([first]);
      expect(await handed(two.a, two.b)).toEqual([second]);
      const back = one.b.send(offer(one.userB.username, user.username, '3'));
      expect(await handed(one.b, one.a)).toEqual([back]);
      expect(await two.a.rest()).toEqual([]);
    });

    test('[D9] (w21) a second name on one socket leaves the first', async () => {
      const { room, a, b, userA, userB } = await pair();
      b.send(register(room, userB, { peer_id: 'second' }));
      expect(JSON.parse(await b.next())).toMatchObject({ peer_id: 'second' });
      a.send(offer(userA.username, userB.username));
      const sent = a.send(offer(userA.username, 'second'));
      expect(await handed(a, b)).toEqual([sent]);
    });
  });

  describe('What means nothing', () => {
    const unreadable: readonly [string, string, string | Buffer, string][] = [
      ['w09', 'malformed JSON', '{"type":', 'INVALID_JSON'],
      ['w09', 'an empty frame', '', 'INVALID_JSON'],
      ['w09', 'a byte order mark', '\ufeff{}', 'INVALID_JSON'],
      ['D7', 'NaN', '{"type":"offer","sdp":NaN}', 'INVALID_JSON'],
      ['', 'no type', '{}', 'INVALID_MESSAGE'],
      ['', 'a type of 5', '{"type":5}', 'INVALID_MESSAGE'],
      ['', 'the type query', '{"type":"query"}', 'UNKNOWN_MESSAGE_TYPE'],
      ['', 'the type ping', '{"type":"ping"}', 'UNKNOWN_MESSAGE_TYPE'],
      ['', 'the type quit', '{"type":"quit"}', 'UNKNOWN_MESSAGE_TYPE'],
    ];
    test.each(unreadable)(
      '[D3] (%s) %s is silence after registering and an error before; the socket stays',
      async (_case, _what, frame, code) => {
        const { a, b } = await pair();
        a.send(frame);
        expect(await handed(a, b)).toEqual([]);
        expect(a.isOpen).toBe(true);
        const stranger = await lab.connect();
        stranger.send(frame);
        expect((await stranger.rest()).map(codeOf)).toEqual([code]);
        expect(stranger.isOpen).toBe(true);
      },
    );

    const ending: readonly [string, string | Buffer, string][] = [
      ['w10', '[]', 'INVALID_MESSAGE'],
      ['w10', '"text"', 'INVALID_MESSAGE'],
      ['w10', '5', 'INVALID_MESSAGE'],
      ['w10', 'null', 'INVALID_MESSAGE'],
      ['w10', 'true', 'INVALID_MESSAGE'],
      ['w11', Buffer.from([0x7b, 0xff, 0xfe, 0x80, 0x81]), 'INVALID_JSON'],
    ];
    test.each(ending)(
      '[D3] (%s) %j ends a registered socket with 1000 and is an error before',
      async (_case, frame, code) => {
        const { a, b } = await pair();
        a.send(frame);
        expect(await a.closed()).toEqual({ code: 1000, reason: '' });
        expect(await b.rest()).toEqual([]);
        const stranger = await lab.connect();
        stranger.send(frame);
        expect((await stranger.rest()).map(codeOf)).toEqual([code]);
        expect(stranger.isOpen).toBe(true);
      },
    );

    test('[D3] who goes on sending nonsense is closed', async () => {
      const stranger = await lab.connect();
      for (let count = 0; count < 40; count += 1) stranger.send('{');
      expect(await stranger.closed()).toMatchObject({ code: 4400 });
    });

    test('[D10] 16 KiB is the most before joining', async () => {
      const stranger = await lab.connect();
      stranger.send(JSON.stringify({ type: 'offer', sdp: 'x'.repeat(20_000) }));
      expect(await stranger.closed()).toMatchObject({ code: 1009 });
      expect((await stranger.rest()).map(codeOf)).toEqual(['MESSAGE_TOO_BIG']);
    });

    test('[D15] an unknown path is refused with 404 at the upgrade', async () => {
      const socket = new WebSocket(`${lab.app.addresses.ws}/nope`);
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
      expect(response.statusCode).toBe(404);
      socket.on('error', () => undefined);
      socket.terminate();
    });

    test('[T9] both ports take upgrades', async () => {
      const peer = await Peer.open(lab.app.addresses.http.replace('http:', 'ws:'));
      peer.send('{"type":"ping"}');
      expect(codeOf(await peer.next())).toBe('UNKNOWN_MESSAGE_TYPE');
      await peer.leave();
    });
  });

  describe('Deletion', () => {
    const deleted = { status: 200, raw: '{"status":"peer deleted successfully"}' };

    test('[D4] (w23) takes all peers of the room with their users and the room; open sockets stay open', async () => {
      const users = [await lab.signIn(), await lab.signIn()] as const;
      const { room, a, b } = await pair(...users);
      expect(await lab.deletePeersAndRoom(users[0].username)).toMatchObject(deleted);
      expect(await Promise.all(users.map(({ username }) => lab.aws.userExists(username)))).toEqual([
        false,
        false,
      ]);
      expect(await lab.isStored(room)).toBe(false);
      const before = silent();
      a.send(offer(users[0].username, users[1].username));
      expect(await handed(a, b)).toEqual([]);
      expect([a.isOpen, b.isOpen]).toEqual([true, true]);
      expect(silent() - before).toBe(1);
    });

    test('[D4] (w23c) after the first client has cleaned up there is no room for a second', async () => {
      const users = [await lab.signIn(), await lab.signIn()] as const;
      const { room, a, b } = await pair(...users);
      const asked = b.send(offer(users[1].username, users[0].username));
      expect(await handed(b, a)).toEqual([asked]);
      await b.leave();
      expect(await lab.deletePeersAndRoom(users[1].username)).toMatchObject(deleted);
      const second = await lab.connect();
      second.send(register(room, lab.user()));
      expect(await second.next()).toBe(roomNotFound);
      expect(await a.rest()).toEqual([]);
      expect(await lab.deletePeersAndRoom(users[0].username)).toMatchObject({
        raw: '{"status":"peer not found"}',
      });
    });

    test('[D4] (w24) peers that are no Cognito users are removed all the same', async () => {
      const { room, a, b, userA, userB } = await pair();
      expect(await lab.deletePeersAndRoom(userA.username)).toMatchObject(deleted);
      expect(await lab.isStored(room)).toBe(false);
      a.send(offer(userA.username, userB.username));
      expect(await handed(a, b)).toEqual([]);
    });

    test('[H5] (w26b) while Cognito fails it says the same, the peers stay and go on, and it can be repeated', async () => {
      const users = [await lab.signIn(), await lab.signIn()] as const;
      const { a, b } = await pair(...users);
      await lab.withoutOperation('AdminDeleteUser', async () => {
        expect(await lab.deletePeersAndRoom(users[0].username)).toMatchObject(deleted);
      });
      const sent = a.send(offer(users[0].username, users[1].username));
      expect(await handed(a, b)).toEqual([sent]);
      expect(await lab.deletePeersAndRoom(users[0].username)).toMatchObject(deleted);
      expect(await Promise.all(users.map(({ username }) => lab.aws.userExists(username)))).toEqual([
        false,
        false,
      ]);
    });
  });
});
