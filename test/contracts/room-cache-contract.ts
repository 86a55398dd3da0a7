import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { absentText, newStateText, writeRoom } from '../../src/adapters/cached-room.js';
import { CachedRoomStore } from '../../src/adapters/cached-room-store.js';
import { MemoryRoomStore } from '../../src/adapters/memory/memory-room-store.js';
import type { RoomCache } from '../../src/adapters/room-cache.js';
import { SystemClock } from '../../src/adapters/system/system-clock.js';
import type { RoomStore } from '../../src/ports/room-store.js';
import { SignalingError } from '../../src/protocol/errors.js';
import { asRoomId } from '../../src/protocol/ids.js';
import type { RoomRecord } from '../../src/protocol/records.js';
import { HeldRoomStore } from '../support/held-room-store.js';
import { roomStoreContract } from './room-store-contract.js';
import { testLogger } from '../support/test-logs.js';

export interface RoomCacheSetup {
  /** The cache as two nodes see it; the same for both where there can be one only. */
  readonly caches: readonly [RoomCache, RoomCache];
  readonly stop?: () => Promise<void>;
}

const clock = new SystemClock();
const logger = testLogger();
const nowS = Math.floor(Date.now() / 1000);
const ttlMs = 3_600_000;

export const cachedStore = (source: RoomStore, cache: RoomCache): CachedRoomStore =>
  new CachedRoomStore({ source, cache, clock, logger, ttlMs });

export const freshRoom = (fields: Partial<RoomRecord> = {}): RoomRecord => ({
  roomId: asRoomId(randomBytes(8).toString('hex')),
  createdBy: 'somebody',
  token: 'a1b2c3',
  expiresAtS: nowS + 7200,
  isOpen: true,
  listing: { status: 'waiting', createdAtMs: nowS * 1000, hostName: 'Räuber 👋' },
  ...fields,
});

