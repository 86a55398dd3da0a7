import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { MediaPlacement } from '../../src/ports/media-placement.js';
import { asRoomId, type RoomId } from '../../src/protocol/ids.js';

export interface MediaPlacementSetup {
  readonly placement: MediaPlacement;
  /** The same as another node sees it. */
  readonly other: MediaPlacement;
  readonly stop?: () => Promise<void>;
}

/** What every `MediaPlacement` must do. */
export function mediaPlacementContract(name: string, setup: () => Promise<MediaPlacementSetup>): void {
  describe(`${name} as a MediaPlacement`, () => {
    let placement: MediaPlacement;
    let other: MediaPlacement;
    let stop: MediaPlacementSetup['stop'];

    beforeAll(async () => {
      ({ placement, other, stop } = await setup());
    });
    afterAll(async () => {
      await stop?.();
    });

    const some = (): RoomId => asRoomId(`room ${randomUUID()}`);
    const [east, west] = ['http://east.test:3000', 'http://west.test:3000'];

    test('[M7] a room is nowhere until it is placed', async () => {
      await expect(placement.find(some())).resolves.toBeUndefined();
    });

    test('[M7] a room stays where it was placed first, whichever node asks', async () => {
      const room = some();
      await expect(placement.place(room, east)).resolves.toBe(east);
      await expect(other.place(room, west)).resolves.toBe(east);
      await expect(other.find(room)).resolves.toBe(east);
      await expect(placement.find(room)).resolves.toBe(east);
    });

    test('[M7] it is placed anew instead of the one that is gone, and of no other', async () => {
      const room = some();
      await placement.place(room, east);
      await expect(other.place(room, west, west)).resolves.toBe(east);
      await expect(other.place(room, west, '')).resolves.toBe(east);
      await expect(other.place(room, west, east)).resolves.toBe(west);
      // Who comes late with the same finds that it was done.
      await expect(placement.place(room, 'http://north.test', east)).resolves.toBe(west);
    });

    test('[M7] of many that place it at once all get the same answer', async () => {
      const room = some();
      const nodes = [placement, other, placement, other];
      const placed = await Promise.all(
        nodes.map((node, at) => node.place(room, `http://${String(at)}.test`)),
      );
      expect(new Set(placed).size).toBe(1);
    });

    test('[M7] a room that is forgotten is nowhere, and forgetting it again is no error', async () => {
      const room = some();
      await placement.place(room, east);
      await other.forget(room);
      await other.forget(room);
      await expect(placement.find(room)).resolves.toBeUndefined();
      await expect(placement.place(room, west, east)).resolves.toBe(west);
    });

    test('[M7] any text names a room', async () => {
      for (const id of ['__proto__', 'constructor', '{}', 'ü 👋', ' ']) {
        await placement.place(asRoomId(id), east);
        await expect(other.find(asRoomId(id))).resolves.toBe(east);
      }
    });
  });
}
