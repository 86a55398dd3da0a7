import { describe, expect, test } from '@jest/globals';
import { MemoryMediaPlacement } from '../../src/adapters/memory/memory-media-placement.js';
import { asRoomId } from '../../src/protocol/ids.js';
import { mediaPlacementContract } from '../contracts/media-placement-contract.js';
import { FakeClock } from '../support/fake-clock.js';

mediaPlacementContract('MemoryMediaPlacement', () => {
  const placement = new MemoryMediaPlacement(new FakeClock());
  return Promise.resolve({ placement, other: placement });
});

describe('MemoryMediaPlacement', () => {
  const room = asRoomId('room');
  const dayMs = 24 * 3_600_000;

  test('[M7] a placement ends a day after it was last found or made', async () => {
    const clock = new FakeClock();
    const placement = new MemoryMediaPlacement(clock);
    await placement.place(room, 'east');
    clock.advance(dayMs - 1);
    await expect(placement.find(room)).resolves.toBe('east');
    clock.advance(dayMs - 1);
    await expect(placement.find(room)).resolves.toBe('east');
    clock.advance(dayMs);
    await expect(placement.find(room)).resolves.toBeUndefined();
  });
});
