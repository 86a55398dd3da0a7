import { describe, expect, test } from '@jest/globals';
import { MemoryUserStore } from '../../src/adapters/memory/memory-user-store.js';
import { userStoreContract } from '../contracts/user-store-contract.js';

userStoreContract('MemoryUserStore', () => Promise.resolve({ store: new MemoryUserStore() }));

describe('MemoryUserStore', () => {
  test('forgets who was not remembered for the longest time when it is full', async () => {
    const store = new MemoryUserStore(2);
    for (const uid of ['a', 'b', 'a', 'c']) await store.remember({ uid, handle: uid, createdAtMs: 1 });
    await expect(store.find('a')).resolves.toBeDefined();
    await expect(store.find('b')).resolves.toBeUndefined();
    await expect(store.find('c')).resolves.toBeDefined();
  });
});
