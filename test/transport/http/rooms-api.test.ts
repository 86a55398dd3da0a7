import { describe, expect, test } from '@jest/globals';
import { HttpMediaService } from '../../../src/adapters/http/http-media-service.js';
import { SignalingError } from '../../../src/protocol/errors.js';
import { anonymous, type Json, type JsonObject } from '../../../src/protocol/records.js';
import { asPeerId, asRoomId } from '../../../src/protocol/ids.js';
import { bodyOf, withRooms, type RoomsServer, type User } from './rooms-api-fixture.js';

const notFound = { error: 'Room not found' };

/** Nobody answers there: it is enough that there is one. */
const mediaServices = [new HttpMediaService({ baseUrl: 'http://127.0.0.1:9', key: 'a key of the tests' })];

async function made(server: RoomsServer, user: User | undefined, json: unknown = {}): Promise<JsonObject> {
  const answer = await server.call(user, { method: 'POST', path: '/rooms', json });
  expect(answer).toMatchObject({ status: 200 });
  return bodyOf(answer);
}

function text(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error('not a text');
  return value;
}

function listedIds({ rooms }: JsonObject): readonly (Json | undefined)[] {
  return (rooms as readonly JsonObject[]).map(({ roomId }) => roomId);
}

describe('POST /rooms', () => {
  test("[Y1] makes a room in S2's shape, and gives its token to nobody else", async () => {
    await withRooms({}, async (server) => {
      const { clock, context } = server;
      const user = await server.signIn();
      const nowMs = clock.now();
      const room = await made(server, user, { hostUid: user.sub, unknown: 'is let be' });
      expect(room).toEqual({
        roomId: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/),
        hostUid: user.sub,
        players: [user.sub],
        status: 'waiting',
        mode: 'P2P',
        created: nowMs,
        hostName: user.username,
        access: 'open',
        expiresAt: Math.floor((nowMs + 7_200_000) / 1000) * 1000,
        token: expect.stringMatching(/^[\da-f]{6}$/),
      });
      await expect(context.store.find(asRoomId(text(room['roomId'])))).resolves.toEqual({
        roomId: room['roomId'],
        createdBy: user.sub,
        token: room['token'],
        expiresAtS: Math.floor((nowMs + 7_200_000) / 1000),
        isOpen: true,
        listing: { status: 'waiting', createdAtMs: nowMs, hostName: user.username },
      });
      expect(context.tally.rooms_created).toBe(1);
      const { token, ...shown } = room;
      const path = `/rooms/${text(room['roomId'])}`;
      expect(bodyOf(await server.call(user, { path }))).toEqual(shown);
      for (const where of [path, `${path}/participants`, '/rooms']) {
        expect((await server.call(user, { path: where })).body).not.toContain(text(token));
      }
    });
  });

  test('[Y1] takes the user name for hostUid too, and refuses another', async () => {
    await withRooms({}, async (server) => {
      const user = await server.signIn();
      const room = await made(server, user, { hostUid: user.username, hostName: 'Ada', access: 'token' });
      expect(room).toMatchObject({ hostUid: user.sub, hostName: 'Ada', access: 'token' });
      const json = { hostUid: 'somebody else' };
      const answer = await server.call(user, { method: 'POST', path: '/rooms', json });
      expect(answer).toMatchObject({ status: 403 });
      expect(bodyOf(answer)).toEqual({ error: 'hostUid is not the user of this token' });
    });
  });

  test('[Y8] keeps its user, who alone may read that', async () => {
    await withRooms({}, async (server) => {
      const user = await server.signIn();
      const path = `/users/${user.sub}`;
      await expect(server.call(user, { path })).resolves.toMatchObject({ status: 404 });
      const createdAtMs = server.clock.now();
      await made(server, user, { hostName: 'Ada' });
      server.clock.advance(1000);
      await made(server, user, { hostName: 'Lovelace' });
      expect(bodyOf(await server.call(user, { path }))).toEqual({
        uid: user.sub,
        handle: 'Lovelace',
        created: createdAtMs,
      });
      const other = await server.signIn();
      await expect(server.call(other, { path })).resolves.toMatchObject({ status: 403 });
      await expect(server.call(undefined, { path })).resolves.toMatchObject({ status: 401 });
    });
  });

  test('[Y8] makes the room all the same when its user cannot be kept, and says so in the log', async () => {
    const fails = (): Promise<never> => Promise.reject(new SignalingError('STORE_UNAVAILABLE'));
    await withRooms({ ports: { users: { remember: fails, find: fails } } }, async (server) => {
      const user = await server.signIn();
      await made(server, user);
      expect(server.log.filter((line) => line.includes('"user_not_remembered"'))).toHaveLength(1);
      await expect(server.call(user, { path: `/users/${user.sub}` })).resolves.toMatchObject({
        status: 503,
        headers: { 'retry-after': '5' },
      });
    });
  });

  test.each<[unknown, JsonObject]>([
    [{ hostUid: 7 }, { hostUid: expect.any(String) as unknown as string }],
    [{ access: 'maybe' }, { access: expect.any(String) as unknown as string }],
    [{ mode: 'MCU' }, { mode: expect.any(String) as unknown as string }],
    [{ mode: 4 }, { mode: expect.any(String) as unknown as string }],
    [{ hostName: 'x'.repeat(129) }, { hostName: expect.any(String) as unknown as string }],
    [[], { '': expect.any(String) as unknown as string }],
    [null, { '': expect.any(String) as unknown as string }],
  ])('refuses the body %j', async (json, details) => {
    await withRooms({}, async (server) => {
      const user = await server.signIn();
      const answer = await server.call(user, { method: 'POST', path: '/rooms', json });
      expect(answer).toMatchObject({ status: 400 });
      expect(bodyOf(answer)).toEqual({ error: 'Validation failed', details });
    });
  });

  test('takes no body for an empty one; refuses what is not JSON, and what is too big', async () => {
    await withRooms({}, async (server) => {
      const user = await server.signIn();
      const post = { method: 'POST', path: '/rooms' };
      await expect(server.call(user, post)).resolves.toMatchObject({ status: 200 });
      const broken = await server.call(user, { ...post, body: '{"hostUid":' });
      expect(broken).toMatchObject({ status: 400 });
      expect(bodyOf(broken)).toEqual({ error: 'Validation failed', details: { '': 'is not JSON' } });
      const big = await server.call(user, { ...post, body: `"${'x'.repeat(70_000)}"` });
      expect(big).toMatchObject({ status: 413 });
    });
  });

  test('[L6] is limited by address', async () => {
    await withRooms({ settings: { roomsPerMinutePerIp: 2 } }, async (server) => {
      const user = await server.signIn();
      await made(server, user);
      await made(server, user);
      const answer = await server.call(user, { method: 'POST', path: '/rooms' });
      expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '30' } });
      expect(bodyOf(answer)).toEqual({ error: expect.any(String), retry_after_ms: expect.any(Number) });
      expect(server.context.tally.requests_limited).toBe(1);
      server.clock.advance(30_000);
      await made(server, user);
    });
  });

  test('says 503 when the store does not answer', async () => {
    await withRooms({}, async (server) => {
      const user = await server.signIn();
      server.context.store.create = () => Promise.reject(new SignalingError('STORE_UNAVAILABLE'));
      const answer = await server.call(user, { method: 'POST', path: '/rooms' });
      expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
      expect(bodyOf(answer)).toEqual({ error: 'The room store did not answer.' });
    });
  });
});

