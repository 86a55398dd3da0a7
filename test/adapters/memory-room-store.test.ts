import { describe, expect, test } from '@jest/globals';
import { MemoryRoomStore } from '../../src/adapters/memory/memory-room-store.js';
import { asRoomId } from '../../src/protocol/ids.js';
import type { RoomRecord } from '../../src/protocol/records.js';
import { roomStoreContract } from '../contracts/room-store-contract.js';
import { FakeClock } from '../support/fake-clock.js';

const START_S = 1_700_000_000;

roomStoreContract('MemoryRoomStore', START_S, () =>
  Promise.resolve({ store: new MemoryRoomStore(new FakeClock(START_S * 1000)) }),
);

describe('MemoryRoomStore', () => {
  const room = (name: string, expiresAtS: number): RoomRecord => ({
    roomId: asRoomId(name),
    createdBy: 'somebody',
    token: 'a1b2c3',
    expiresAtS,
  });

  test('keeps an expired room findable for an hour', async () => {
    const clock = new FakeClock(START_S * 1000);
    const store = new MemoryRoomStore(clock);
    await store.create(room('a', START_S + 10), START_S);
    clock.advance((10 + 3600) * 1000);
    await expect(store.find(asRoomId('a'))).resolves.toBeDefined();
    clock.advance(1000);
    await expect(store.find(asRoomId('a'))).resolves.toBeUndefined();
  });

  test('sweeps old rooms while new ones are made, so that it does not grow', async () => {
    const clock = new FakeClock(START_S * 1000);
    const store = new MemoryRoomStore(clock);
    for (let count = 0; count < 20_000; count += 1) {
      clock.advance(1000);
      const nowS = clock.now() / 1000;
      await store.create(room(`room-${String(count)}`, nowS + 100), nowS);
    }
    // 3,700 s worth of rooms are live or kept; a third more may wait for the broom.
    expect(store.size).toBeLessThan(3700 * 1.5);
  });

  test('sweeps rooms of unequal lives too', async () => {
    const clock = new FakeClock(START_S * 1000);
    const store = new MemoryRoomStore(clock);
    for (let count = 0; count < 20_000; count += 1) {
      clock.advance(1000);
      const nowS = clock.now() / 1000;
      const lifeS = count % 100 === 0 ? 1_000_000 : 100;
      await store.create(room(`room-${String(count)}`, nowS + lifeS), nowS);
    }
    expect(store.size).toBeLessThan(200 + 3700 * 1.5);
  });

  test('refuses a room beyond its bound, and says that trying later may help', async () => {
    const store = new MemoryRoomStore(new FakeClock(START_S * 1000), 2);
    await store.create(room('a', START_S + 10), START_S);
    await store.create(room('b', START_S + 20), START_S);
    for (const name of ['c', 'd']) {
      await expect(store.create(room(name, START_S + 30), START_S)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        retryable: true,
      });
    }
    await expect(store.create(room('a', START_S + 30), START_S)).resolves.toBe('taken');
  });

  test('drops expired rooms early when it is full', async () => {
    const store = new MemoryRoomStore(new FakeClock(START_S * 1000), 2);
    await store.create(room('a', START_S + 10), START_S);
    await store.create(room('b', START_S + 20), START_S);
    await expect(store.create(room('c', START_S + 30), START_S)).rejects.toThrow();
    await expect(store.create(room('c', START_S + 30), START_S + 11)).resolves.toBe('created');
    await expect(store.find(asRoomId('a'))).resolves.toBeUndefined();
    await expect(store.find(asRoomId('b'))).resolves.toBeDefined();
  });

  test('has place again when a room is removed', async () => {
    const store = new MemoryRoomStore(new FakeClock(START_S * 1000), 1);
    await store.create(room('a', START_S + 10), START_S);
    await expect(store.create(room('b', START_S + 10), START_S)).rejects.toThrow();
    await store.remove(asRoomId('a'));
    await expect(store.create(room('b', START_S + 10), START_S)).resolves.toBe('created');
  });
});
