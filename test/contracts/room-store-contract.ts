import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { RoomPage, RoomQuery, RoomStore } from '../../src/ports/room-store.js';
import { asRoomId, type RoomId } from '../../src/protocol/ids.js';
import type { RoomListing, RoomRecord } from '../../src/protocol/records.js';

export interface RoomStoreSetup {
  readonly store: RoomStore;
  readonly stop?: () => Promise<void>;
}

/** What every `RoomStore` must do. `nowS` is where the store's own clock stands, if it has one. */
export function roomStoreContract(name: string, nowS: number, setup: () => Promise<RoomStoreSetup>): void {
  describe(`${name} as a RoomStore`, () => {
    let store: RoomStore;
    let stop: RoomStoreSetup['stop'];

    beforeAll(async () => {
      ({ store, stop } = await setup());
    });
    afterAll(async () => {
      await stop?.();
    });

    const freshRoom = (fields: Partial<RoomRecord> = {}): RoomRecord => ({
      roomId: asRoomId(randomBytes(4).toString('hex')),
      createdBy: 'somebody',
      token: 'a1b2c3',
      expiresAtS: nowS + 7200,
      ...fields,
    });

    test('finds a room as it was written', async () => {
      const room = freshRoom();
      await expect(store.create(room, nowS)).resolves.toBe('created');
      await expect(store.find(room.roomId)).resolves.toEqual(room);
    });

    test('finds nothing under an id that nobody wrote', async () => {
      await expect(store.find(freshRoom().roomId)).resolves.toBeUndefined();
    });

    test('[B1] does not give the id of a live room away, and leaves the room as it was', async () => {
      const room = freshRoom();
      await store.create(room, nowS);
      await expect(store.create({ ...room, token: 'ffffff' }, nowS)).resolves.toBe('taken');
      await expect(store.find(room.roomId)).resolves.toEqual(room);
    });

    test('[B1] lets one of several concurrent creations of one id win', async () => {
      const room = freshRoom();
      const tokens = ['000001', '000002', '000003', '000004', '000005'];
      const outcomes = await Promise.all(tokens.map((token) => store.create({ ...room, token }, nowS)));
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
      const winner = tokens[outcomes.indexOf('created')];
      await expect(store.find(room.roomId)).resolves.toEqual({ ...room, token: winner });
    });

    test('still finds a room that has expired', async () => {
      const room = freshRoom({ expiresAtS: nowS - 60 });
      await store.create(room, nowS - 120);
      await expect(store.find(room.roomId)).resolves.toEqual(room);
    });

    test('gives the id of an expired room away again, with nothing left of the old room', async () => {
      const room = freshRoom({ expiresAtS: nowS - 1 });
      await store.create(room, nowS - 120);
      const next = { ...room, createdBy: 'somebody else', token: 'ffffff', expiresAtS: nowS + 7200 };
      await expect(store.create(next, nowS)).resolves.toBe('created');
      await expect(store.find(room.roomId)).resolves.toEqual(next);
    });

    test('counts the second in which a room expires as its last', async () => {
      const room = freshRoom({ expiresAtS: nowS });
      await store.create(room, nowS - 120);
      await expect(store.create(room, nowS)).resolves.toBe('taken');
      await expect(store.create(room, nowS + 1)).resolves.toBe('created');
    });

    test('finds a removed room no more, and gives its id away again', async () => {
      const room = freshRoom();
      await store.create(room, nowS);
      await store.remove(room.roomId);
      await expect(store.find(room.roomId)).resolves.toBeUndefined();
      await expect(store.create(room, nowS)).resolves.toBe('created');
    });

    test('removes what is not there without complaint', async () => {
      await expect(store.remove(freshRoom().roomId)).resolves.toBeUndefined();
    });

    test('takes any text for an id', async () => {
      for (const text of ['__proto__', 'constructor', 'Räume/ü 👋', ' ', '0', 'x'.repeat(500)]) {
        const room = freshRoom({ roomId: asRoomId(text) });
        await expect(store.create(room, nowS)).resolves.toBe('created');
        await expect(store.find(room.roomId)).resolves.toEqual(room);
      }
    });

    test('[O1] finds a room with the mode that it was made with, and with the one that was set last', async () => {
      const [plain, made] = [freshRoom(), freshRoom({ mode: 'SFU', isOpen: true })];
      for (const room of [plain, made]) {
        await expect(store.create(room, nowS)).resolves.toBe('created');
        await expect(store.find(room.roomId)).resolves.toEqual(room);
        for (const mode of ['P2P', 'SFU', 'SFU', 'P2P'] as const) {
          await expect(store.setMode(room.roomId, mode)).resolves.toBe(true);
          await expect(store.find(room.roomId)).resolves.toEqual({ ...room, mode });
        }
      }
    });

    test('[O1] sets no mode where there is no room, and makes none', async () => {
      const { roomId } = freshRoom();
      await expect(store.setMode(roomId, 'SFU')).resolves.toBe(false);
      await expect(store.find(roomId)).resolves.toBeUndefined();
    });

    describe('lists rooms', () => {
      const made: RoomId[] = [];
      afterEach(async () => {
        for (const roomId of made.splice(0)) await store.remove(roomId);
      });

      /** `ageMs`: how long ago it was made. */
      const listed = async (
        ageMs: number,
        fields: Partial<RoomRecord> & { readonly status?: RoomListing['status'] } = {},
      ): Promise<RoomRecord> => {
        const { status = 'waiting', ...others } = fields;
        const listing = { status, createdAtMs: nowS * 1000 - ageMs, hostName: 'Räuber 👋' };
        const room = freshRoom({ isOpen: true, listing, ...others });
        await expect(store.create(room, nowS - 7200)).resolves.toBe('created');
        made.push(room.roomId);
        return room;
      };
      const list = (query: Partial<RoomQuery> = {}): Promise<RoomPage> =>
        store.list({ limit: 20, offset: 0, nowS, ...query });
      const ids = (rooms: readonly RoomRecord[]): readonly string[] => rooms.map(({ roomId }) => roomId);
      /** All pages of so many, one behind the other. */
      const walk = async (limit: number, query: Partial<RoomQuery> = {}): Promise<readonly string[]> => {
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const page = await list({ ...query, limit, ...(after === undefined ? {} : { after }) });
          expect(page.rooms.length).toBeLessThanOrEqual(limit);
          seen.push(...ids(page.rooms));
          after = page.next;
        } while (after !== undefined);
        return seen;
      };

      test('[Y2] finds a listed room as it was written, and lists it so', async () => {
        const open = await listed(0);
        await expect(store.find(open.roomId)).resolves.toEqual(open);
        await expect(list()).resolves.toEqual({ rooms: [open] });
      });

      test('[Y2] [Y3] a room that is not open keeps its listing, has its status set, and is never listed', async () => {
        const open = await listed(10);
        for (const isOpen of [false, undefined]) {
          const listing: RoomListing = { status: 'waiting', createdAtMs: nowS * 1000, hostName: 'Räuber 👋' };
          const closed = freshRoom({ listing, ...(isOpen !== undefined && { isOpen }) });
          await expect(store.create(closed, nowS)).resolves.toBe('created');
          await expect(store.find(closed.roomId)).resolves.toEqual(closed);
          for (const status of ['playing', 'finished', 'waiting'] as const) {
            await expect(store.setStatus(closed.roomId, status)).resolves.toBe(true);
            await expect(store.find(closed.roomId)).resolves.toEqual({
              ...closed,
              listing: { ...closed.listing, status },
            });
            await expect(list()).resolves.toEqual({ rooms: [open] });
            await expect(list({ status })).resolves.toEqual({ rooms: status === 'waiting' ? [open] : [] });
          }
        }
      });

      test('[Y2] rooms that are not open shorten no page', async () => {
        const oldest = await listed(100);
        for (let age = 1; age < 30; age += 1) await listed(age, { isOpen: false });
        const newest = await listed(0);
        await expect(walk(1)).resolves.toEqual(ids([newest, oldest]));
        await expect(list({ limit: 2 })).resolves.toEqual({ rooms: [newest, oldest] });
        await expect(list({ limit: 1, offset: 1 })).resolves.toEqual({ rooms: [oldest] });
      });

      test('[Y2] a room made anew under an id without being open is listed no more', async () => {
        const old = await listed(7_000_000, { expiresAtS: nowS - 1 });
        const next = { ...old, isOpen: false, expiresAtS: nowS + 7200 };
        await expect(store.create(next, nowS)).resolves.toBe('created');
        await expect(store.find(old.roomId)).resolves.toEqual(next);
        await expect(list()).resolves.toEqual({ rooms: [] });
      });

      test('[Y7] keeps whether a room is open of rooms that are not listed, and lists none of those', async () => {
        for (const isOpen of [true, false]) {
          const room = freshRoom({ isOpen });
          await store.create(room, nowS);
          await expect(store.find(room.roomId)).resolves.toEqual(room);
        }
        await store.create(freshRoom(), nowS);
        await expect(list()).resolves.toEqual({ rooms: [] });
        await expect(list({ status: 'waiting' })).resolves.toEqual({ rooms: [] });
      });

      test('[Y2] the newest first, those of one millisecond by their ids', async () => {
        const old = await listed(30);
        const ties = [await listed(10), await listed(10), await listed(10)];
        const playing = await listed(20, { status: 'playing' });
        const newest = await listed(0, { status: 'finished' });
        const inOrder = [newest.roomId, ...[...ids(ties)].sort(), playing.roomId, old.roomId];
        expect(ids((await list()).rooms)).toEqual(inOrder);
        for (const limit of [1, 2, 3, 4, 6]) await expect(walk(limit)).resolves.toEqual(inOrder);
      });

      test('[Y2] of one status only', async () => {
        const rooms = [
          await listed(1),
          await listed(2, { status: 'playing' }),
          await listed(3, { status: 'finished' }),
          await listed(4),
        ];
        const [first, second, third, fourth] = ids(rooms);
        await expect(walk(1, { status: 'waiting' })).resolves.toEqual([first, fourth]);
        await expect(walk(5, { status: 'playing' })).resolves.toEqual([second]);
        await expect(walk(5, { status: 'finished' })).resolves.toEqual([third]);
      });

      test('[Y7] what has expired is finished, whatever was written', async () => {
        const over = await listed(3_600_000, { expiresAtS: nowS - 1 });
        const lastSecond = await listed(3_600_001, { expiresAtS: nowS, status: 'playing' });
        const over2 = await listed(3_600_002, { expiresAtS: nowS - 1, status: 'playing' });
        const live = await listed(1);
        expect(ids((await list({ status: 'waiting' })).rooms)).toEqual([live.roomId]);
        expect(ids((await list({ status: 'playing' })).rooms)).toEqual([lastSecond.roomId]);
        const { rooms, next } = await list({ status: 'finished' });
        expect(next).toBeUndefined();
        expect(ids(rooms)).toEqual([over.roomId, over2.roomId]);
        expect(rooms.map(({ listing }) => listing?.status)).toEqual(['finished', 'finished']);
        expect((await list()).rooms.map(({ listing }) => listing?.status)).toEqual([
          'waiting',
          'finished',
          'playing',
          'finished',
        ]);
        await expect(walk(1, { status: 'finished' })).resolves.toEqual([over.roomId, over2.roomId]);
      });

      test('[Y2] from an offset, and says whether there are more', async () => {
        const rooms = [];
        for (let age = 0; age < 7; age += 1) {
          rooms.push(await listed(age, { status: age % 2 === 0 ? 'waiting' : 'playing' }));
        }
        const inOrder = ids(rooms);
        const page = await list({ limit: 3, offset: 2 });
        expect(ids(page.rooms)).toEqual(inOrder.slice(2, 5));
        expect(page.next).toEqual(expect.any(String));
        const after = page.next ?? '';
        expect(ids((await list({ limit: 3, after })).rooms)).toEqual(inOrder.slice(5));
        expect(ids((await list({ limit: 3, after, offset: 1 })).rooms)).toEqual(inOrder.slice(6));
        await expect(list({ limit: 2, offset: 5 })).resolves.not.toHaveProperty('next');
        await expect(list({ limit: 3, offset: 7 })).resolves.toEqual({ rooms: [] });
      });

      test('[Y2] pages go on where they ended while rooms are made and removed', async () => {
        const rooms = [await listed(10), await listed(20), await listed(30), await listed(40)];
        const [, second, third, fourth] = ids(rooms);
        const { next = '' } = await list({ limit: 2 });
        await listed(0);
        await listed(5, { status: 'playing' });
        await store.remove(asRoomId(second ?? ''));
        expect(ids((await list({ limit: 5, after: next })).rooms)).toEqual([third, fourth]);
      });

      test('[Y2] leaves out 1,000 at most, in one page and behind another', async () => {
        const tooMany = { code: 'INVALID_MESSAGE', fields: { offset: [expect.any(String)] } };
        await expect(list({ offset: 1000 })).resolves.toEqual({ rooms: [] });
        await expect(list({ offset: 1001 })).rejects.toMatchObject(tooMany);
        const cursor = (skip: number): string =>
          Buffer.from(JSON.stringify([nowS * 1000, '', skip])).toString('base64url');
        await expect(list({ offset: 1, after: cursor(999) })).resolves.toEqual({ rooms: [] });
        await expect(list({ offset: 1, after: cursor(1000) })).rejects.toMatchObject(tooMany);
        await expect(list({ after: cursor(1001) })).rejects.toMatchObject({
          fields: { after: [expect.any(String)] },
        });
      });

      test.each(['', 'nonsense', 'W10', 'eyJhIjoxfQ', Buffer.from('[1,"a",-1]').toString('base64url')])(
        '[Y2] refuses %j, which no page gave it',
        async (after) => {
          await expect(list({ after })).rejects.toMatchObject({
            code: 'INVALID_MESSAGE',
            fields: { after: [expect.any(String)] },
          });
        },
      );

      test('[Y2] a status that was set is found and listed, in its place', async () => {
        const first = await listed(0);
        const second = await listed(1);
        await expect(store.setStatus(second.roomId, 'playing')).resolves.toBe(true);
        const changed = { ...second, listing: { ...second.listing, status: 'playing' } };
        await expect(store.find(second.roomId)).resolves.toEqual(changed);
        await expect(list()).resolves.toEqual({ rooms: [first, changed] });
        await expect(list({ status: 'playing' })).resolves.toEqual({ rooms: [changed] });
        expect(ids((await list({ status: 'waiting' })).rooms)).toEqual([first.roomId]);
        await store.setStatus(second.roomId, 'waiting');
        expect(ids((await list({ status: 'waiting' })).rooms)).toEqual(ids([first, second]));
        expect((await list({ status: 'playing' })).rooms).toEqual([]);
      });

      test('[Y7] no status is set where there is no room, or one without a listing', async () => {
        const plain = freshRoom();
        await store.create(plain, nowS);
        await expect(store.setStatus(plain.roomId, 'playing')).resolves.toBe(false);
        await expect(store.setStatus(freshRoom().roomId, 'playing')).resolves.toBe(false);
        await expect(store.find(plain.roomId)).resolves.toEqual(plain);
        await expect(list()).resolves.toEqual({ rooms: [] });
      });

      test('[Y2] a removed room is listed no more', async () => {
        const { roomId } = await listed(0);
        await store.remove(roomId);
        await expect(list()).resolves.toEqual({ rooms: [] });
      });

      test('[Y2] a room made anew under an id is listed once, as the new one', async () => {
        const old = await listed(7_000_000, { expiresAtS: nowS - 1 });
        const listing: RoomListing = { status: 'playing', createdAtMs: nowS * 1000, hostName: 'another' };
        const next = { ...old, token: 'ffffff', expiresAtS: nowS + 7200, listing };
        await expect(store.create(next, nowS)).resolves.toBe('created');
        await expect(list()).resolves.toEqual({ rooms: [next] });
        await expect(list({ status: 'finished' })).resolves.toEqual({ rooms: [] });
      });

      test('[Y2] one of several concurrent creations of one id is listed, as the one that won', async () => {
        const winners = await Promise.all(
          ['a', 'b', 'c'].map(async (hostName, age) => {
            const listing: RoomListing = { status: 'waiting', createdAtMs: nowS * 1000 - age, hostName };
            const room = freshRoom({ roomId: asRoomId('contested'), isOpen: true, listing });
            return (await store.create(room, nowS)) === 'created' ? [room] : [];
          }),
        );
        made.push(asRoomId('contested'));
        await expect(list()).resolves.toEqual({ rooms: winners.flat() });
      });
    });

    test('says that it can serve', async () => {
      await expect(store.check()).resolves.toBeUndefined();
    });
  });
}