describe('who may use the rooms API', () => {
  const requests = [
    { method: 'POST', path: '/rooms' },
    { method: 'GET', path: '/rooms' },
    { method: 'GET', path: '/rooms/a' },
    { method: 'GET', path: '/rooms/a/participants' },
    { method: 'GET', path: '/webrtc/rooms/a/participants' },
    { method: 'PATCH', path: '/rooms/a', json: { status: 'playing' } },
    { method: 'DELETE', path: '/rooms/a' },
    { method: 'GET', path: '/users/a' },
  ];

  test.each(requests)('$method $path needs a token that is good', async (request) => {
    await withRooms({}, async (server) => {
      const none = await server.call(undefined, request);
      expect(none).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
      expect(bodyOf(none)).toEqual({ error: expect.stringMatching(/^A token is needed/) });
      const bad = await server.call({ sub: '', username: '', token: 'nonsense' }, request);
      expect(bad).toMatchObject({ status: 401 });
      expect(bodyOf(bad)).toEqual({ error: expect.stringMatching(/^Token verification failed: /) });
    });
  });

  test('[Y1] where rooms may be anonymous nobody needs one to make and read them; a bad one is still bad', async () => {
    await withRooms({ settings: { allowAnonymousRooms: true } }, async (server) => {
      const room = await made(server, undefined, { hostUid: 'ada' });
      expect(room).toMatchObject({ hostUid: 'ada', players: ['ada'], hostName: 'ada', access: 'open' });
      const path = `/rooms/${text(room['roomId'])}`;
      for (const where of ['/rooms', path, `${path}/participants`]) {
        await expect(server.call(undefined, { path: where })).resolves.toMatchObject({ status: 200 });
      }
      for (const method of ['PATCH', 'DELETE']) {
        const answer = await server.call(undefined, { method, path, json: { status: 'playing' } });
        expect(answer).toMatchObject({ status: 401 });
      }
      const bad = { sub: '', username: '', token: 'nonsense' };
      await expect(server.call(bad, { path: '/rooms' })).resolves.toMatchObject({ status: 401 });
      // Each is another, and nobody to remember.
      const record = await server.context.store.find(asRoomId(text(room['roomId'])));
      expect(record?.createdBy).toMatch(/^anonymous:/);
      expect((await server.call(undefined, { path })).body).not.toContain('anonymous:');
      const user = await server.signIn();
      await expect(server.call(user, { method: 'DELETE', path })).resolves.toMatchObject({ status: 403 });
    });
  });

  test('another method of a known path is told which there are', async () => {
    await withRooms({}, async (server) => {
      await expect(server.call(undefined, { method: 'PUT', path: '/rooms' })).resolves.toMatchObject({
        status: 405,
        headers: { allow: 'GET, POST' },
      });
      await expect(server.call(undefined, { method: 'POST', path: '/rooms/a' })).resolves.toMatchObject({
        status: 405,
        headers: { allow: 'GET, PATCH, DELETE' },
      });
      await expect(server.call(undefined, { method: 'HEAD', path: '/rooms' })).resolves.toMatchObject({
        status: 401,
      });
    });
  });
});

