import { afterEach, describe, expect, test } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import type { AuthorityOutcome, Presence, RoomChange, RoomView } from '../../src/ports/presence.js';
import { asPeerId, type PeerId, type RoomId } from '../../src/protocol/ids.js';
import { anonymous, type SeatRecord } from '../../src/protocol/records.js';
import {
  claim,
  CREATOR,
  dead,
  enter,
  freshRoom,
  known,
  PresenceEar,
  terms,
  type PresenceProbe,
} from '../support/presence-probe.js';

const creator = { identity: { sub: CREATOR, username: 'creator' } };
const another = { identity: { sub: 'another', username: 'another' } };
const quiet = { isQuiet: true };
const noBan = { banMs: 0 };
const ban = { banMs: 60_000 };
const [anna, ben] = [asPeerId('anna'), asPeerId('ben')];

const hostOf = async (presence: Presence, room: RoomId): Promise<PeerId | undefined> =>
  (await presence.view(room)).host;

/** What was told, in short: a peer's name and standing, `host` and its name, or `gone`, its name and why. */
const brief = (changes: readonly RoomChange[]): string[] =>
  changes.map(({ what }) => {
    if (what.kind === 'seat') return `${what.seat.peerId} ${what.seat.standing}`;
    if (what.kind === 'mode') return `mode ${what.mode} ${what.reason}`;
    return what.kind === 'host' ? `host ${what.host}` : `gone ${what.peerId} ${what.reason}`;
  });

/** What a node that heard all of it thinks of the room. */
const told = (changes: readonly RoomChange[]): Pick<RoomView, 'host' | 'seats'> => {
  const seats = new Map<PeerId, SeatRecord>();
  let host: PeerId | undefined;
  for (const { what } of changes) {
    if (what.kind === 'host') ({ host } = what);
    else if (what.kind === 'seat') seats.set(what.seat.peerId, what.seat);
    else if (what.kind === 'gone' && seats.get(what.peerId)?.generation === what.generation)
      seats.delete(what.peerId);
  }
  return { host, seats: [...seats.values()] };
};

const isChain = (changes: readonly RoomChange[]): boolean =>
  changes.every(({ previous }, at) => at === 0 || previous === changes[at - 1]?.version);

