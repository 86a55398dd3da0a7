/** `GET /rooms/:id/messages` on a real core in memory. */
import { describe, expect, test } from '@jest/globals';
import { MemoryChatLog, MemoryChatMemory } from '../../../src/adapters/memory/memory-chat-log.js';
import type { ChatLog } from '../../../src/ports/chat-log.js';
import { SignalingError } from '../../../src/protocol/errors.js';
import { asPeerId, asRoomId } from '../../../src/protocol/ids.js';
import { FakeClock } from '../../support/fake-clock.js';
import { bodyOf, withRooms, type RoomsServer } from './rooms-api-fixture.js';

const notFound = { error: 'Room not found' };

/** So many messages, a second apart: m1, m2, … Returns their places. */
async function say({ context, clock }: RoomsServer, roomId: string, count: number): Promise<number[]> {
  const seqs: number[] = [];
  for (let at = 1; at <= count; at += 1) {
    clock.advance(1_000);
    const draft = { roomId: asRoomId(roomId), id: `m${String(at)}`, content: `said ${String(at)}` };
    const said = await context.chatLog.append(
      { ...draft, from: asPeerId('anna'), sub: 'secret-sub' },
      { maxWaiting: 1_000 },
    );
    seqs.push(said.message.seq);
  }
  return seqs;
}

const idsOf = (body: unknown): readonly string[] =>
  (body as { messages: readonly { id: string }[] }).messages.map(({ id }) => id);