/** What every `RoomCache` must do, and what a `CachedRoomStore` makes of it for two nodes. */
export function roomCacheContract(name: string, setup: () => Promise<RoomCacheSetup>): void {
  roomStoreContract(`CachedRoomStore with ${name}`, nowS, async () => {
    const { caches, stop } = await setup();
    const store = cachedStore(new MemoryRoomStore(clock), caches[0]);
    return { store, ...(stop && { stop }) };
  });

  describe(`${name} as a RoomCache`, () => {
    let given: RoomCacheSetup;
    let source: HeldRoomStore;
    let one: CachedRoomStore;
    let two: CachedRoomStore;

    beforeAll(async () => {
      given = await setup();
    });
    afterAll(async () => {
      await given.stop?.();
    });
    beforeEach(() => {
      source = new HeldRoomStore(new MemoryRoomStore(clock));
      [one, two] = [cachedStore(source, given.caches[0]), cachedStore(source, given.caches[1])];
    });
    afterEach(() => {
      one.close();
      two.close();
    });

    /** In the source, and nobody has asked for it yet. */
    const stored = async (fields: Partial<RoomRecord> = {}): Promise<RoomRecord> => {
      const room = freshRoom(fields);
      await source.create(room, 0);
      return room;
    };

    test('keeps one text, for so long, and puts another in its place only where it was seen', async () => {
      const [[here, there], { roomId }] = [given.caches, freshRoom()];
      await expect(here.claim(roomId, 'first', 60_000)).resolves.toBe('first');
      await expect(there.claim(roomId, 'second', 60_000)).resolves.toBe('first');
      await there.swap(roomId, 'second', 'third', 60_000);
      await expect(here.claim(roomId, 'fourth', 60_000)).resolves.toBe('first');
      await there.swap(roomId, 'first', 'Räuber\n👋', 60_000);
      await expect(here.claim(roomId, 'fifth', 60_000)).resolves.toBe('Räuber\n👋');
      await expect(here.set(roomId, 'sixth', 60_000)).resolves.toBe(true);
      await expect(there.claim(roomId, 'seventh', 60_000)).resolves.toBe('sixth');
      await here.set(roomId, 'over', 1);
      let seen: string | undefined = 'over';
      while (seen === 'over') seen = await there.claim(roomId, 'anew', 60_000);
      expect(seen).toBe('anew');
    });

    test('[O4] a room is asked of the source once, by whichever node', async () => {
      const room = await stored({ mode: 'SFU', isOpen: false });
      for (const store of [one, two, one, two]) await expect(store.find(room.roomId)).resolves.toEqual(room);
      expect(source.found).toEqual([room.roomId]);
    });

    test('[O4] of many who ask at once, on two nodes, one asks the source', async () => {
      const [room, { roomId: nothing }] = [await stored(), freshRoom()];
      const asked = Array.from({ length: 50 }, () => [one.find(room.roomId), two.find(room.roomId)]).flat();
      for (const answer of await Promise.all(asked)) expect(answer).toEqual(room);
      const asToNothing = Array.from({ length: 50 }, () => [one.find(nothing), two.find(nothing)]).flat();
      for (const answer of await Promise.all(asToNothing)) expect(answer).toBeUndefined();
      expect(source.found).toEqual([room.roomId, nothing]);
    });

    test('[O4] what is not there is remembered, on every node', async () => {
      const { roomId } = freshRoom();
      for (const store of [one, two, one]) await expect(store.find(roomId)).resolves.toBeUndefined();
      expect(source.found).toHaveLength(1);
      await expect(given.caches[0].claim(roomId, '', 1)).resolves.toBe(absentText);
    });

    test('[O5] a room that is made is found at once by who has just heard that there is none', async () => {
      const room = freshRoom();
      await expect(one.find(room.roomId)).resolves.toBeUndefined();
      await expect(two.create(room, nowS)).resolves.toBe('created');
      await expect(one.find(room.roomId)).resolves.toEqual(room);
      // It was put there by its maker.
      expect(source.found).toHaveLength(1);
    });

    test('[O5] a room that is taken by another server is found as it is', async () => {
      const room = freshRoom();
      await expect(one.find(room.roomId)).resolves.toBeUndefined();
      await source.create(room, nowS);
      await expect(two.create({ ...room, token: 'ffffff' }, nowS)).resolves.toBe('taken');
      await expect(one.find(room.roomId)).resolves.toEqual(room);
    });

    const changes: readonly (readonly [
      string,
      (store: RoomStore, room: RoomRecord) => Promise<unknown>,
      (room: RoomRecord) => RoomRecord | undefined,
    ])[] = [
      ['removed', (store, { roomId }) => store.remove(roomId), () => undefined],
      [
        'given a mode',
        (store, { roomId }) => store.setMode(roomId, 'SFU'),
        (room) => ({ ...room, mode: 'SFU' }),
      ],
      [
        'given a status',
        (store, { roomId }) => store.setStatus(roomId, 'playing'),
        (room) => ({
          ...room,
          listing: { status: 'playing', createdAtMs: nowS * 1000, hostName: 'Räuber 👋' },
        }),
      ],
    ];

    describe.each(changes)('a room that is %s', (_what, change, after) => {
      test('[O5] is so at once for all nodes, though it was remembered', async () => {
        const room = await stored();
        for (const store of [one, two]) await store.find(room.roomId);
        await change(two, room);
        for (const store of [one, two, one])
          await expect(store.find(room.roomId)).resolves.toEqual(after(room));
      });

      test('[O5] is so for who asks after that, whatever was being read', async () => {
        const room = await stored();
        const { reached, release } = source.hold();
        const early = one.find(room.roomId);
        await reached;
        await change(two, room);
        // Behind a reader who has the old room in its hands, on the same node.
        const late = one.find(room.roomId);
        const elsewhere = two.find(room.roomId);
        await expect(elsewhere).resolves.toEqual(after(room));
        release();
        await expect(early).resolves.toEqual(room);
        await expect(late).resolves.toEqual(after(room));
        for (const store of [one, two]) await expect(store.find(room.roomId)).resolves.toEqual(after(room));
      });

      test('[O5] is so if a reader came while it was changed, and is slower than the change', async () => {
        const room = await stored();
        const changing = source.hold();
        const changed = change(two, room);
        await changing.reached;
        const reading = source.hold();
        const early = one.find(room.roomId);
        await reading.reached;
        changing.release();
        await changed;
        reading.release();
        await early;
        for (const store of [one, two]) await expect(store.find(room.roomId)).resolves.toEqual(after(room));
      });

      test('[O5] is so if nobody can say whether it was done', async () => {
        const room = await stored();
        for (const store of [one, two]) await store.find(room.roomId);
        source.failure = new SignalingError('STORE_UNAVAILABLE');
        await expect(change(two, room)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
        for (const store of [one, two]) await expect(store.find(room.roomId)).resolves.toEqual(after(room));
      });
    });

    test('[O5] a room that is made while somebody reads that there is none is found by all', async () => {
      const room = freshRoom();
      const { reached, release } = source.hold();
      const early = one.find(room.roomId);
      await reached;
      await two.create(room, nowS);
      release();
      await expect(early).resolves.toBeUndefined();
      for (const store of [one, two]) await expect(store.find(room.roomId)).resolves.toEqual(room);
    });

    test('[O5] where one who made a change died in it, what it did is found', async () => {
      const room = await stored();
      for (const store of [one, two]) await store.find(room.roomId);
      const { reached, release } = source.hold();
      const dying = two.remove(room.roomId);
      await reached;
      // What it would have done after that, it never does.
      for (const store of [one, two]) await expect(store.find(room.roomId)).resolves.toBeUndefined();
      release();
      await dying;
    });

    test('[O5] a change that the cache did not hear of before is heard of after, or is so here until it is', async () => {
      const [room, [, cache]] = [await stored(), given.caches];
      for (const deaf of [1, 2]) {
        let times = 0;
        const three = cachedStore(source, {
          claim: (...asked) => cache.claim(...asked),
          swap: (...asked) => cache.swap(...asked),
          set: (...asked) => ((times += 1) <= deaf ? Promise.resolve(false) : cache.set(...asked)),
        });
        await expect(one.find(room.roomId)).resolves.toEqual(room);
        await three.setMode(room.roomId, deaf === 1 ? 'SFU' : 'P2P');
        const changed = { ...room, mode: deaf === 1 ? 'SFU' : 'P2P' };
        await expect((deaf === 1 ? one : three).find(room.roomId)).resolves.toEqual(changed);
        three.close();
        await source.setMode(room.roomId, 'P2P');
        await cache.set(room.roomId, writeRoom(room), 60_000);
      }
    });

    test('[O4] one who died while reading holds nobody up for long', async () => {
      const room = await stored();
      await given.caches[1].set(room.roomId, newStateText('reading'), 60_000);
      await expect(one.find(room.roomId)).resolves.toEqual(room);
    });

    test('[O4] what stands there and is no such room is not believed, and replaced', async () => {
      const room = await stored();
      const texts = [
        'nonsense',
        '{}',
        '[]',
        '{"id":1}',
        JSON.stringify({ id: room.roomId, mode: 'P2P', maxParticipants: 4 }),
        writeRoom({ ...room, roomId: asRoomId('another') }),
        writeRoom(room).replace('"waiting"', '"dancing"'),
      ];
      for (const text of texts) {
        await given.caches[0].set(room.roomId, text, 60_000);
        await expect(one.find(room.roomId)).resolves.toEqual(room);
        await expect(given.caches[1].claim(room.roomId, '', 1)).resolves.toBe(writeRoom(room));
      }
    });

    test('[O4] a room that is remembered and has expired since is asked for again', async () => {
      const room = await stored();
      await given.caches[0].set(room.roomId, writeRoom({ ...room, expiresAtS: nowS - 1 }), 60_000);
      await expect(one.find(room.roomId)).resolves.toEqual(room);
      const old = await stored({ expiresAtS: nowS - 1 });
      for (const store of [one, two]) await expect(store.find(old.roomId)).resolves.toEqual(old);
      await expect(two.create({ ...old, expiresAtS: nowS + 60 }, nowS)).resolves.toBe('created');
      await expect(one.find(old.roomId)).resolves.toMatchObject({ expiresAtS: nowS + 60 });
    });

    test('[O6] a source that fails is no proof that there is no room, and the next who asks asks it again', async () => {
      const room = await stored();
      const { reached, release } = source.hold();
      source.failure = new SignalingError('STORE_UNAVAILABLE');
      const asked = [one.find(room.roomId), one.find(room.roomId), one.find(room.roomId)];
      await reached;
      release();
      for (const outcome of await Promise.allSettled(asked))
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
      await expect(one.find(room.roomId)).resolves.toEqual(room);
    });
  });
}
