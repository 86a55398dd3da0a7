import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { asPeerId, asRoomId } from '../../src/protocol/ids.js';
import type { SeatRecord } from '../../src/protocol/records.js';
import {
  claim,
  dead,
  enter,
  freshRoom,
  known,
  lapsed,
  PresenceEar,
  PresenceProbe,
  seatOf,
  seatsOf,
  terms,
  type PresenceSetup,
} from '../support/presence-probe.js';
import { authorityRules } from './presence-authority-rules.js';
import { modeRules } from './presence-mode-rules.js';

export type { PresenceSetup } from '../support/presence-probe.js';

/** What every `Presence` must do, with two nodes that share one memory. */
export function presenceContract(name: string, setup: () => Promise<PresenceSetup>): void {
  describe(`${name} as a Presence`, () => {
    let cluster: PresenceSetup;

    beforeAll(async () => {
      cluster = await setup();
    });
    afterAll(async () => {
      await cluster.stop();
    });

    const probe = new PresenceProbe(() => cluster);
    const { open, openEar } = probe;

    authorityRules(probe);
    modeRules(probe);

    describe('entering', () => {
      test('[N1] seats a session as it asked, and shows it to other nodes', async () => {
        const [one, two] = [await open(), await open()];
        const asked = claim(freshRoom(), 'anna "quoted" \n {braces} ü👋');
        const outcome = await one.enter(asked, terms);
        const seat = seatOf(outcome);
        const { generation } = seat;
        expect(seat).toEqual({ ...asked, nodeId: one.nodeId, generation, since: generation });
        expect(outcome).toMatchObject({ view: { seats: [seat] } });
        await expect(two.view(asked.roomId)).resolves.toEqual(
          outcome.outcome === 'seated' ? outcome.view : undefined,
        );
      });

      test('[N1] gives each seat the highest generation of its room', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const generations: number[] = [];
        for (const [at, name] of ['a', 'b', 'a', 'c', 'b', 'a'].entries())
          generations.push((await enter(at % 2 === 0 ? one : two, claim(room, name))).generation);
        expect(generations).toEqual([...generations].sort((a, b) => a - b));
        expect(new Set(generations).size).toBe(generations.length);
      });

      test('[N1] of several at once that take one name of one user, the last generation holds it', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const seats = await Promise.all(
          Array.from({ length: 20 }, (_, at) => enter(at % 2 === 0 ? one : two, claim(room, 'anna'))),
        );
        const last = [...seats].sort((a, b) => b.generation - a.generation)[0];
        expect(new Set(seats.map(({ generation }) => generation)).size).toBe(20);
        expect((await one.view(room)).seats).toEqual([last]);
      });

      test('[N1] never gives more seats than the room has, whoever asks at once', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, at) =>
            (at % 2 === 0 ? one : two).enter(claim(room, `peer ${String(at)}`), { ...terms, maxPeers: 7 }),
          ),
        );
        expect(outcomes.filter(({ outcome }) => outcome === 'seated')).toHaveLength(7);
        expect(outcomes.filter(({ outcome }) => outcome === 'full')).toHaveLength(13);
        expect((await one.view(room)).seats).toHaveLength(7);
      });

      test('[N1] counts who is here, and full sessions that are away; no quiet ones that are away, and no kept names', async () => {
        const [one, room] = [await open(), freshRoom()];
        const few = { maxPeers: 2 };
        const quiet = await enter(one, claim(room, 'quiet', { isQuiet: true }), few);
        const full = await enter(one, claim(room, 'full'), few);
        await expect(one.enter(claim(room, 'third'), { ...terms, ...few })).resolves.toEqual({
          outcome: 'full',
        });
        await expect(one.enter(claim(room, 'full'), { ...terms, ...few })).resolves.toMatchObject({
          outcome: 'seated',
        });
        await one.leave(full, 'left');
        const [again] = seatsOf(await one.view(room));
        if (again === undefined) throw new Error('nobody is there');
        await one.update({ ...again, standing: 'away' });
        await expect(one.enter(claim(room, 'third'), { ...terms, ...few })).resolves.toEqual({
          outcome: 'full',
        });
        await one.update({ ...quiet, standing: 'away' });
        await enter(one, claim(room, 'third'), few);
        await one.update({ ...quiet, standing: 'kept' });
        await expect(one.enter(claim(room, 'quiet'), { ...terms, ...few })).resolves.toEqual({
          outcome: 'full',
        });
      });

      test('[N1] does not give a name that another user holds, here or away', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const holder = await enter(one, claim(room, 'anna'));
        const stranger = claim(room, 'anna', { identity: { sub: 'another', username: 'x' } });
        await expect(two.enter(stranger, terms)).resolves.toEqual({ outcome: 'held', holder });
        const away: SeatRecord = { ...holder, standing: 'away' };
        await one.update(away);
        await expect(two.enter(stranger, terms)).resolves.toEqual({ outcome: 'held', holder: away });
      });

      test('[N1] gives a name that is only kept to anybody', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const holder = await enter(one, claim(room, 'anna', { isQuiet: true }));
        await one.update({ ...holder, standing: 'kept' });
        const stranger = claim(room, 'anna', { identity: { sub: 'another', username: 'x' } });
        await expect(two.enter(stranger, terms)).resolves.toMatchObject({ outcome: 'seated' });
      });

      test('[N1] replaces the holder that is named, and only that one', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const holder = await enter(one, claim(room, 'anna'));
        const stranger = claim(room, 'anna', { identity: { sub: 'another', username: 'x' } });
        const other = { ...terms, replaces: holder.generation + 1 };
        await expect(two.enter(stranger, other)).resolves.toMatchObject({ outcome: 'held' });
        const named = { ...terms, replaces: holder.generation };
        await expect(two.enter(stranger, named)).resolves.toMatchObject({ outcome: 'seated' });
      });

      test('[N4] a late word of the seat that was replaced removes nothing', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const old = await enter(one, claim(room, 'anna'));
        const seat = await enter(two, claim(room, 'anna'));
        await expect(one.leave(old, 'disconnected')).resolves.toBe(false);
        await expect(one.update({ ...old, standing: 'away' })).resolves.toBe(false);
        expect((await one.view(room)).seats).toEqual([seat]);
      });

      test('[N8] a peer is found in all its rooms', async () => {
        const [one, two, rooms] = [await open(), await open(), [freshRoom(), freshRoom()]];
        const name = randomUUID();
        for (const [at, room] of rooms.entries()) await enter(at === 0 ? one : two, claim(room, name));
        expect([...(await two.roomsOf(asPeerId(name)))].sort()).toEqual([...rooms].sort());
        await expect(two.roomsOf(asPeerId(randomUUID()))).resolves.toEqual([]);
      });

      test('takes any text for names', async () => {
        const one = await open();
        for (const text of [
          '__proto__',
          'constructor',
          'Räume/ü 👋',
          ' ',
          '0',
          '{}',
          '}{',
          'x\ny',
          '%7B',
          '\\n',
        ]) {
          const asked = claim(asRoomId(`${randomUUID()}${text}`), text, {
            identity: { sub: '', username: text },
          });
          const seat = await enter(one, asked);
          expect(seat).toMatchObject(asked);
          expect((await one.view(asked.roomId)).seats).toEqual([seat]);
          expect(await one.roomsOf(asked.peerId)).toContain(asked.roomId);
          await expect(one.leave(seat, 'left')).resolves.toBe(true);
        }
      });

      test('a room that nobody was in has no seats', async () => {
        expect((await (await open()).view(freshRoom())).seats).toEqual([]);
      });
    });

    describe('moving', () => {
      test('[N2] moves a session to another node, with its new tokens, and a new generation', async () => {
        const [one, two, room] = [await open(), await openEar(), freshRoom()];
        const seat = await enter(one, claim(room, 'anna'));
        await one.update({ ...seat, standing: 'away' });
        await two.presence.watch(room);
        const moved = await two.presence.move(seat, { tokenHashes: ['new'], note: 'a "note"\n+' });
        expect(moved?.seat).toEqual({
          ...seat,
          nodeId: two.presence.nodeId,
          tokenHashes: ['new'],
          generation: moved?.seat.generation,
        });
        expect(moved?.seat.generation).toBeGreaterThan(seat.generation);
        expect(moved?.view.seats).toEqual([moved?.seat]);
        const [change] = await two.heard(1);
        expect(change?.what).toEqual({ kind: 'seat', seat: moved?.seat, note: 'a "note"\n+' });
        await expect(one.update(seat)).resolves.toBe(false);
        expect((await one.view(room)).seats).toEqual([moved?.seat]);
      });

      test('[N2] of two that move a session at once, one does', async () => {
        const [one, two, three, room] = [await open(), await open(), await open(), freshRoom()];
        const seat = await enter(one, claim(room, 'anna'));
        const moves = await Promise.all(
          [two, three].map((node) => node.move(seat, { tokenHashes: [node.nodeId] })),
        );
        const [moved, ...more] = moves.flatMap((move) => (move === undefined ? [] : [move.seat]));
        expect(more).toEqual([]);
        expect((await one.view(room)).seats).toEqual([moved]);
      });

      test('[N2] does not move what has left, or is not there', async () => {
        const [one, room] = [await open(), freshRoom()];
        const seat = await enter(one, claim(room, 'anna'));
        await one.leave(seat, 'left');
        await expect(one.move(seat, { tokenHashes: [] })).resolves.toBeUndefined();
        await expect(
          one.move({ ...seat, roomId: freshRoom() }, { tokenHashes: [] }),
        ).resolves.toBeUndefined();
      });
    });

    describe('updating and leaving', () => {
      test('[N3] writes what has changed of a seat', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const seat = await enter(one, claim(room, 'anna'));
        const card = { ...seat.card, metadata: { mood: 'ü', list: [], nested: { x: 1.5 } } };
        const changed: SeatRecord = { ...seat, card, standing: 'away', tokenHashes: [] };
        await expect(one.update(changed)).resolves.toBe(true);
        expect((await two.view(room)).seats).toEqual([changed]);
      });

      test("[N3] does not write another node's seat", async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const seat = await enter(one, claim(room, 'anna'));
        await expect(two.update({ ...seat, standing: 'away' })).resolves.toBe(false);
        await expect(two.update({ ...seat, nodeId: two.nodeId, standing: 'away' })).resolves.toBe(false);
        expect((await one.view(room)).seats).toEqual([seat]);
      });

      test('[N3] does not write a seat that was given up', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const seat = await enter(one, claim(room, 'anna'));
        await two.leave(seat, 'deleted');
        await expect(one.update(seat)).resolves.toBe(false);
        expect((await one.view(room)).seats).toEqual([]);
      });

      test('[N3] of updates made at once the last one holds', async () => {
        const [one, room] = [await open(), freshRoom()];
        const seat = await enter(one, claim(room, 'anna'));
        const updates = Array.from({ length: 50 }, (_, at) =>
          one.update({ ...seat, card: { ...seat.card, metadata: { at } } }),
        );
        expect(new Set(await Promise.all(updates))).toEqual(new Set([true]));
        expect((await one.view(room)).seats[0]?.card.metadata).toEqual({ at: 49 });
      });

      test('[N4] gives a seat up once, whichever node asks', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const seat = await enter(one, claim(room, 'anna'));
        const answers = await Promise.all([
          two.leave(seat, 'deleted'),
          one.leave(seat, 'left'),
          two.leave(seat, 'left'),
        ]);
        expect(answers.filter(Boolean)).toHaveLength(1);
        expect((await one.view(room)).seats).toEqual([]);
      });
    });

    describe('changes', () => {
      test('are told to every node that watches, in order, each with the version before', async () => {
        const [one, two, room] = [await openEar(), await openEar(), freshRoom()];
        await Promise.all([one.presence.watch(room), two.presence.watch(room)]);
        const { version: before } = await one.presence.view(room);
        const anna = await enter(one.presence, claim(room, 'anna'));
        const ben = await enter(two.presence, claim(room, 'ben'));
        const away: SeatRecord = { ...anna, standing: 'away' };
        await one.presence.update(away);
        const moved = await two.presence.move(anna, { tokenHashes: [] });
        await one.presence.leave(ben, 'left');
        const replaced = await enter(one.presence, claim(room, 'anna'));
        const changes = await two.heard(7);
        expect(changes.map(({ what, origin }) => [what, origin])).toEqual([
          [{ kind: 'seat', seat: anna }, one.presence.nodeId],
          [{ kind: 'host', host: anna.peerId }, one.presence.nodeId],
          [{ kind: 'seat', seat: ben }, two.presence.nodeId],
          [{ kind: 'seat', seat: away }, one.presence.nodeId],
          [{ kind: 'seat', seat: moved?.seat }, two.presence.nodeId],
          [
            {
              kind: 'gone',
              peerId: ben.peerId,
              sessionId: ben.sessionId,
              generation: ben.generation,
              reason: 'left',
            },
            one.presence.nodeId,
          ],
          [{ kind: 'seat', seat: replaced }, one.presence.nodeId],
        ]);
        const view = await one.presence.view(room);
        expect(changes.map(({ previous }) => previous)).toEqual([
          before,
          ...changes.slice(0, -1).map(({ version }) => version),
        ]);
        expect(changes.at(-1)?.version).toBe(view.version);
        expect(new Set(changes.map(({ epoch }) => epoch))).toEqual(new Set([view.epoch]));
        expect(new Set(changes.map(({ roomId }) => roomId))).toEqual(new Set([room]));
        expect(await one.heard(7)).toEqual(changes);
      });

      test('who watches before it looks misses nothing, however much happens', async () => {
        const [one, two, room] = [await open(), await openEar(), freshRoom()];
        const entering = Array.from({ length: 200 }, (_, at) =>
          one.enter(claim(room, `peer ${String(at % 10)}`), terms),
        );
        await entering[20];
        await two.presence.watch(room);
        const view = await two.presence.view(room);
        await Promise.all(entering);
        const end = await one.view(room);
        while (two.changes.at(-1)?.version !== end.version && view.version !== end.version)
          await two.heard(two.changes.length + 1);
        const roster = new Map(view.seats.map((seat) => [seat.peerId, seat]));
        let { version } = view;
        for (const change of two.changes.filter((heard) => heard.version > view.version)) {
          expect(change.previous).toBe(version);
          ({ version } = change);
          if (change.what.kind === 'seat') roster.set(change.what.seat.peerId, change.what.seat);
        }
        expect(seatsOf({ ...end, seats: [...roster.values()] })).toEqual(seatsOf(end));
      });

      test('are not told of a room that is not watched any more, and again once it is', async () => {
        const [one, two, room, other] = [await open(), await openEar(), freshRoom(), freshRoom()];
        for (const each of [room, other]) await enter(one, claim(each, 'host'));
        await two.presence.watch(room);
        await two.presence.watch(other);
        two.presence.unwatch(room);
        await two.presence.watch(room);
        two.presence.unwatch(room);
        await enter(one, claim(room, 'unheard'));
        await enter(one, claim(other, 'heard'));
        expect((await two.heard(1)).map(({ roomId }) => roomId)).toEqual([other]);
        await two.presence.watch(room);
        const seat = await enter(one, claim(room, 'heard again'));
        expect((await two.heard(2)).at(-1)?.what).toEqual({ kind: 'seat', seat });
      });

      test('are never told within the call that makes them', async () => {
        const [one, room] = [await openEar(), freshRoom()];
        await one.presence.watch(room);
        const entering = enter(one.presence, claim(room, 'anna'));
        expect(one.changes).toEqual([]);
        await entering;
        await one.heard(1);
      });
    });

    describe('after memory was lost', () => {
      afterEach(async () => {
        await cluster.lose();
      });

      test('[N5] each node puts its seats back as they were, in a new epoch', async () => {
        const [one, two, room] = [await open(), await openEar(), freshRoom()];
        await two.presence.watch(room);
        const anna = await enter(one, claim(room, 'anna'));
        const ben = await enter(two.presence, claim(room, 'ben', { isQuiet: true }));
        const before = await one.view(room);
        await cluster.lose();
        expect((await one.view(room)).seats).toEqual([]);
        const half = await one.reconcile(room, () => [anna], known);
        expect(half.seats).toEqual([anna]);
        const whole = await two.presence.reconcile(room, () => [ben], known);
        expect(seatsOf(whole)).toEqual([anna, ben]);
        expect(whole.epoch).not.toBe(before.epoch);
        expect(whole.version).toBeGreaterThan(before.version);
        const changes = (await two.heard(6)).slice(3);
        expect(changes.map(({ what }) => what)).toEqual([
          { kind: 'seat', seat: anna },
          { kind: 'host', host: anna.peerId },
          { kind: 'seat', seat: ben },
        ]);
        expect(changes.every(({ epoch }) => epoch === whole.epoch)).toBe(true);
        const next = await enter(one, claim(room, 'anna'));
        expect(next.generation).toBeGreaterThan(Math.max(anna.generation, ben.generation));
      });

      test('[N5] a seat that has gone elsewhere stays there', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const old = await enter(one, claim(room, 'anna'));
        await cluster.lose();
        const seat = await enter(two, claim(room, 'anna'));
        expect(seat.generation).toBeGreaterThan(old.generation);
        expect((await one.reconcile(room, () => [old], known)).seats).toEqual([seat]);
        await expect(one.update(old)).resolves.toBe(false);
        await expect(one.leave(old, 'left')).resolves.toBe(false);
      });

      test('[N4] a seat that was lost is gone once when it is given up, and everybody is told', async () => {
        const [one, two, room] = [await open(), await openEar(), freshRoom()];
        const [anna, ben] = [await enter(one, claim(room, 'anna')), await enter(one, claim(room, 'ben'))];
        await two.presence.watch(room);
        await cluster.lose();
        await expect(two.presence.leave(anna, 'deleted')).resolves.toBe(true);
        await expect(one.leave(anna, 'left')).resolves.toBe(false);
        await one.reconcile(room, () => [ben], known);
        const [gone, back] = await two.heard(2);
        expect(gone?.what).toMatchObject({ kind: 'gone', peerId: anna.peerId, generation: anna.generation });
        expect(back?.what).toEqual({ kind: 'seat', seat: ben });
      });

      test('[N4] [N5] a seat that was put back and then given up stays gone, and those who know it from before are told', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const anna = await enter(one, claim(room, 'anna'));
        await cluster.lose();
        await one.reconcile(room, () => [anna], known);
        await expect(one.leave(anna, 'left')).resolves.toBe(true);
        const { peerId, generation } = anna;
        // What was under way meanwhile comes late.
        await expect(one.update(anna)).resolves.toBe(false);
        const late = await one.reconcile(room, () => [anna], known);
        expect(late).toMatchObject({ seats: [], ended: [{ peerId, generation }] });
        const again = await enter(two, claim(room, 'anna'));
        expect(await two.view(room)).toMatchObject({ seats: [again], ended: [] });
      });

      test('[N3] a seat that was lost is written again by its update', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const [anna, ben] = [await enter(one, claim(room, 'anna')), await enter(two, claim(room, 'ben'))];
        await cluster.lose();
        await expect(one.update({ ...anna, standing: 'away' })).resolves.toBe(true);
        await expect(two.update(ben)).resolves.toBe(true);
        expect(seatsOf(await one.view(room))).toEqual([{ ...anna, standing: 'away' }, ben]);
      });
    });

    describe('reconciling', () => {
      test('[N5] removes what stands for the node and is not its own, but no kept names and no others', async () => {
        const [one, two, room] = [await open(), await openEar(), freshRoom()];
        await two.presence.watch(room);
        const anna = await enter(one, claim(room, 'anna'));
        const stray = await enter(one, claim(room, 'stray'));
        const name = await enter(one, claim(room, 'kept', { isQuiet: true }));
        await one.update({ ...name, standing: 'kept' });
        const other = await enter(two.presence, claim(room, 'other'));
        const view = await one.reconcile(room, () => [anna], known);
        expect(seatsOf(view)).toEqual([anna, { ...name, standing: 'kept' }, other]);
        expect((await two.heard(7)).at(-1)?.what).toMatchObject({ kind: 'gone', sessionId: stray.sessionId });
      });

      test('[N5] writes what has changed meanwhile, and says nothing where nothing has', async () => {
        const [one, room] = [await open(), freshRoom()];
        const [anna, ben] = [await enter(one, claim(room, 'anna')), await enter(one, claim(room, 'ben'))];
        const { version } = await one.view(room);
        expect((await one.reconcile(room, () => [anna, ben], known)).version).toBe(version);
        const away: SeatRecord = { ...ben, standing: 'away' };
        const view = await one.reconcile(room, () => [anna, away], known);
        expect(seatsOf(view)).toEqual([anna, away]);
      });

      test('[N5] of a room without seats changes nothing', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const seat = await enter(two, claim(room, 'anna'));
        expect((await one.reconcile(room, () => [], known)).seats).toEqual([seat]);
        expect((await one.reconcile(freshRoom(), () => [], known)).seats).toEqual([]);
      });
    });

    describe('leases', () => {
      test('[N7] a lease lasts as long as it was given; its renewal says whether it had ended', async () => {
        const [one, two] = [await open(), await open()];
        await expect(one.renewLease(60_000)).resolves.toBe(false);
        await expect(one.renewLease(60_000)).resolves.toBe(true);
        await enter(one, claim(freshRoom(), 'anna'));
        expect(await two.lapsedNodes()).not.toContain(one.nodeId);
        await expect(one.renewLease(1)).resolves.toBe(true);
        await lapsed(two, one.nodeId);
        await expect(one.renewLease(60_000)).resolves.toBe(false);
        expect(await two.lapsedNodes()).not.toContain(one.nodeId);
      });

      test('[N7] released, it need not be waited for', async () => {
        const [one, two] = [await open(), await open()];
        await one.renewLease(60_000);
        await enter(one, claim(freshRoom(), 'anna'));
        await one.release();
        expect(await two.lapsedNodes()).toContain(one.nodeId);
        await expect(one.renewLease(60_000)).resolves.toBe(false);
      });

      test('[N7] a node that has seats and never had a lease has lapsed', async () => {
        const [one, two] = [await open(), await open()];
        await enter(one, claim(freshRoom(), 'anna'));
        expect(await two.lapsedNodes()).toContain(one.nodeId);
      });
    });

    describe('sweeping', () => {
      test('[N6] ends what a dead node has left: full sessions are gone, quiet ones become kept names', async () => {
        const [one, two, three, room] = [await open(), await openEar(), await open(), freshRoom()];
        const full = await enter(one, claim(room, 'full'));
        const away = await enter(one, claim(room, 'away'));
        await one.update({ ...away, standing: 'away' });
        const quiet = await enter(one, claim(room, 'quiet', { isQuiet: true }));
        const other = await enter(three, claim(room, 'untouched'));
        await two.presence.watch(room);
        const node = await dead(two.presence, one);
        await expect(two.presence.sweep(node, 0)).resolves.toBe(3);
        expect(seatsOf(await two.presence.view(room))).toEqual([{ ...quiet, standing: 'kept' }, other]);
        const changes = (await two.heard(3)).map(({ what }) => what);
        const gone = changes.flatMap((what) => (what.kind === 'gone' ? [what] : []));
        expect(gone.map(({ sessionId, reason }) => [sessionId, reason])).toEqual(
          expect.arrayContaining([full, away].map(({ sessionId }) => [sessionId, 'disconnected'])),
        );
        expect(gone).toHaveLength(2);
        expect(await two.presence.roomsOf(quiet.peerId)).toContain(room);
        expect(await two.presence.lapsedNodes()).not.toContain(node);
        await expect(two.presence.sweep(node, 0)).resolves.toBe(0);
      });

      test('[N6] by several nodes at once ends each seat once', async () => {
        const [one, two, three] = await Promise.all([open(), open(), open()]);
        const rooms = Array.from({ length: 20 }, freshRoom);
        for (const room of rooms)
          for (const peer of ['a', 'b', 'c']) await enter(one, claim(room, peer, { isQuiet: peer === 'c' }));
        const ear = new PresenceEar(three);
        await Promise.all(rooms.map((room) => three.watch(room)));
        const node = await dead(two, one);
        const counts = await Promise.all([two, three, two, three].map((survivor) => survivor.sweep(node, 0)));
        expect(counts.reduce((a, b) => a + b)).toBe(60);
        await ear.heard(60);
        await enter(two, claim(rooms[0] ?? freshRoom(), 'after'));
        expect((await ear.heard(61)).slice(60, 61).map(({ what }) => what)).toMatchObject([
          { seat: { peerId: 'after' } },
        ]);
      });

      test('[N6] waits for the grace after the last sign of life', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const seat = await enter(one, claim(room, 'anna'));
        const node = await dead(two, one);
        await expect(two.sweep(node, 60_000)).resolves.toBe(0);
        expect((await two.view(room)).seats).toEqual([seat]);
      });

      test('[N6] leaves a node alone whose lease is back', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const seat = await enter(one, claim(room, 'anna'));
        const node = await dead(two, one);
        await one.renewLease(60_000);
        await expect(two.sweep(node, 0)).resolves.toBe(0);
        expect((await two.view(room)).seats).toEqual([seat]);
      });

      test('[N6] leaves alone what has moved, and what was taken anew', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const [anna, ben] = [await enter(one, claim(room, 'anna')), await enter(one, claim(room, 'ben'))];
        await two.move(anna, { tokenHashes: [] });
        await enter(two, claim(room, 'ben'));
        await enter(one, claim(freshRoom(), 'left behind'));
        const node = await dead(two, one);
        const { version } = await two.view(room);
        await expect(two.sweep(node, 0)).resolves.toBe(1);
        expect(await two.view(room)).toMatchObject({ version, seats: { length: 2 } });
        await expect(one.leave(ben, 'left')).resolves.toBe(false);
      });

      test('[N5] a node that was taken for dead puts its seats back', async () => {
        const [one, two, room] = [await open(), await open(), freshRoom()];
        const seat = await enter(one, claim(room, 'anna'));
        const node = await dead(two, one);
        await two.sweep(node, 0);
        await expect(one.update(seat)).resolves.toBe(false);
        await one.renewLease(60_000);
        expect((await one.reconcile(room, () => [seat], known)).seats).toEqual([seat]);
        await expect(two.sweep(node, 0)).resolves.toBe(0);
      });
    });

    test('touching is silent, and takes many at once', async () => {
      const [one, rooms] = [await open(), Array.from({ length: 30 }, freshRoom)];
      const seats: SeatRecord[] = [];
      for (const room of rooms)
        for (const peer of ['a', 'b']) seats.push(await enter(one, claim(room, peer)));
      const before = await Promise.all(rooms.map((room) => one.view(room)));
      await one.touch(seats);
      await one.touch([]);
      await expect(Promise.all(rooms.map((room) => one.view(room)))).resolves.toEqual(before);
    });
  });
}