describe('GET /rooms/:id/messages', () => {
  test('[Q9] shows what was said, oldest first, in the shape of the flat dialect', async () => {
    await withRooms({}, async (server) => {
      const { roomId } = await server.record({ isOpen: true });
      const user = await server.signIn();
      const path = `/rooms/${roomId}/messages`;
      const empty = await server.call(user, { path });
      expect(empty).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
      expect(bodyOf(empty)).toEqual({ messages: [], next: null });

      const [seq] = await say(server, roomId, 1);
      const answer = await server.call(user, { path });
      const timestamp = Math.floor((seq ?? 0) / 1_000);
      expect(bodyOf(answer)).toEqual({
        messages: [
          {
            id: 'm1',
            room_id: roomId,
            sender: 'anna',
            senderId: 'anna',
            content: 'said 1',
            timestamp,
            createdAt: new Date(timestamp).toISOString(),
            seq,
          },
        ],
        next: null,
      });
      expect(answer.body).not.toContain('secret-sub');
    });
  });

  test('[Q9] pages backwards by before and limit, 50 at a time without one', async () => {
    await withRooms({}, async (server) => {
      const { roomId } = await server.record({ isOpen: true });
      const user = await server.signIn();
      const seqs = await say(server, roomId, 52);
      const page = async (query: string): Promise<Record<string, unknown>> =>
        bodyOf(await server.call(user, { path: `/rooms/${roomId}/messages?${query}` }));
      const latest = await page('');
      expect(idsOf(latest)).toHaveLength(50);
      expect(latest['next']).toBe(seqs[2]);
      expect(await page(`before=${String(seqs[2])}`)).toMatchObject({
        messages: [{ id: 'm1' }, { id: 'm2' }],
        next: null,
      });
      const two = await page('limit=2');
      expect(two).toMatchObject({ messages: [{ id: 'm51' }, { id: 'm52' }], next: seqs[50] });
      expect(idsOf(await page(`limit=2&before=${String(two['next'])}`))).toEqual(['m49', 'm50']);
      expect(idsOf(await page('limit=200'))).toHaveLength(52);
      expect(idsOf(await page('before=0'))).toEqual([]);
    });
  });

  test.each([
    ['limit=0', 'limit', 'must be a whole number from 1 to 200'],
    ['limit=201', 'limit', 'must be a whole number from 1 to 200'],
    ['limit=x', 'limit', 'must be a whole number from 1 to 200'],
    ['limit=1&limit=2', 'limit', 'must be a whole number from 1 to 200'],
    ['before=-1', 'before', 'must be the seq of a message, or the next of a page'],
    ['before=1.5', 'before', 'must be the seq of a message, or the next of a page'],
    ['before=9999999999999999', 'before', 'must be the seq of a message, or the next of a page'],
    ['before=', 'before', 'must be the seq of a message, or the next of a page'],
  ])('[Q9] %s is refused by name', async (query, field, fault) => {
    await withRooms({}, async (server) => {
      const { roomId } = await server.record({ isOpen: true });
      const user = await server.signIn();
      const answer = await server.call(user, { path: `/rooms/${roomId}/messages?${query}` });
      expect(answer).toMatchObject({ status: 400, headers: { 'cache-control': 'no-store' } });
      expect(bodyOf(answer)).toEqual({ error: 'Validation failed', details: { [field]: fault } });
    });
  });

  test('[Q9] a room with a token is read by its creator, who sits there and who knows the token', async () => {
    await withRooms({}, async (server) => {
      const [creator, member, stranger] = [
        await server.signIn(),
        await server.signIn(),
        await server.signIn(),
      ];
      const { roomId, token } = await server.record({ createdBy: creator.sub });
      await say(server, roomId, 1);
      await server.sit(roomId, member);
      const path = `/rooms/${roomId}/messages`;
      for (const user of [creator, member]) {
        expect(idsOf(bodyOf(await server.call(user, { path })))).toEqual(['m1']);
      }
      expect(idsOf(bodyOf(await server.call(stranger, { path: `${path}?room_token=${token}` })))).toEqual([
        'm1',
      ]);
      for (const query of ['', '?room_token=ffffff', '?room_token=']) {
        const answer = await server.call(stranger, { path: path + query });
        expect(answer).toMatchObject({ status: 404 });
        expect(bodyOf(answer)).toEqual(notFound);
      }
      const nowhere = await server.call(creator, { path: '/rooms/nowhere/messages' });
      expect(bodyOf(nowhere)).toEqual(notFound);
    });
  });

  test('[Q9] who proves nothing reads open rooms where that is allowed, and nothing else', async () => {
    const settings = { allowAnonymousRooms: true };
    await withRooms({ settings }, async (server) => {
      const open = await server.record({ isOpen: true });
      const closed = await server.record();
      await say(server, open.roomId, 1);
      const read = (roomId: string): ReturnType<RoomsServer['call']> =>
        server.call(undefined, { path: `/rooms/${roomId}/messages` });
      expect(idsOf(bodyOf(await read(open.roomId)))).toEqual(['m1']);
      expect(await read(closed.roomId)).toMatchObject({ status: 404 });
    });
    await withRooms({}, async (server) => {
      const { roomId } = await server.record({ isOpen: true });
      const path = `/rooms/${roomId}/messages`;
      expect(await server.call(undefined, { path })).toMatchObject({ status: 401 });
      const headers = { authorization: 'Bearer nonsense' };
      expect(await server.call(undefined, { path, headers })).toMatchObject({ status: 401 });
    });
  });

  test('[Q9] nobody may try many room tokens', async () => {
    await withRooms({}, async (server) => {
      const { roomId } = await server.record();
      const user = await server.signIn();
      const path = `/rooms/${roomId}/messages?room_token=000000`;
      for (let at = 0; at < 30; at += 1) {
        expect(await server.call(user, { path })).toMatchObject({ status: 404 });
      }
      const answer = await server.call(user, { path });
      expect(answer).toMatchObject({ status: 429, headers: { 'cache-control': 'no-store' } });
      expect(await server.call(user, { path: `/rooms/${roomId}?room_token=000000` })).toMatchObject({
        status: 429,
      });
    });
  });

  test('[Q9] nobody may ask for very many pages, whoever it is', async () => {
    await withRooms({}, async (server) => {
      const { roomId } = await server.record({ isOpen: true });
      const user = await server.signIn();
      let asked = 0;
      while ((await server.call(user, { path: `/rooms/${roomId}/messages?limit=1` })).status === 200)
        asked += 1;
      expect(asked).toBe(600);
    });
  });

  test('[Q9] a log that does not answer is a 503 that may be tried again, and no internals', async () => {
    const memory = new MemoryChatLog(new MemoryChatMemory(new FakeClock()));
    const down = new SignalingError('STORE_UNAVAILABLE', undefined, { cause: new Error('10.0.0.7 refused') });
    const chatLog: ChatLog = Object.assign(memory, { before: () => Promise.reject(down) });
    await withRooms({ ports: { chatLog } }, async (server) => {
      const { roomId } = await server.record({ isOpen: true });
      const answer = await server.call(await server.signIn(), { path: `/rooms/${roomId}/messages` });
      expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
      expect(answer.body).not.toContain('10.0.0.7');
    });
  });
});