describe('GET /rooms', () => {
  test('[Y2] lists the newest first, page by page, while more are made', async () => {
    await withRooms({}, async (server) => {
      const user = await server.signIn();
      const ids: string[] = [];
      for (let count = 0; count < 5; count += 1) {
        ids.unshift(text((await made(server, user))['roomId']));
        server.clock.advance(10);
      }
      const first = bodyOf(await server.call(user, { path: '/rooms?limit=2' }));
      expect(first).toMatchObject({ limit: 2, offset: 0, next: expect.any(String) as unknown });
      expect(listedIds(first)).toEqual(ids.slice(0, 2));
      await made(server, user);
      const after = `/rooms?limit=3&after=${text(first['next'])}`;
      const second = bodyOf(await server.call(user, { path: after }));
      expect(listedIds(second)).toEqual(ids.slice(2));
      expect(second).not.toHaveProperty('next');
      const third = bodyOf(await server.call(user, { path: '/rooms?offset=4' }));
      expect(third).toMatchObject({ limit: 20, offset: 4 });
      expect(listedIds(third)).toEqual(ids.slice(3));
    });
  });

  test('[Y2] [Y7] of one status; expired rooms are finished', async () => {
    await withRooms({}, async (server) => {
      const user = await server.signIn();
      const [waiting, playing] = [await made(server, user), await made(server, user)];
      const path = `/rooms/${text(playing['roomId'])}`;
      await server.call(user, { method: 'PATCH', path, json: { status: 'playing' } });
      const of = async (status: string): Promise<readonly (Json | undefined)[]> =>
        listedIds(bodyOf(await server.call(user, { path: `/rooms?status=${status}` })));
      await expect(of('waiting')).resolves.toEqual([waiting['roomId']]);
      await expect(of('playing')).resolves.toEqual([playing['roomId']]);
      await expect(of('finished')).resolves.toEqual([]);
      server.clock.advance(7_201_000);
      const fresh = await server.signIn();
      const finished = bodyOf(await server.call(fresh, { path: '/rooms?status=finished' }));
      expect(listedIds(finished)).toHaveLength(2);
      expect(finished['rooms']).toMatchObject([
        { status: 'finished', players: [] },
        { status: 'finished', players: [] },
      ]);
    });
  });

  test('[Y2] [Y3] lists open rooms only, for everybody alike; the others are there by their ids', async () => {
    await withRooms({ settings: { allowAnonymousRooms: true } }, async (server) => {
      const [creator, other] = [await server.signIn(), await server.signIn()];
      const oldest = await made(server, creator);
      server.clock.advance(10);
      const hidden = await made(server, creator, { access: 'token' });
      server.clock.advance(10);
      const newest = await made(server, creator);
      await server.sit(text(hidden['roomId']), other);
      for (const user of [creator, other, undefined]) {
        const seen = bodyOf(await server.call(user, { path: '/rooms?limit=2' }));
        expect(listedIds(seen)).toEqual([newest['roomId'], oldest['roomId']]);
        expect(seen).not.toHaveProperty('next');
      }
      const path = `/rooms/${text(hidden['roomId'])}`;
      const changed = await server.call(creator, { method: 'PATCH', path, json: { status: 'playing' } });
      const { roomId, created, hostName } = hidden;
      const expected = {
        roomId,
        created,
        hostName,
        status: 'playing',
        players: [other.sub],
        access: 'token',
      };
      expect(bodyOf(changed)).toMatchObject(expected);
      expect(bodyOf(await server.call(creator, { path }))).toMatchObject(expected);
      expect(listedIds(bodyOf(await server.call(creator, { path: '/rooms?status=playing' })))).toEqual([]);
    });
  });

  test('[Y2] looks into the rooms of the page alone, at most 20 at a time', async () => {
    await withRooms({}, async (server) => {
      const user = await server.signIn();
      const ids: string[] = [];
      for (let count = 0; count < 60; count += 1) {
        ids.unshift(text((await made(server, user))['roomId']));
        server.clock.advance(1);
      }
      const { presence } = server.context;
      const view = presence.view.bind(presence);
      const looked: string[] = [];
      let [open, most] = [0, 0];
      presence.view = async (roomId) => {
        looked.push(roomId);
        open += 1;
        most = Math.max(most, open);
        await new Promise((resolve) => setImmediate(resolve));
        open -= 1;
        return view(roomId);
      };
      const listed = bodyOf(await server.call(user, { path: '/rooms?limit=50&offset=5' }));
      expect(listedIds(listed)).toEqual(ids.slice(5, 55));
      expect(looked).toEqual(ids.slice(5, 55));
      expect(most).toBe(20);
    });
  });

  test('[Y2] [L6] is limited by address, apart from how many are made, before the token is looked at', async () => {
    await withRooms({ settings: { roomsPerMinutePerIp: 2 } }, async (server) => {
      const user = await server.signIn();
      await made(server, user);
      await made(server, user);
      const path = '/rooms';
      await expect(server.call(user, { path })).resolves.toMatchObject({ status: 200 });
      await expect(server.call(undefined, { path })).resolves.toMatchObject({ status: 401 });
      const answer = await server.call(user, { path });
      expect(answer).toMatchObject({
        status: 429,
        headers: { 'retry-after': '30', 'cache-control': 'no-store' },
      });
      expect(bodyOf(answer)).toEqual({ error: expect.any(String), retry_after_ms: 30_000 });
      expect(server.context.tally.requests_limited).toBe(1);
      server.clock.advance(30_000);
      await expect(server.call(user, { path })).resolves.toMatchObject({ status: 200 });
    });
  });

  test('[Y2] offset ends at 1,000, and after goes on', async () => {
    await withRooms({}, async (server) => {
      const user = await server.signIn();
      const nowMs = server.clock.now();
      const made = (count: number): Promise<unknown> =>
        server.record({
          isOpen: true,
          listing: { status: 'waiting', createdAtMs: nowMs - count, hostName: 'h' },
        });
      for (let count = 0; count < 1005; count += 1) await made(count);
      const page = bodyOf(await server.call(user, { path: '/rooms?limit=1&offset=1000' }));
      expect(page['rooms']).toMatchObject([{ created: nowMs - 1000 }]);
      const rest = bodyOf(await server.call(user, { path: `/rooms?limit=5&after=${text(page['next'])}` }));
      expect((rest['rooms'] as readonly JsonObject[]).map(({ created }) => created)).toEqual(
        [1001, 1002, 1003, 1004].map((age) => nowMs - age),
      );
      expect(rest).not.toHaveProperty('next');
    });
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=x', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['offset=-1', 'offset'],
    ['offset=1001', 'offset'],
    ['status=over', 'status'],
    ['after=nonsense', 'after'],
  ])('[Y2] refuses ?%s', async (query, field) => {
    await withRooms({}, async (server) => {
      const answer = await server.call(await server.signIn(), { path: `/rooms?${query}` });
      expect(answer).toMatchObject({ status: 400, headers: { 'cache-control': 'no-store' } });
      expect(bodyOf(answer)).toEqual({
        error: 'Validation failed',
        details: { [field]: expect.any(String) },
      });
    });
  });
});

