import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { RoomStore } from '../../src/ports/room-store.js';
import { asRoomId } from '../../src/protocol/ids.js';
import type { RoomRecord } from '../../src/protocol/records.js';

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

    test('says that it can serve', async () => {
      await expect(store.check()).resolves.toBeUndefined();
    });
  });
}
