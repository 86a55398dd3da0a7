import { describe, expect, test } from '@jest/globals';
import { MemoryRoomCache } from '../../src/adapters/memory/memory-room-cache.js';
import { SystemClock } from '../../src/adapters/system/system-clock.js';
import { asRoomId } from '../../src/protocol/ids.js';
import { roomCacheContract } from '../contracts/room-cache-contract.js';
import { FakeClock } from '../support/fake-clock.js';

roomCacheContract('MemoryRoomCache', () => {
  const cache = new MemoryRoomCache(new SystemClock());
  return Promise.resolve({ caches: [cache, cache] });
});

describe('MemoryRoomCache', () => {
  const ids = ['a', 'b', 'c', 'd'].map(asRoomId);
  const [a = asRoomId(''), b = asRoomId(''), c = asRoomId(''), d = asRoomId('')] = ids;

  test('forgets a text when its time is over', async () => {
    const clock = new FakeClock();
    const cache = new MemoryRoomCache(clock);
    await cache.set(a, 'old', 1_000);
    clock.advance(999);
    await expect(cache.claim(a, 'new', 1_000)).resolves.toBe('old');
    clock.advance(1);
    await cache.swap(a, 'old', 'other', 1_000);
    await expect(cache.claim(a, 'new', 1_000)).resolves.toBe('new');
  });

  test('holds so many, and of too many forgets the one that was looked at longest ago', async () => {
    const cache = new MemoryRoomCache(new FakeClock(), 3);
    for (const id of [a, b, c]) await cache.set(id, 'text', 1_000);
    await cache.claim(a, 'other', 1_000);
    await cache.set(d, 'text', 1_000);
    expect(cache.size).toBe(3);
    await expect(cache.claim(a, 'other', 1_000)).resolves.toBe('text');
    await expect(cache.claim(b, 'other', 1_000)).resolves.toBe('other');
    expect(cache.size).toBe(3);
  });
});