/** Who may do what to whom in a room, as every `Presence` must see it. */
export function authorityRules(probe: PresenceProbe): void {
  const { open, openEar } = probe;

  describe('since', () => {
    test('[N11] is the generation at which a seat was taken; it stays through moves and updates', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      const seat = await enter(one, claim(room, 'anna'));
      expect(seat.since).toBe(seat.generation);
      const moved = await two.move(seat, { tokenHashes: [] });
      expect(moved?.seat.since).toBe(seat.since);
      if (moved === undefined) throw new Error('not moved');
      await two.update({ ...moved.seat, standing: 'away' });
      expect((await one.view(room)).seats[0]).toEqual({ ...moved.seat, standing: 'away' });
      const again = await enter(one, claim(room, 'anna'));
      expect(again.since).toBe(again.generation);
      expect(again.since).toBeGreaterThan(seat.since);
    });
  });

  describe('the host', () => {
    test('[N12] is who came first; it is told after its seat, and is in the view that enter answers', async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      await two.presence.watch(room);
      const outcome = await one.enter(claim(room, 'anna', quiet), terms);
      expect(outcome).toMatchObject({ outcome: 'seated', view: { host: anna, kicked: [] } });
      await enter(one, claim(room, 'ben'));
      const view = await one.view(room);
      const changes = await two.upTo(view);
      expect(brief(changes)).toEqual(['anna here', 'host anna', 'ben here']);
      expect(isChain(changes)).toBe(true);
      expect(view.host).toBe(anna);
    });

    test('[N12] when it has gone, it is who has been there longest: also across a move', async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      await two.presence.watch(room);
      const first = await enter(one, claim(room, 'anna'));
      const second = await enter(one, claim(room, 'ben'));
      await enter(one, claim(room, 'carl'));
      await two.presence.move(second, { tokenHashes: [] });
      await two.presence.leave(first, 'left');
      const view = await one.view(room);
      expect(view.host).toBe(ben);
      expect(brief(await two.upTo(view)).slice(-2)).toEqual(['gone anna left', 'host ben']);
    });

    test('[N12] is nobody who is only expected back without a right to it, and no kept name', async () => {
      const [one, room] = [await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      const kept = await enter(one, claim(room, 'kept', quiet));
      const away = await enter(one, claim(room, 'away', quiet));
      const full = await enter(one, claim(room, 'full'));
      await enter(one, claim(room, 'later'));
      await one.update({ ...kept, standing: 'kept' });
      await one.update({ ...away, standing: 'away' });
      await one.update({ ...full, standing: 'away' });
      await one.leave(host, 'left');
      expect(await hostOf(one, room)).toBe('full');
    });

    test('[N12] a quiet one that is away stays host until only its name is kept', async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      await two.presence.watch(room);
      const host = await enter(one, claim(room, 'anna', quiet));
      await enter(one, claim(room, 'ben'));
      await one.update({ ...host, standing: 'away' });
      expect(await hostOf(one, room)).toBe(anna);
      await one.update({ ...host, standing: 'kept' });
      const view = await one.view(room);
      expect(view.host).toBe(ben);
      expect(brief(await two.upTo(view)).slice(2)).toEqual([
        'ben here',
        'anna away',
        'anna kept',
        'host ben',
      ]);
    });

    test('[N12] the same user that takes its name anew stays host, and nothing is told; another user does not', async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      await two.presence.watch(room);
      await enter(one, claim(room, 'anna'));
      await enter(one, claim(room, 'ben'));
      const again = await enter(two.presence, claim(room, 'anna'));
      expect(brief(await two.upTo(await one.view(room))).slice(-2)).toEqual(['ben here', 'anna here']);
      await enter(one, claim(room, 'anna', another), { replaces: again.generation });
      const view = await one.view(room);
      expect(view.host).toBe(ben);
      expect(brief(await two.upTo(view)).slice(-2)).toEqual(['anna here', 'host ben']);
    });

    test('[N12] another user that takes the name of a host who was alone is told as the host', async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      await two.presence.watch(room);
      const first = await enter(one, claim(room, 'anna'));
      await enter(one, claim(room, 'anna', another), { replaces: first.generation });
      const changes = brief(await two.upTo(await one.view(room)));
      expect(changes).toEqual(['anna here', 'host anna', 'anna here', 'host anna']);
    });

    test('[N12] is nobody while nobody is there, and then who comes', async () => {
      const [one, room] = [await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      const name = await enter(one, claim(room, 'kept', quiet));
      await one.update({ ...name, standing: 'kept' });
      await one.leave(host, 'left');
      expect(await hostOf(one, room)).toBeUndefined();
      await enter(one, claim(room, 'ben'));
      expect(await hostOf(one, room)).toBe(ben);
    });

    test("[N12] is the room's creator from when it enters, and of its seats the first", async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      await two.presence.watch(room);
      await enter(one, claim(room, 'anna'));
      const first = await enter(two.presence, claim(room, 'boss', creator));
      const view = await one.view(room);
      expect(view.host).toBe('boss');
      expect(brief(await two.upTo(view)).slice(-2)).toEqual(['boss here', 'host boss']);
      await enter(one, claim(room, 'ben'));
      await enter(one, claim(room, 'second tab', creator));
      await enter(one, claim(room, 'third tab', creator));
      expect(await hostOf(one, room)).toBe('boss');
      await one.leave(first, 'left');
      expect(await hostOf(one, room)).toBe('second tab');
    });

    test('[N12] a creator that was only expected back is the host when it is here', async () => {
      const [one, room] = [await open(), freshRoom()];
      const boss = await enter(one, claim(room, 'boss', creator));
      const tab = await enter(one, claim(room, 'tab', { ...creator, ...quiet }));
      await enter(one, claim(room, 'anna'));
      await one.update({ ...tab, standing: 'away' });
      await one.leave(boss, 'left');
      expect(await hostOf(one, room)).toBe(anna);
      await one.update(tab);
      expect(await hostOf(one, room)).toBe('tab');
    });

    test('[N12] is chosen once when a node is swept, after all its seats', async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      await two.presence.watch(room);
      for (const peer of ['anna', 'ben', 'carl']) await enter(one, claim(room, peer));
      await enter(two.presence, claim(room, 'dora'));
      const node = await dead(two.presence, one);
      await two.presence.sweep(node, 0);
      const view = await two.presence.view(room);
      expect(view.host).toBe('dora');
      const changes = await two.upTo(view);
      expect(brief(changes).slice(5).at(-1)).toBe('host dora');
      expect(brief(changes).slice(5)).toHaveLength(4);
    });
  });

  describe('giving the host away', () => {
    test('[N13] is for the host, to somebody who is there', async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      await two.presence.watch(room);
      const host = await enter(one, claim(room, 'anna'));
      const guest = await enter(two.presence, claim(room, 'ben'));
      const tab = await enter(one, claim(room, 'away', quiet));
      await one.update({ ...tab, standing: 'away' });
      await expect(one.transferHost(guest, guest.peerId)).resolves.toBe('not host');
      await expect(one.transferHost({ ...host, generation: 1 }, ben)).resolves.toBe('not host');
      await expect(one.transferHost({ ...host, roomId: freshRoom() }, ben)).resolves.toBe('not host');
      for (const peer of ['anna', 'away', 'nobody'])
        await expect(one.transferHost(host, asPeerId(peer))).resolves.toBe('absent');
      await expect(one.transferHost(host, ben)).resolves.toBe('done');
      const view = await one.view(room);
      expect(view.host).toBe(ben);
      const changes = await two.upTo(view);
      expect(brief(changes).slice(-2)).toEqual(['away away', 'host ben']);
      expect(isChain(changes)).toBe(true);
      expect(changes.at(-1)?.origin).toBe(one.nodeId);
      await expect(one.transferHost(host, ben)).resolves.toBe('not host');
      await expect(one.transferHost(guest, anna)).resolves.toBe('done');
    });

    test('[N13] holds against the creator, and for the same user again, while it is there', async () => {
      const [one, room] = [await open(), freshRoom()];
      const boss = await enter(one, claim(room, 'boss', creator));
      await enter(one, claim(room, 'anna'));
      await enter(one, claim(room, 'ben'));
      await expect(one.transferHost(boss, ben)).resolves.toBe('done');
      await enter(one, claim(room, 'boss', creator));
      await enter(one, claim(room, 'second tab', creator));
      expect(await hostOf(one, room)).toBe(ben);
      const again = await enter(one, claim(room, 'ben'));
      expect(await hostOf(one, room)).toBe(ben);
      await one.leave(again, 'left');
      expect(await hostOf(one, room)).toBe('boss');
    });
  });

  describe('kicking', () => {
    test('[N14] ends the seat of a peer for the host, on any node, and tells everybody by whom and why', async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      await two.presence.watch(room);
      const host = await enter(one, claim(room, 'anna'));
      const guest = await enter(two.presence, claim(room, 'ben "x" \n'));
      const kick = {
        peerId: guest.peerId,
        generation: guest.generation,
        by: anna,
        reason: 'a "reason"\t\n+',
      };
      await expect(one.kick(host, guest.peerId, { ...ban, reason: kick.reason })).resolves.toBe('done');
      const view = await one.view(room);
      expect(view.seats).toEqual([host]);
      expect(view.kicked).toEqual([kick]);
      const changes = await two.upTo(view);
      expect(changes.at(-1)?.what).toEqual({
        kind: 'gone',
        peerId: guest.peerId,
        sessionId: guest.sessionId,
        generation: guest.generation,
        reason: 'kicked',
        kick,
      });
      expect(isChain(changes)).toBe(true);
      await expect(one.kick(host, guest.peerId, ban)).resolves.toBe('absent');
    });

    test('[N14] is for the host alone, and for others who are more than a kept name', async () => {
      const [one, room] = [await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      const guest = await enter(one, claim(room, 'ben'));
      const name = await enter(one, claim(room, 'name', quiet));
      await one.update({ ...name, standing: 'away' });
      const { version } = await one.view(room);
      await expect(one.kick(guest, anna, ban)).resolves.toBe('not host');
      await expect(one.kick({ ...host, generation: 1 }, ben, ban)).resolves.toBe('not host');
      await expect(one.kick({ ...host, roomId: freshRoom() }, ben, ban)).resolves.toBe('not host');
      await expect(one.kick(host, anna, ban)).resolves.toBe('absent');
      await expect(one.kick(host, asPeerId('nobody'), ban)).resolves.toBe('absent');
      expect((await one.view(room)).version).toBe(version);
      await expect(one.kick(host, name.peerId, noBan)).resolves.toBe('done');
      const again = await enter(one, claim(room, 'name', quiet));
      await one.update({ ...again, standing: 'kept' });
      await expect(one.kick(host, name.peerId, ban)).resolves.toBe('absent');
    });

    test('[N14] without a reason and a ban leaves word of itself all the same', async () => {
      const [one, room] = [await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      const guest = await enter(one, claim(room, 'ben'));
      await expect(one.kick(host, ben, noBan)).resolves.toBe('done');
      const word = { peerId: ben, generation: guest.generation, by: anna };
      expect((await one.view(room)).kicked).toEqual([word]);
      const again = await one.enter(claim(room, 'ben'), terms);
      expect(again).toMatchObject({ outcome: 'seated', view: { kicked: [word] } });
    });

    test('[N14] holds: nothing that its node does brings the seat back', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      const guest = await enter(two, claim(room, 'ben'));
      const dora = await enter(two, claim(room, 'dora'));
      await one.kick(host, ben, ban);
      await expect(two.update(guest)).resolves.toBe(false);
      await expect(two.move(guest, { tokenHashes: [] })).resolves.toBeUndefined();
      await expect(two.leave(guest, 'left')).resolves.toBe(false);
      const view = await two.reconcile(room, () => [guest, dora], known);
      expect(new Set(view.seats)).toEqual(new Set([host, dora]));
      expect(view.kicked).toMatchObject([{ peerId: ben }]);
    });
  });

  describe('bans', () => {
    test('[N15] keep the user out under every name, and nobody else, until they end', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      await enter(one, claim(room, 'ben', another));
      await one.kick(host, ben, { banMs: 500 });
      for (const name of ['ben', 'other']) {
        const outcome = await two.enter(claim(room, name, another), terms);
        if (outcome.outcome !== 'banned') throw new Error(outcome.outcome);
        expect(outcome.retryAfterMs).toBeGreaterThan(0);
        expect(outcome.retryAfterMs).toBeLessThanOrEqual(500);
      }
      await enter(two, claim(room, 'ben'));
      await enter(two, claim(freshRoom(), 'ben', another));
      while ((await two.enter(claim(room, 'other', another), terms)).outcome === 'banned') await turn();
      expect((await one.view(room)).seats).toHaveLength(3);
    });

    test('[N15] are said before that a name is held, or a room full', async () => {
      const [one, room] = [await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      await enter(one, claim(room, 'ben', another));
      await one.kick(host, ben, ban);
      const few = { ...terms, maxPeers: 1 };
      const banned = { outcome: 'banned' };
      await expect(one.enter(claim(room, 'ben', another), few)).resolves.toMatchObject(banned);
      await expect(one.enter(claim(room, 'anna', another), few)).resolves.toMatchObject(banned);
    });

    test('[N15] keep out who has proved nothing by its name, and no name for less than a ban', async () => {
      const [one, room] = [await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      for (const peer of ['ben', 'carl'])
        await enter(one, claim(room, peer, { identity: anonymous(`${peer} 1`) }));
      await one.kick(host, ben, ban);
      await one.kick(host, asPeerId('carl'), noBan);
      const stranger = { identity: anonymous('2') };
      await expect(one.enter(claim(room, 'ben', stranger), terms)).resolves.toMatchObject({
        outcome: 'banned',
      });
      await enter(one, claim(room, 'carl', stranger));
      await enter(one, claim(room, 'dora', stranger));
      await enter(one, claim(room, 'ben', another));
    });

    test('[N15] of more than 256 those that end first are dropped', async () => {
      const [one, room] = [await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      for (let at = 0; at < 258; at += 1) {
        const peer = `peer ${String(at)}`;
        await enter(one, claim(room, peer));
        await one.kick(host, asPeerId(peer), { banMs: at === 7 ? 30_000 : at === 9 ? 40_000 : 60_000 });
      }
      const { kicked } = await one.view(room);
      expect(kicked).toHaveLength(256);
      for (const [at, outcome] of [
        [7, 'seated'],
        [9, 'seated'],
        [0, 'banned'],
        [257, 'banned'],
      ] as const)
        await expect(one.enter(claim(room, `peer ${String(at)}`), terms)).resolves.toMatchObject({
          outcome,
        });
    });
  });

  describe('entering for oneself alone', () => {
    const alone = { ...terms, isExclusive: true } as const;

    test('[N16] a name whose holder is here stays with it, the same user or not', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      const holder = await enter(one, claim(room, 'anna'));
      await expect(two.enter(claim(room, 'anna'), alone)).resolves.toEqual({ outcome: 'held', holder });
      await expect(two.enter(claim(room, 'anna', another), alone)).resolves.toMatchObject({
        outcome: 'held',
      });
      expect((await one.view(room)).seats).toEqual([holder]);
      const named = { ...alone, replaces: holder.generation };
      await expect(two.enter(claim(room, 'anna'), named)).resolves.toMatchObject({ outcome: 'seated' });
    });

    test('[N16] a holder that is away or kept is judged as ever', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      const holder = await enter(one, claim(room, 'anna', quiet));
      await one.update({ ...holder, standing: 'away' });
      await expect(two.enter(claim(room, 'anna', another), alone)).resolves.toMatchObject({
        outcome: 'held',
      });
      const again = await two.enter(claim(room, 'anna', quiet), alone);
      if (again.outcome !== 'seated') throw new Error(again.outcome);
      await two.update({ ...again.seat, standing: 'kept' });
      await expect(one.enter(claim(room, 'anna', another), alone)).resolves.toMatchObject({
        outcome: 'seated',
      });
    });

    test('[N16] of several at once, one has it', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? one : two).enter(claim(room, 'anna'), alone)),
      );
      expect(outcomes.filter(({ outcome }) => outcome === 'seated')).toHaveLength(1);
      expect(outcomes.filter(({ outcome }) => outcome === 'held')).toHaveLength(19);
    });
  });

  describe('another name', () => {
    test('[N11] [N12] keeps the rank of the seat before, and the host', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      const same = { identity: { sub: 'same', username: 'same' } };
      const first = await enter(one, claim(room, 'unnamed-1', same));
      const second = await enter(two, claim(room, 'ben', another));
      const renames = { peerId: first.peerId, generation: first.generation };
      const entered = await one.enter(claim(room, 'anna', same), { ...terms, renames });
      if (entered.outcome !== 'seated') throw new Error(entered.outcome);
      expect(entered.seat.since).toBe(first.since);
      expect(entered.view.host).toBe('anna');
      await one.leave(first, 'left');
      expect(await hostOf(two, room)).toBe('anna');
      await expect(two.kick(second, anna, noBan)).resolves.toBe('not host');
      await expect(one.kick(entered.seat, ben, noBan)).resolves.toBe('done');
    });

    test('[N11] gives no rank to who names a seat that is not there', async () => {
      const [one, room] = [await open(), freshRoom()];
      const first = await enter(one, claim(room, 'anna'));
      const renames = { peerId: first.peerId, generation: first.generation - 1 };
      const entered = await one.enter(claim(room, 'ben', another), { ...terms, renames });
      if (entered.outcome !== 'seated') throw new Error(entered.outcome);
      expect(entered.seat.since).toBe(entered.seat.generation);
      expect(entered.view.host).toBe('anna');
    });
  });

  describe('the host after memory was lost', () => {
    afterEach(async () => {
      await probe.lose();
    });

    test('[N11] [N17] is who it was, though its seat is written last', async () => {
      const [one, two, room] = [await open(), await openEar(), freshRoom()];
      const boss = await enter(one, claim(room, 'boss', creator));
      const host = await enter(one, claim(room, 'anna'));
      const guest = await enter(two.presence, claim(room, 'ben'));
      await one.transferHost(boss, ben);
      await probe.lose();
      await two.presence.watch(room);
      const half = await one.reconcile(room, () => [boss, host], { ...known, host: ben });
      expect(half.host).toBe(ben);
      const whole = await two.presence.reconcile(room, () => [guest], { ...known, host: ben });
      expect(whole.host).toBe(ben);
      expect(new Set(whole.seats)).toEqual(new Set([boss, host, guest]));
      const changes = brief(await two.upTo(whole));
      expect(changes).toEqual(['boss here', 'anna here', 'host ben', 'ben here']);
      await expect(two.presence.kick(guest, anna, noBan)).resolves.toBe('done');
      await two.presence.leave(guest, 'left');
      expect(await hostOf(one, room)).toBe('boss');
    });

    test('[N17] is chosen by rule at once where nobody knows, or its seat was given up', async () => {
      const [one, two] = [await open(), await open()];
      const rooms = [freshRoom(), freshRoom(), freshRoom()] as const;
      const seats = new Map<RoomId, readonly [SeatRecord, SeatRecord]>();
      for (const room of rooms)
        seats.set(room, [await enter(one, claim(room, 'anna')), await enter(two, claim(room, 'ben'))]);
      await probe.lose();
      for (const [at, room] of rooms.entries()) {
        const [first, second] = seats.get(room) ?? [];
        if (first === undefined || second === undefined) throw new Error('no seats');
        if (at === 1) await one.leave(first, 'left');
        const host = at === 0 ? undefined : anna;
        const view = await two.reconcile(room, () => [second], { ...known, host });
        expect(view.host).toBe(at === 2 ? anna : ben);
        if (at !== 2) continue;
        await one.leave(first, 'left');
        expect(await hostOf(two, room)).toBe(ben);
      }
    });

    test('[N17] whoever takes the name of a host that is missing is not it', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      await enter(one, claim(room, 'anna'));
      const guest = await enter(two, claim(room, 'ben'));
      await probe.lose();
      await two.reconcile(room, () => [guest], { ...known, host: anna });
      await enter(one, claim(room, 'anna', another));
      expect(await hostOf(one, room)).toBe(ben);
    });

    test('[N17] is the creator that enters meanwhile', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      await enter(one, claim(room, 'anna'));
      const guest = await enter(two, claim(room, 'ben'));
      await probe.lose();
      await two.reconcile(room, () => [guest], { ...known, host: anna });
      await enter(one, claim(room, 'boss', creator));
      expect(await hostOf(one, room)).toBe('boss');
    });

    test('[N17] goes back from a newcomer to who had it', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      await probe.lose();
      await enter(two, claim(room, 'newcomer'));
      expect(await hostOf(two, room)).toBe('newcomer');
      const view = await one.reconcile(room, () => [host], { ...known, host: anna });
      expect(view.host).toBe(anna);
    });

    test('[N14] a kick holds for a seat that is older than the memory, too', async () => {
      const [one, two, room] = [await open(), await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna'));
      const guest = await enter(two, claim(room, 'ben'));
      await probe.lose();
      await one.reconcile(room, () => [host], { ...known, host: anna });
      await two.reconcile(room, () => [guest], { ...known, host: anna });
      await expect(one.kick(host, ben, noBan)).resolves.toBe('done');
      await expect(two.update(guest)).resolves.toBe(false);
      await expect(two.leave(guest, 'left')).resolves.toBe(false);
      const view = await two.reconcile(room, () => [guest], { ...known, host: anna });
      expect(view).toMatchObject({ host: anna, seats: [host], kicked: [{ peerId: ben }] });
    });

    test('[N17] a name that is only kept is not waited for', async () => {
      const [one, room] = [await open(), freshRoom()];
      const host = await enter(one, claim(room, 'anna', quiet));
      const guest = await enter(one, claim(room, 'ben'));
      await probe.lose();
      const own: readonly SeatRecord[] = [{ ...host, standing: 'kept' }, guest];
      expect((await one.reconcile(room, () => own, { ...known, host: anna })).host).toBe(ben);
    });

    test('[N17] a room without anybody has none', async () => {
      const [one, room] = [await open(), freshRoom()];
      const view = await one.reconcile(room, () => [], { ...known, host: anna });
      expect(view).toMatchObject({ seats: [], host: undefined });
    });
  });

  describe('authority, with two nodes at once', () => {
    const ROUNDS = 40;

    /** A room watched by both, with a host on the one and a guest on the other. */
    const both = async (): Promise<{
      readonly ears: readonly [PresenceEar, PresenceEar];
      readonly room: RoomId;
      readonly host: SeatRecord;
      readonly guest: SeatRecord;
    }> => {
      const [ears, room] = [[await openEar(), await openEar()] as const, freshRoom()];
      for (const ear of ears) await ear.presence.watch(room);
      const host = await enter(ears[0].presence, claim(room, 'anna'));
      const guest = await enter(ears[1].presence, claim(room, 'ben'));
      return { ears, room, host, guest };
    };
    /** Both nodes have heard the same, and what they heard is what the memory says. */
    const agreed = async (ears: readonly PresenceEar[], room: RoomId): Promise<RoomView> => {
      const [view] = await Promise.all(ears.map(({ presence }) => presence.view(room)));
      if (view === undefined) throw new Error('nobody looks');
      for (const ear of ears) {
        const changes = await ear.upTo(view);
        expect(isChain(changes)).toBe(true);
        const { host, seats } = told(changes);
        expect(new Set(seats)).toEqual(new Set(view.seats));
        expect(host).toBe(view.host);
      }
      return view;
    };

    test('[N2] [N14] a kick and a move: the seat is gone, moved first or not', async () => {
      const { ears, room, host, guest: first } = await both();
      let guest = first;
      for (let round = 0; round < ROUNDS; round += 1) {
        const [kicked, moved] = await Promise.all([
          ears[0].presence.kick(host, ben, noBan),
          ears[1].presence.move(guest, { tokenHashes: [] }),
        ]);
        expect(kicked).toBe('done');
        const view = await agreed(ears, room);
        expect(view.seats).toEqual([host]);
        expect(view.kicked.at(-1)?.generation).toBe(moved?.seat.generation ?? guest.generation);
        guest = await enter(ears[1].presence, claim(room, 'ben'));
      }
    });

    test('[N14] [N15] a kick and an entry of the same user: banned, or kicked', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { ears, room, host } = await both();
        const [kicked, entered] = await Promise.all([
          ears[0].presence.kick(host, ben, ban),
          ears[1].presence.enter(claim(room, 'ben'), terms),
        ]);
        expect(kicked).toBe('done');
        expect(['seated', 'banned']).toContain(entered.outcome);
        expect((await agreed(ears, room)).seats).toEqual([host]);
      }
    });

    test('[N13] [N14] a kick, and a transfer to who is kicked: the first of them decides', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { ears, room, host } = await both();
        const [kicked, given] = await Promise.all([
          ears[0].presence.kick(host, ben, ban),
          ears[1].presence.transferHost(host, ben),
        ]);
        const view = await agreed(ears, room);
        const outcomes: readonly [AuthorityOutcome, AuthorityOutcome] = [kicked, given];
        expect([
          ['done', 'absent'],
          ['not host', 'done'],
        ]).toContainEqual(outcomes);
        expect(view.host).toBe(kicked === 'done' ? anna : ben);
        expect(view.seats).toHaveLength(kicked === 'done' ? 1 : 2);
      }
    });

    test('[N13] of two transfers and two kicks at once, those hold that come while the host is host', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { ears, room, host, guest } = await both();
        await enter(ears[1].presence, claim(room, 'carl'));
        const outcomes = await Promise.all([
          ears[0].presence.transferHost(host, ben),
          ears[1].presence.transferHost(host, asPeerId('carl')),
          ears[1].presence.kick(guest, anna, noBan),
          ears[0].presence.leave(host, 'left'),
        ]);
        expect(outcomes.slice(0, 2).filter((outcome) => outcome === 'done').length).toBeLessThan(2);
        const view = await agreed(ears, room);
        expect(view.seats.map(({ peerId }) => peerId)).toContain(view.host);
      }
    });

    test('[N12] whoever comes and goes at once, both nodes agree on a host who is there', async () => {
      const ears = [await openEar(), await openEar()] as const;
      const rooms = Array.from({ length: 10 }, freshRoom);
      for (const room of rooms) {
        for (const ear of ears) await ear.presence.watch(room);
        const names = ['a', 'b', 'c', 'd', 'e', 'f'];
        await Promise.all(
          names.map(async (name, at) => {
            const { presence } = ears[at % 2 === 0 ? 0 : 1];
            const who = at === 3 ? creator : {};
            for (let count = 0; count < 4; count += 1) {
              const seat = await enter(presence, claim(room, name, who));
              await presence.transferHost(seat, asPeerId(names[count] ?? 'a'));
              if (at !== 5 || count < 3) await presence.leave(seat, 'left');
            }
          }),
        );
        for (const ear of ears) {
          const view = await ear.presence.view(room);
          const changes = (await ear.upTo(view)).filter(({ roomId }) => roomId === room);
          expect(isChain(changes)).toBe(true);
          expect(view.seats.map(({ peerId }) => peerId)).toEqual(['f']);
          expect(view.host).toBe('f');
          expect(told(changes).host).toBe('f');
        }
      }
    });
  });
}
