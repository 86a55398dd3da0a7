import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { UserRecord, UserStore } from '../../src/ports/user-store.js';

export interface UserStoreSetup {
  readonly store: UserStore;
  readonly stop?: () => Promise<void>;
}

/** What every `UserStore` must do. */
export function userStoreContract(name: string, setup: () => Promise<UserStoreSetup>): void {
  describe(`${name} as a UserStore`, () => {
    let store: UserStore;
    let stop: UserStoreSetup['stop'];

    beforeAll(async () => {
      ({ store, stop } = await setup());
    });
    afterAll(async () => {
      await stop?.();
    });

    const somebody = (fields: Partial<UserRecord> = {}): UserRecord => ({
      uid: randomBytes(8).toString('hex'),
      handle: 'somebody',
      createdAtMs: 1_700_000_000_123,
      ...fields,
    });

    test('[Y8] finds a user as it was remembered', async () => {
      const user = somebody({ handle: 'Räuber 👋' });
      await expect(store.remember(user)).resolves.toEqual(user);
      await expect(store.find(user.uid)).resolves.toEqual(user);
    });

    test('[Y8] finds nobody whom nobody remembered', async () => {
      await expect(store.find(somebody().uid)).resolves.toBeUndefined();
    });

    test('[Y8] of a user that is known it changes the handle and nothing else', async () => {
      const user = somebody();
      await store.remember(user);
      const kept = { ...user, handle: 'another' };
      await expect(store.remember({ ...kept, createdAtMs: user.createdAtMs + 1 })).resolves.toEqual(kept);
      await expect(store.find(user.uid)).resolves.toEqual(kept);
    });

    test('[Y8] of several that remember one user at once all hear the same of when it was made', async () => {
      const user = somebody();
      const times = [1, 2, 3, 4, 5];
      const kept = await Promise.all(times.map((createdAtMs) => store.remember({ ...user, createdAtMs })));
      expect(new Set(kept.map(({ createdAtMs }) => createdAtMs)).size).toBe(1);
    });

    test('[Y8] takes any text for a uid', async () => {
      for (const uid of ['__proto__', 'constructor', 'ü 👋', ' ', '{}', 'x'.repeat(500)]) {
        const user = somebody({ uid });
        await store.remember(user);
        await expect(store.find(uid)).resolves.toEqual(user);
      }
    });
  });
}