describe('GET /rooms/:id', () => {
  test('[Y5] shows who sits there, in the order of their coming, each user once, and the host', async () => {
    await withRooms({}, async (server) => {
      const [creator, guest] = [await server.signIn(), await server.signIn()];
      const { roomId, players } = await made(server, creator);
      expect(players).toEqual([creator.sub]);
      const path = `/rooms/${text(roomId)}`;
      await server.sit(text(roomId), guest);
      expect(bodyOf(await server.call(guest, { path }))).toMatchObject({
        hostUid: guest.sub,
        players: [guest.sub],
      });
      await server.sit(text(roomId), creator);
      await server.sit(text(roomId), guest, { peerId: asPeerId('second tab') });
      await server.sit(text(roomId), anonymous('x'), { peerId: asPeerId('bob') });
      await server.sit(text(roomId), anonymous('y'), {
        peerId: asPeerId('gone'),
        isQuiet: true,
        standing: 'away',
      });
      const room = bodyOf(await server.call(guest, { path }));
      expect(room).toMatchObject({ hostUid: creator.sub, players: [guest.sub, creator.sub, 'bob'] });
      const participants = bodyOf(await server.call(guest, { path: `${path}/participants` }));
      const entry = (user_id: string, username: string, isHost = false): JsonObject => ({
        user_id,
        username,
        joined_at: new Date(server.clock.now()).toISOString(),
        role: 'peer',
        host: isHost,
      });
      expect(participants).toEqual({
        room_id: roomId,
        participants: [
          entry(guest.username, guest.username),
          entry(creator.username, creator.username, true),
          entry('second tab', guest.username),
          entry('bob', 'bob'),
        ],
        participant_count: 4,
      });
      const s4 = await server.call(guest, { path: `/webrtc${path}/participants` });
      expect(bodyOf(s4)).toEqual(participants);
    });
  });

  test('[Y3] a room with a token is there for its creator, who sits in it, and who knows the token', async () => {
    await withRooms({}, async (server) => {
      const [creator, guest, stranger] = [
        await server.signIn(),
        await server.signIn(),
        await server.signIn(),
      ];
      const { roomId, token } = await made(server, creator, { access: 'token' });
      await server.sit(text(roomId), guest);
      for (const path of [`/rooms/${text(roomId)}`, `/webrtc/rooms/${text(roomId)}/participants`]) {
        for (const user of [creator, guest]) {
          await expect(server.call(user, { path })).resolves.toMatchObject({ status: 200 });
        }
        const hidden = await server.call(stranger, { path });
        expect(hidden).toMatchObject({ status: 404, headers: { 'cache-control': 'no-store' } });
        expect(bodyOf(hidden)).toEqual(notFound);
        for (const [wrong, status] of [
          ['', 404],
          ['000000x', 404],
          [text(token), 200],
        ] as const) {
          const where = `${path}?room_token=${wrong}`;
          await expect(server.call(stranger, { path: where })).resolves.toMatchObject({ status });
        }
      }
    });
  });

  test('[Y3] nobody can try many room tokens', async () => {
    await withRooms({}, async (server) => {
      const user = await server.signIn();
      const { roomId } = await made(server, await server.signIn(), { access: 'token' });
      const path = `/rooms/${text(roomId)}?room_token=000000`;
      for (let tries = 0; tries < 30; tries += 1) await server.call(user, { path });
      await expect(server.call(user, { path })).resolves.toMatchObject({ status: 429 });
    });
  });

  test("[Y7] rooms of the Python server's kind are read by the same rule, without what they have not", async () => {
    await withRooms({}, async (server) => {
      const [creator, stranger] = [await server.signIn(), await server.signIn()];
      const { roomId, expiresAtS } = await server.record({ createdBy: creator.sub });
      const path = `/rooms/${roomId}`;
      expect(bodyOf(await server.call(creator, { path }))).toEqual({
        roomId,
        hostUid: creator.sub,
        players: [creator.sub],
        status: 'waiting',
        mode: 'P2P',
        created: null,
        hostName: null,
        access: 'token',
        expiresAt: expiresAtS * 1000,
      });
      await expect(server.call(stranger, { path })).resolves.toMatchObject({ status: 404 });
      expect(listedIds(bodyOf(await server.call(creator, { path: '/rooms' })))).toEqual([]);
      const json = { status: 'playing' };
      await expect(server.call(creator, { method: 'PATCH', path, json })).resolves.toMatchObject({
        status: 404,
      });
    });
  });

  test.each(['nowhere', 'x'.repeat(300), '%2e%2e', '__proto__'])('%s is not found', async (name) => {
    await withRooms({}, async (server) => {
      const answer = await server.call(await server.signIn(), { path: `/rooms/${name}` });
      expect(answer).toMatchObject({ status: 404 });
      expect(bodyOf(answer)).toEqual(notFound);
    });
  });
});

