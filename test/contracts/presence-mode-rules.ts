import { describe, expect, test } from '@jest/globals';
import type { Presence, RoomChange, SeatKey } from '../../src/ports/presence.js';
import { asPeerId, type RoomId } from '../../src/protocol/ids.js';
import type { RoomMode, SeatRecord } from '../../src/protocol/records.js';
import {
  claim,
  enter,
  freshRoom,
  known,
  PresenceEar,
  type PresenceProbe,
} from '../support/presence-probe.js';

const byHost = (by: SeatKey): { readonly by: SeatKey; readonly reason: 'host' } => ({ by, reason: 'host' });
const bySize = { reason: 'size' } as const;
const [anna, ben] = [asPeerId('anna'), asPeerId('ben')];

const modeOf = async (presence: Presence, room: RoomId): Promise<RoomMode | undefined> =>
  (await presence.view(room)).mode;

/** The changes of the mode among what was heard. */
const modes = (changes: readonly RoomChange[]): RoomChange['what'][] =>
  changes.flatMap(({ what }) => (what.kind === 'mode' ? [what] : []));

const isChain = (changes: readonly RoomChange[]): boolean =>
  changes.every(({ previous }, at) => at === 0 || previous === changes[at - 1]?.version);

/** How the media of a room goes, as every `Presence` must see it. */
export function modeRules(probe: PresenceProbe): void {
  const { open, openEar } = probe;

  describe('the mode', () => {
    test('[O1] is at first as the record of the room says, P2P where it says nothing', async () => {
      const [one, two, room, other] = [await open(), await open(), freshRoom(), freshRoom()];
      await expect(modeOf(one, room)).resolves.toBeUndefined();
      await expect(
        one.enter(claim(room, 'anna'), { ...known, maxPeers: 2, mode: 'SFU' }),
      ).resolves.toMatchObject({
        view: { mode: 'SFU' },
      });
      await enter(one, claim(other, 'anna'));
      await expect(modeOf(two, room)).resolves.toBe('SFU');
      await expect(modeOf(two, other)).resolves.toBe('P2P');
    });

    test('[O1] is not changed by the record that a later peer comes with', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      await enter(one, claim(room, 'anna'), { mode: 'SFU' });
      await enter(two, claim(room, 'ben'), { mode: 'P2P' });
      // The same user again, alone or not: the room was never empty.
      await enter(two, claim(room, 'anna'), { mode: 'P2P' });
      await expect(modeOf(one, room)).resolves.toBe('SFU');
    });

    test("[O1] is the record's again for the first who comes into a room that all have left", async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      const seat = await enter(one, claim(room, 'anna'), { mode: 'P2P' });
      await two.presence.watch(room);
      await one.setMode(room, 'SFU', bySize);
      await one.leave(seat, 'left');
      await enter(one, claim(room, 'ben'), { mode: 'P2P' });
      const changes = await two.upTo(await one.view(room));
      expect(modes(changes)).toMatchObject([{ mode: 'SFU', reason: 'size' }, { mode: 'P2P' }]);
      expect(isChain(changes)).toBe(true);
      await expect(modeOf(two.presence, room)).resolves.toBe('P2P');
    });

    test('[O1] is changed by the host, and all are told once, by whom and why', async () => {
      const [one, two, room] = [await openEar(), await openEar(), freshRoom()];
      await Promise.all([one.presence.watch(room), two.presence.watch(room)]);
      const host = await enter(one.presence, claim(room, 'anna'));
      await expect(one.presence.setMode(room, 'SFU', byHost(host))).resolves.toBe('done');
      const view = await two.presence.view(room);
      expect(view.mode).toBe('SFU');
      for (const ear of [one, two]) {
        const changes = await ear.upTo(view);
        expect(modes(changes)).toEqual([{ kind: 'mode', mode: 'SFU', reason: 'host', by: anna }]);
        expect(isChain(changes)).toBe(true);
        expect(changes.at(-1)?.origin).toBe(one.presence.nodeId);
      }
    });

    test('[O1] is not changed by who is not the host, or has not that seat any more', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      const guest = await enter(two, claim(room, 'ben'));
      await expect(two.setMode(room, 'SFU', byHost(guest))).resolves.toBe('not host');
      const late = { ...host, generation: host.generation - 1 };
      await expect(one.setMode(room, 'SFU', byHost(late))).resolves.toBe('not host');
      await expect(one.setMode(room, 'SFU', byHost({ ...host, peerId: ben }))).resolves.toBe('not host');
      await expect(modeOf(one, room)).resolves.toBe('P2P');
    });

    test('[O2] is changed by a node for its own reasons, and nobody is named then', async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      await enter(one, claim(room, 'anna'));
      await two.presence.watch(room);
      await expect(one.setMode(room, 'SFU', bySize)).resolves.toBe('done');
      await expect(two.presence.setMode(room, 'P2P', { reason: 'media_unavailable' })).resolves.toBe('done');
      expect(modes(await two.heard(2))).toEqual([
        { kind: 'mode', mode: 'SFU', reason: 'size' },
        { kind: 'mode', mode: 'P2P', reason: 'media_unavailable' },
      ]);
    });

    test('[O3] is told to nobody again when it is that already', async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      await two.presence.watch(room);
      for (const terms of [byHost(host), bySize, byHost(host)])
        await expect(one.setMode(room, 'SFU', terms)).resolves.toBe('done');
      const seat = await enter(one, claim(room, 'ben'));
      const changes = await two.upTo(await one.view(room));
      expect(changes.map(({ what }) => what.kind)).toEqual(['mode', 'seat']);
      expect(changes.at(-1)?.version).toBe(seat.generation);
    });

    test('[O1] is nothing where nobody is', async () => {
      const [one, room] = [await open(), freshRoom()];
      await expect(one.setMode(room, 'SFU', bySize)).resolves.toBe('absent');
      const seat = await enter(one, claim(room, 'anna', { isQuiet: true }));
      await one.update({ ...seat, standing: 'kept' });
      await expect(one.setMode(room, 'SFU', bySize)).resolves.toBe('absent');
      await expect(one.setMode(freshRoom(), 'SFU', byHost(seat))).resolves.toBe('not host');
    });

    test('[O3] of several that are set at once, every node ends with the same', async () => {
      const [one, two, room] = [await openEar(), await openEar(), freshRoom()];
      await Promise.all([one.presence.watch(room), two.presence.watch(room)]);
      const host = await enter(one.presence, claim(room, 'anna'));
      await Promise.all(
        Array.from({ length: 20 }, (_, at) => {
          const { presence } = at % 2 === 0 ? one : two;
          return presence.setMode(room, at % 3 === 0 ? 'SFU' : 'P2P', at % 5 === 0 ? byHost(host) : bySize);
        }),
      );
      const view = await one.presence.view(room);
      const heard = [await one.upTo(view), await two.upTo(view)].map(modes);
      expect(heard[0]).toEqual(heard[1]);
      expect(heard[0]?.at(-1)).toMatchObject({ mode: view.mode });
      await expect(modeOf(two.presence, room)).resolves.toBe(view.mode);
    });
  });

  describe('the mode after memory was lost', () => {
    /** A room with one peer on each node, which then nobody remembers. */
    const lost = async (): Promise<{
      readonly one: PresenceEar;
      readonly two: PresenceEar;
      readonly room: RoomId;
      readonly seats: readonly [SeatRecord, SeatRecord];
    }> => {
      const [one, two, room] = [await openEar(), await openEar(), freshRoom()];
      const seats = [
        await enter(one.presence, claim(room, 'anna')),
        await enter(two.presence, claim(room, 'ben')),
      ] as const;
      await one.presence.setMode(room, 'SFU', byHost(seats[0]));
      await Promise.all([one.presence.watch(room), two.presence.watch(room)]);
      await probe.lose();
      return { one, two, room, seats };
    };
    const asKnown = { ...known, host: anna, mode: 'SFU' } as const;

    test('[O3] is what a node says that had seats before', async () => {
      const { one, two, room, seats } = await lost();
      const view = await one.presence.reconcile(room, () => [seats[0]], asKnown);
      expect(view.mode).toBe('SFU');
      const changes = await two.upTo(view);
      expect(modes(changes)).toMatchObject([{ mode: 'SFU' }]);
      // Once is enough.
      const after = await two.presence.reconcile(room, () => [seats[1]], asKnown);
      expect(modes(await one.upTo(after))).toHaveLength(1);
      expect(after.mode).toBe('SFU');
    });

    test('[O3] is so too if somebody came before, with what the record says', async () => {
      const { one, two, room, seats } = await lost();
      const newcomer = await one.presence.enter(claim(room, 'carl'), { ...known, maxPeers: 5, mode: 'P2P' });
      expect(newcomer).toMatchObject({ view: { mode: 'P2P' } });
      const view = await two.presence.reconcile(room, () => [seats[1]], asKnown);
      expect(view.mode).toBe('SFU');
      const changes = await one.upTo(view);
      expect(modes(changes)).toMatchObject([{ mode: 'SFU' }]);
      expect(isChain(changes)).toBe(true);
    });

    test('[O3] is not what it was once it has been set again', async () => {
      const { one, two, room, seats } = await lost();
      await one.presence.reconcile(room, () => [seats[0]], asKnown);
      await one.presence.setMode(room, 'P2P', bySize);
      const view = await two.presence.reconcile(room, () => [seats[1]], asKnown);
      expect(view.mode).toBe('P2P');
    });

    test('[O3] is not what a node thinks that has missed the news while the memory held', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      await enter(one, claim(room, 'anna'), { mode: 'SFU' });
      const seat = await enter(two, claim(room, 'ben'), { mode: 'SFU' });
      await one.setMode(room, 'P2P', bySize);
      await expect(two.reconcile(room, () => [seat], asKnown)).resolves.toMatchObject({ mode: 'P2P' });
    });

    test('[O3] is nothing of a room in which nobody is, whoever remembers it', async () => {
      const [one, room] = [await open(), freshRoom()];
      await expect(one.reconcile(room, () => [], asKnown)).resolves.toMatchObject({
        mode: undefined,
        version: 0,
      });
    });
  });
}