describe('PATCH and DELETE /rooms/:id', () => {
  test('[Y4] the creator and the host may, a guest may not, and a stranger hears of no room', async () => {
    await withRooms({}, async (server) => {
      const [creator, host, guest] = [await server.signIn(), await server.signIn(), await server.signIn()];
      const { roomId } = await made(server, creator, { access: 'token' });
      const path = `/rooms/${text(roomId)}`;
      await server.sit(text(roomId), host);
      await server.sit(text(roomId), guest);
      const patch = (user: User, status: string): ReturnType<RoomsServer['call']> =>
        server.call(user, { method: 'PATCH', path, json: { status } });
      expect(bodyOf(await patch(creator, 'playing'))).toMatchObject({ roomId, status: 'playing' });
      expect(bodyOf(await patch(host, 'waiting'))).toMatchObject({ roomId, status: 'waiting' });
      for (const method of ['PATCH', 'DELETE']) {
        const refused = await server.call(guest, { method, path, json: { status: 'playing' } });
        expect(refused).toMatchObject({ status: 403 });
        const stranger = await server.signIn();
        const hidden = await server.call(stranger, { method, path, json: { status: 'playing' } });
        expect(hidden).toMatchObject({ status: 404 });
      }
      const wrong = await patch(creator, 'over');
      expect(wrong).toMatchObject({ status: 400 });
      expect(bodyOf(wrong)).toEqual({
        error: 'Validation failed',
        details: { status: expect.any(String) },
      });
    });
  });

  test('[O1] the creator and the host set the mode, alone or with the status; a guest may not', async () => {
    await withRooms({ ports: { mediaServices } }, async (server) => {
      const { context } = server;
      const [creator, host, guest] = [await server.signIn(), await server.signIn(), await server.signIn()];
      const { roomId } = await made(server, creator, { mode: 'sfu' });
      const path = `/rooms/${text(roomId)}`;
      const id = asRoomId(text(roomId));
      const patch = (user: User, json: unknown): ReturnType<RoomsServer['call']> =>
        server.call(user, { method: 'PATCH', path, json });
      await server.sit(text(roomId), host);
      await server.sit(text(roomId), guest);
      expect(bodyOf(await server.call(guest, { path }))).toMatchObject({ mode: 'SFU' });
      await expect(patch(guest, { mode: 'P2P' })).resolves.toMatchObject({ status: 403 });
      expect(bodyOf(await patch(host, { mode: 'p2p' }))).toMatchObject({ mode: 'P2P', status: 'waiting' });
      expect((await context.presence.view(id)).mode).toBe('P2P');
      await expect(context.store.find(id)).resolves.toMatchObject({ mode: 'P2P' });
      await context.presence.setMode(id, 'SFU', { reason: 'size' });
      expect(bodyOf(await server.call(guest, { path }))).toMatchObject({ mode: 'SFU' });
      const both = await patch(creator, { mode: 'P2P', status: 'playing' });
      expect(bodyOf(both)).toMatchObject({ mode: 'P2P', status: 'playing' });
      expect(bodyOf(await server.call(guest, { path }))).toMatchObject({ mode: 'P2P', status: 'playing' });
      expect(context.tally.modes_changed).toBe(2);
    });
  });

  test("[O1] the mode of a room that nobody is in is its record's, listed or not", async () => {
    await withRooms({}, async (server) => {
      const creator = await server.signIn();
      const { roomId } = await server.record({ createdBy: creator.sub, mode: 'SFU', isOpen: true });
      const path = `/rooms/${roomId}`;
      expect(bodyOf(await server.call(creator, { path }))).toMatchObject({ mode: 'SFU' });
      const answer = await server.call(creator, { method: 'PATCH', path, json: { mode: 'P2P' } });
      expect(bodyOf(answer)).toMatchObject({ mode: 'P2P' });
      await expect(server.context.store.find(roomId)).resolves.toMatchObject({ mode: 'P2P' });
      const refused = await server.call(creator, {
        method: 'PATCH',
        path,
        json: { mode: 'P2P', status: 'playing' },
      });
      expect(refused).toMatchObject({ status: 404 });
    });
  });

  test('[O1] a room whose record is not ours has its mode set while somebody is in it', async () => {
    await withRooms({}, async (server) => {
      const creator = await server.signIn();
      const { roomId } = await server.record({ createdBy: creator.sub, mode: 'SFU' });
      const path = `/rooms/${roomId}`;
      server.context.store.setMode = () => Promise.resolve(false);
      const patch = (): ReturnType<RoomsServer['call']> =>
        server.call(creator, { method: 'PATCH', path, json: { mode: 'P2P' } });
      await expect(patch()).resolves.toMatchObject({ status: 404 });
      await server.sit(roomId, creator);
      await expect(patch()).resolves.toMatchObject({ status: 200 });
    });
  });

  test('[O1] nobody is given an SFU room where there is no Media Service, and nothing is changed then', async () => {
    await withRooms({}, async (server) => {
      const creator = await server.signIn();
      const path = `/rooms/${text((await made(server, creator))['roomId'])}`;
      const json = { mode: 'SFU', status: 'playing' };
      const answer = await server.call(creator, { method: 'PATCH', path, json });
      expect(answer).toMatchObject({ status: 503 });
      expect(answer.body).toContain('MEDIA_SERVICE_URL');
      const after = bodyOf(await server.call(creator, { path }));
      expect(after).toMatchObject({ mode: 'P2P', status: 'waiting' });
    });
  });

  test.each<[unknown, string]>([
    [{}, 'status'],
    [{ mode: 'MCU' }, 'mode'],
    [{ mode: null }, 'mode'],
    [{ mode: 'P2P', status: 'over' }, 'status'],
  ])('[O1] the change %j is refused by the name of its field', async (json, field) => {
    await withRooms({}, async (server) => {
      const creator = await server.signIn();
      const path = `/rooms/${text((await made(server, creator))['roomId'])}`;
      const answer = await server.call(creator, { method: 'PATCH', path, json });
      expect(answer).toMatchObject({ status: 400 });
      expect(bodyOf(answer)).toMatchObject({ details: { [field]: expect.any(String) as unknown } });
    });
  });

  test('[Y4] [Y7] an expired room has its last status', async () => {
    await withRooms({}, async (server) => {
      const user = await server.signIn();
      const { roomId } = await server.record({
        createdBy: user.sub,
        expiresAtS: Math.floor(server.clock.now() / 1000) - 10,
        listing: { status: 'playing', createdAtMs: 1, hostName: 'h' },
      });
      const path = `/rooms/${roomId}`;
      expect(bodyOf(await server.call(user, { path }))).toMatchObject({ status: 'finished', players: [] });
      const answer = await server.call(user, { method: 'PATCH', path, json: { status: 'waiting' } });
      expect(answer).toMatchObject({ status: 410 });
    });
  });

  test('[Y4] a deletion ends the seats and the room, and deletes no user', async () => {
    await withRooms({}, async (server) => {
      const { context } = server;
      const [creator, guest] = [await server.signIn(), await server.signIn()];
      const { roomId } = await made(server, creator);
      const path = `/rooms/${text(roomId)}`;
      await server.sit(text(roomId), guest);
      await server.sit(text(roomId), creator);
      const answer = await server.call(creator, { method: 'DELETE', path });
      expect(answer).toMatchObject({ status: 204, body: '' });
      expect((await context.presence.view(asRoomId(text(roomId)))).seats).toEqual([]);
      await expect(context.store.find(asRoomId(text(roomId)))).resolves.toBeUndefined();
      await expect(server.call(creator, { path })).resolves.toMatchObject({ status: 404 });
      await expect(server.call(creator, { method: 'DELETE', path })).resolves.toMatchObject({ status: 404 });
      expect(context.tally).toMatchObject({ rooms_deleted: 1, users_deleted: 0 });
      expect(context.hub.isBuried(asRoomId(text(roomId)))).toBe(true);
      server.clock.advance(30_000);
      expect(context.hub.isBuried(asRoomId(text(roomId)))).toBe(false);
    });
  });

  test('[Y4] a deletion that the store did not do is refused, and can be repeated', async () => {
    await withRooms({}, async (server) => {
      const { context } = server;
      const user = await server.signIn();
      const { roomId } = await made(server, user);
      const path = `/rooms/${text(roomId)}`;
      await server.sit(text(roomId), user);
      const { store } = context;
      const remove = store.remove.bind(store);
      store.remove = () => Promise.reject(new SignalingError('STORE_UNAVAILABLE'));
      await expect(server.call(user, { method: 'DELETE', path })).resolves.toMatchObject({ status: 503 });
      expect(context.hub.isBuried(asRoomId(text(roomId)))).toBe(false);
      store.remove = remove;
      await expect(server.call(user, { method: 'DELETE', path })).resolves.toMatchObject({ status: 204 });
    });
  });
});

describe('GET /internal/rooms/:id', () => {
  const key = 'a key that two services share';

  test('[Y6] shows a room to who has the key', async () => {
    await withRooms({ ports: { mediaServices }, settings: { internalServiceKey: key } }, async (server) => {
      const [creator, guest] = [await server.signIn(), await server.signIn()];
      const room = await made(server, creator, { access: 'token' });
      const path = `/internal/rooms/${text(room['roomId'])}`;
      const headers = { 'X-Internal-Service-Key': key };
      const shown = {
        id: room['roomId'],
        mode: 'P2P',
        maxParticipants: 8,
        createdBy: creator.sub,
        hostId: null,
        participants: [],
        isOpen: false,
        status: 'waiting',
        createdAt: room['created'],
        expiresAt: room['expiresAt'],
        cacheTtlS: 3600,
      };
      expect(bodyOf(await server.call(undefined, { path, headers }))).toEqual(shown);
      const sfu = await made(server, creator, { mode: 'SFU' });
      const other = { path: `/internal/rooms/${text(sfu['roomId'])}`, headers };
      expect(bodyOf(await server.call(undefined, other))).toMatchObject({ mode: 'SFU' });
      await server.sit(text(room['roomId']), guest);
      const joinedAt = server.clock.now();
      expect(bodyOf(await server.call(undefined, { path, headers }))).toEqual({
        ...shown,
        hostId: guest.sub,
        participants: [{ userId: guest.sub, peerId: guest.username, role: 'peer', joinedAt }],
      });
      const unknown = await server.call(undefined, { path: '/internal/rooms/nowhere', headers });
      expect(unknown).toMatchObject({ status: 404 });
    });
  });

  test('[Y6] refuses everybody else, with a good token too', async () => {
    await withRooms({ settings: { internalServiceKey: key } }, async (server) => {
      const user = await server.signIn();
      const path = `/internal/rooms/${text((await made(server, user))['roomId'])}`;
      for (const headers of [{}, { 'X-Internal-Service-Key': `${key}x` }, { 'X-Internal-Service-Key': '' }]) {
        const answer = await server.call(user, { path, headers });
        expect(answer).toMatchObject({ status: 403 });
        expect(bodyOf(answer)).toEqual({ error: expect.any(String) });
      }
    });
  });

  test('[Y6] is no path at all without a key', async () => {
    await withRooms({}, async (server) => {
      const answer = await server.call(undefined, { path: '/internal/rooms/a' });
      expect(answer).toMatchObject({ status: 404, body: '{"detail":"Not Found"}' });
    });
  });
});
