import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ChatLog } from '../../src/ports/chat-log.js';
import type { ChatMessage } from '../../src/protocol/chat.js';
import { asPeerId, asRoomId, type RoomId } from '../../src/protocol/ids.js';
import { ChatProbe, draft, freshRoom, oddTexts } from '../support/chat-fixture.js';
import { chatLogModel } from './chat-log-model.js';

export interface ChatLogSetup {
  /** Another node's view of the same memory. */
  readonly node: () => Promise<ChatLog>;
  /** The memory forgets everything. */
  readonly lose: () => Promise<void>;
  readonly stop?: () => Promise<void>;
  /** Of the property test. */
  readonly runs?: number;
}

const terms = { maxWaiting: 1000 };
const END = Number.MAX_SAFE_INTEGER;

/** What every `ChatLog` must do. */
export function chatLogContract(name: string, setup: () => Promise<ChatLogSetup>): void {
  describe(`${name} as a ChatLog`, () => {
    let given: ChatLogSetup;
    let one: ChatProbe;
    let two: ChatProbe;

    beforeAll(async () => {
      given = await setup();
      [one, two] = [new ChatProbe(await given.node()), new ChatProbe(await given.node())];
    });
    afterAll(async () => {
      await given.stop?.();
    });

    const say = async (roomId: RoomId, count: number, maxWaiting = terms.maxWaiting) => {
      const said = [];
      for (let at = 0; at < count; at++) {
        said.push((await one.log.append(draft(roomId, `m${String(at)}`), { maxWaiting })).message);
      }
      return said;
    };

    test('knows nothing of a room in which nothing was said', async () => {
      const roomId = freshRoom();
      await expect(one.log.last(roomId)).resolves.toBe(0);
      await expect(one.log.after(roomId, 0, 10)).resolves.toEqual([]);
      await expect(one.log.before(roomId, END, 10)).resolves.toEqual([]);
      await expect(one.log.waiting(roomId, 10)).resolves.toEqual([]);
      await expect(one.log.forget(roomId)).resolves.toEqual(expect.any(Number));
    });

    test('[Q2] places grow with each message, are about now in microseconds, and name the one before', async () => {
      const roomId = freshRoom();
      const first = await one.log.append(draft(roomId, 'a'), terms);
      const second = await two.log.append(draft(roomId, 'b'), terms);
      expect(first).toMatchObject({ kind: 'said', previous: 0, isRepeat: false, dropped: 0 });
      expect(second).toMatchObject({ previous: first.message.seq, isRepeat: false, dropped: 0 });
      expect(second.message.seq).toBeGreaterThan(first.message.seq);
      expect(Number.isSafeInteger(first.message.seq)).toBe(true);
      expect(Math.abs(first.message.seq / 1000 - Date.now())).toBeLessThan(3_600_000);
      expect(second.message).toEqual({ ...draft(roomId, 'b'), seq: second.message.seq });
      await expect(two.log.last(roomId)).resolves.toBe(second.message.seq);
    });

    test('[Q2] all nodes that watch a room hear all of it in one order, whoever said it', async () => {
      const roomId = freshRoom();
      await Promise.all([one.log.watch(roomId), two.log.watch(roomId)]);
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, at) =>
          (at % 2 === 0 ? one : two).log.append(draft(roomId, `m${String(at)}`), terms),
        ),
      );
      const ours = (probe: ChatProbe): ReturnType<ChatProbe['said']> =>
        probe.said().filter(({ message }) => message.roomId === roomId);
      await Promise.all([one, two].map((probe) => probe.until(() => ours(probe).length === 40)));
      const inOrder = answers
        .map(({ message, previous }) => ({ message, previous }))
        .sort((a, b) => a.message.seq - b.message.seq);
      expect(ours(one)).toEqual(inOrder);
      expect(ours(two)).toEqual(inOrder);
      expect(inOrder.map(({ previous }) => previous)).toEqual([
        0,
        ...inOrder.slice(0, -1).map(({ message }) => message.seq),
      ]);
    });

    test('[Q2] news come of rooms that are watched, and of no other', async () => {
      const [watched, other] = [freshRoom(), freshRoom()];
      const probe = new ChatProbe(await given.node());
      await probe.log.watch(watched);
      await probe.log.watch(other);
      probe.log.unwatch(other);
      probe.log.unwatch(freshRoom());
      await one.log.append(draft(other, 'unheard'), terms);
      await one.log.append(draft(watched, 'heard'), terms);
      await probe.until(() => probe.news.length > 0);
      expect(probe.said().map(({ message }) => message.id)).toEqual(['heard']);
    });

    test('[Q3] the same id of the same sender is one message, as it was said first, whichever node it is sent to', async () => {
      const roomId = freshRoom();
      await one.log.append(draft(roomId, 'before'), terms);
      const first = await one.log.append(draft(roomId, 'a'), terms);
      await one.log.append(draft(roomId, 'later'), terms);
      const again = await two.log.append(draft(roomId, 'a', { content: 'something else' }), terms);
      expect(again).toEqual({ ...first, isRepeat: true });
      await expect(one.log.after(roomId, 0, 10)).resolves.toHaveLength(3);
    });

    test('[Q3] sent at the same time through two nodes it is one message, and heard once', async () => {
      const roomId = freshRoom();
      await one.log.watch(roomId);
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, at) =>
          (at % 2 === 0 ? one : two).log.append(draft(roomId, 'a'), terms),
        ),
      );
      const [said] = await one.log.after(roomId, 0, 10);
      expect(answers.map(({ message }) => message)).toEqual(answers.map(() => said));
      expect(answers.filter(({ isRepeat }) => !isRepeat)).toHaveLength(1);
      const last = await one.log.append(draft(roomId, 'b'), terms);
      expect(last.previous).toBe(said?.seq);
      await one.until(() => one.said().some(({ message }) => message.seq === last.message.seq));
      expect(one.said().filter(({ message }) => message.roomId === roomId)).toHaveLength(2);
    });

    test('[Q3] the same id of another user, of another peer, or in another room is another message', async () => {
      const roomId = freshRoom();
      const drafts = [
        draft(roomId, 'a'),
        draft(roomId, 'a', { sub: 'sub of ben' }),
        draft(roomId, 'a', { from: asPeerId('ben') }),
        draft(freshRoom(), 'a'),
        // Texts that run together the same.
        draft(roomId, 'b', { sub: 'x', from: asPeerId('yz') }),
        draft(roomId, 'b', { sub: 'xy', from: asPeerId('z') }),
      ];
      for (const said of drafts) {
        await expect(one.log.append(said, terms)).resolves.toMatchObject({ isRepeat: false, message: said });
      }
    });

    test('[Q3] an id is known again after its message was archived, and was followed by many', async () => {
      const roomId = freshRoom();
      const [first, ...rest] = await say(roomId, 230);
      if (first === undefined) throw new Error('nothing was said');
      await one.log.archived(
        roomId,
        [first, ...rest].map(({ seq }) => seq),
      );
      await expect(two.log.append(draft(roomId, first.id), terms)).resolves.toMatchObject({
        message: first,
        isRepeat: true,
      });
    });

    test('[Q2] [Q8] what was said after and before a place is read in order and bounds', async () => {
      const roomId = freshRoom();
      const said = await say(roomId, 10);
      const at = (index: number): number => said[index]?.seq ?? 0;
      const { log } = two;
      await expect(log.after(roomId, 0, 100)).resolves.toEqual(said);
      await expect(log.after(roomId, at(3), 3)).resolves.toEqual(said.slice(4, 7));
      await expect(log.after(roomId, at(9), 3)).resolves.toEqual([]);
      await expect(log.before(roomId, END, 100)).resolves.toEqual(said);
      await expect(log.before(roomId, at(6), 3)).resolves.toEqual(said.slice(3, 6));
      await expect(log.before(roomId, at(0), 3)).resolves.toEqual([]);
    });

    test('[Q6] what waits is archived from the oldest on, told, and stays readable', async () => {
      const roomId = freshRoom();
      await two.log.watch(roomId);
      const said = await say(roomId, 5);
      await expect(two.log.waitingRooms(1000)).resolves.toContain(roomId);
      await expect(two.log.waiting(roomId, 2)).resolves.toEqual(said.slice(0, 2));
      const seqs = said.slice(0, 3).map(({ seq }) => seq);
      await two.log.archived(roomId, seqs);
      await two.log.archived(roomId, seqs);
      await two.until(() => two.news.some((news) => news.kind === 'archived' && news.roomId === roomId));
      expect(two.news.find((news) => news.kind === 'archived' && news.roomId === roomId)).toEqual({
        kind: 'archived',
        roomId,
        seqs,
      });
      await expect(one.log.waiting(roomId, 100)).resolves.toEqual(said.slice(3));
      await expect(one.log.after(roomId, 0, 100)).resolves.toEqual(said);
      await one.log.archived(
        roomId,
        said.slice(3).map(({ seq }) => seq),
      );
      await expect(one.log.waiting(roomId, 100)).resolves.toEqual([]);
      await expect(one.log.waitingRooms(1000)).resolves.not.toContain(roomId);
      await expect(one.log.append(draft(roomId, 'next'), terms)).resolves.toMatchObject({
        previous: said.at(-1)?.seq,
      });
      await expect(one.log.waitingRooms(1000)).resolves.toContain(roomId);
    });

    test('[Q6] no more rooms that wait are named than were asked for, and each is named at some time', async () => {
      const rooms = Array.from({ length: 6 }, freshRoom);
      for (const roomId of rooms) await say(roomId, 1);
      const unseen = new Set(rooms);
      // None is stored meanwhile: who stands first must not hide the others for ever.
      while (unseen.size > 0) {
        const some = await one.log.waitingRooms(1000);
        for (const roomId of some) unseen.delete(roomId);
        expect(new Set(some).size).toBe(some.length);
      }
      expect((await one.log.waitingRooms(2)).length).toBeLessThanOrEqual(2);
      for (const roomId of rooms) await one.log.forget(roomId);
    });

    test('[Q2] the latest 200 stay readable when they are archived, and so does all that is not', async () => {
      const roomId = freshRoom();
      const said = await say(roomId, 250);
      await one.log.archived(
        roomId,
        said.slice(20, 240).map(({ seq }) => seq),
      );
      const kept = [...said.slice(0, 20), ...said.slice(50)];
      await expect(one.log.after(roomId, 0, 1000)).resolves.toEqual(kept);
      await expect(one.log.before(roomId, END, 205)).resolves.toEqual(kept.slice(-205));
      await expect(one.log.after(roomId, said[10]?.seq ?? 0, 12)).resolves.toEqual(kept.slice(11, 23));
      await expect(one.log.last(roomId)).resolves.toBe(said.at(-1)?.seq);
    });

    test('[Q7] when too many wait the oldest are dropped, and said how many', async () => {
      const roomId = freshRoom();
      const said = await say(roomId, 3, 3);
      const { message, dropped } = await one.log.append(draft(roomId, 'more'), { maxWaiting: 3 });
      expect(dropped).toBe(1);
      await expect(one.log.waiting(roomId, 100)).resolves.toEqual([...said.slice(1), message]);
      const tighter = await one.log.append(draft(roomId, 'even more'), { maxWaiting: 1 });
      expect(tighter.dropped).toBe(3);
      await expect(one.log.waiting(roomId, 100)).resolves.toEqual([tighter.message]);
      await expect(one.log.after(roomId, 0, 100)).resolves.toEqual([...said, message, tighter.message]);
    });

    test('[Q6] after a loss what a node puts back has its place, waits again, and is told to all that watch', async () => {
      const roomId = freshRoom();
      await two.log.watch(roomId);
      const said = await say(roomId, 5);
      await given.lose();
      await expect(one.log.last(roomId)).resolves.toBe(0);
      const later = await one.log.append(draft(roomId, 'later'), terms);
      expect(later.message.seq).toBeGreaterThan(said.at(-1)?.seq ?? 0);
      await one.log.restore(roomId, said.slice(0, 3), terms);
      await two.log.restore(roomId, said.slice(1), terms);
      await expect(one.log.after(roomId, 0, 100)).resolves.toEqual([...said, later.message]);
      await expect(two.log.waiting(roomId, 100)).resolves.toEqual([...said, later.message]);
      await expect(two.log.waitingRooms(1000)).resolves.toContain(roomId);
      const back = (): unknown[] =>
        two.news.flatMap((news) =>
          news.kind === 'restored' && news.roomId === roomId ? [...news.messages] : [],
        );
      await two.until(() => back().length >= 5);
      // Each once: what it has it does not tell again.
      expect(back()).toEqual(said);
      await expect(one.log.append(draft(roomId, 'm2'), terms)).resolves.toMatchObject({
        isRepeat: true,
        message: said[2],
      });
    });

    test('[Q2] the place of what is said after a loss is above all that was put back', async () => {
      const roomId = freshRoom();
      const far = { ...draft(roomId, 'far'), seq: (Date.now() + 60_000) * 1000 };
      await one.log.restore(roomId, [far], terms);
      const next = await two.log.append(draft(roomId, 'next'), terms);
      expect(next).toMatchObject({ previous: far.seq, message: { seq: far.seq + 1 } });
    });

    test('[Q2] the place of what is said is above what was told, though the clock was ahead when that was said', async () => {
      const roomId = freshRoom();
      const { message } = await one.log.append(draft(roomId, 'told'), terms);
      await given.lose();
      const above = message.seq + 3_600_000_000;
      const { message: next } = await two.log.append(draft(roomId, 'next'), { ...terms, above });
      expect(next.seq).toBe(above + 1);
      await expect(one.log.last(roomId)).resolves.toBe(next.seq);
    });

    test('[Q6] what was archived does not wait again when a node that has not heard of it puts it back', async () => {
      const roomId = freshRoom();
      const said = await say(roomId, 4);
      await one.log.archived(
        roomId,
        said.slice(0, 3).map(({ seq }) => seq),
      );
      await two.log.restore(roomId, said, terms);
      await expect(one.log.waiting(roomId, 100)).resolves.toEqual(said.slice(3));
    });

    test('[Q3] what was said again after a loss, before its first saying was put back, is one message', async () => {
      const roomId = freshRoom();
      const said = await say(roomId, 2);
      await given.lose();
      const again = await one.log.append(draft(roomId, 'm1'), terms);
      expect(again.isRepeat).toBe(false);
      await two.log.restore(roomId, said, terms);
      await expect(one.log.after(roomId, 0, 100)).resolves.toEqual([said[0], again.message]);
    });

    test('[Q3] what is recalled after a loss is known again by its id, and may still be put back', async () => {
      const roomId = freshRoom();
      const [first, second] = (await say(roomId, 2)) as [ChatMessage, ChatMessage];
      await given.lose();
      await one.log.recall(roomId, [first, second]);
      await expect(one.log.after(roomId, 0, 10)).resolves.toEqual([]);
      await expect(two.log.append(draft(roomId, 'm0'), terms)).resolves.toMatchObject({
        message: first,
        isRepeat: true,
      });
      await two.log.restore(roomId, [second], terms);
      await expect(one.log.waiting(roomId, 10)).resolves.toEqual([second]);
      await one.log.recall(roomId, [{ ...second, seq: second.seq + 1 }]);
      await expect(one.log.append(draft(roomId, 'm1'), terms)).resolves.toMatchObject({ message: second });
      await one.log.forget(roomId);
      await one.log.recall(roomId, [first]);
      await expect(one.log.append(draft(roomId, 'm0'), terms)).resolves.toMatchObject({ isRepeat: false });
    });

    test('[Q7] what is put back is bounded too, and comes back whole when it is much', async () => {
      const [room, small] = [freshRoom(), freshRoom()];
      const many = Array.from({ length: 150 }, (_, at) => ({
        ...draft(room, `m${String(at)}`, { content: 'x'.repeat(8000) }),
        seq: Date.now() * 1000 + at,
      }));
      await one.log.restore(room, many, terms);
      await expect(one.log.waiting(room, 1000)).resolves.toEqual(many);
      const others = many.map((message) => ({ ...message, roomId: small }));
      await one.log.restore(small, others, { maxWaiting: 10 });
      await expect(one.log.waiting(small, 1000)).resolves.toEqual(others.slice(-10));
      await one.log.restore(small, [], terms);
    });

    test('[Q11] a room that is forgotten has no messages, and knows no id', async () => {
      const [roomId, other] = [freshRoom(), freshRoom()];
      const said = await say(roomId, 3);
      await say(other, 1);
      await one.log.archived(
        roomId,
        said.slice(0, 1).map(({ seq }) => seq),
      );
      await one.log.watch(roomId);
      const place = await two.log.forget(roomId);
      expect(place).toBeGreaterThanOrEqual(said.at(-1)?.seq ?? 0);
      await one.until(() => one.news.some((news) => news.kind === 'forgotten' && news.roomId === roomId));
      await expect(one.log.after(roomId, 0, 100)).resolves.toEqual([]);
      await expect(one.log.waiting(roomId, 100)).resolves.toEqual([]);
      await expect(one.log.waitingRooms(1000)).resolves.not.toContain(roomId);
      await expect(one.log.after(other, 0, 100)).resolves.toHaveLength(1);
      const anew = await one.log.append(draft(roomId, 'm0'), terms);
      expect(anew).toMatchObject({ isRepeat: false, previous: 0 });
      expect(anew.message.seq).toBeGreaterThan(place);
    });

    test('[Q11] what a node puts back that has not heard of it stays forgotten, also in a room that was made anew', async () => {
      const roomId = freshRoom();
      const said = await say(roomId, 3);
      await two.log.forget(roomId);
      const { message: anew } = await two.log.append(draft(roomId, 'anew'), terms);
      await one.log.restore(roomId, [...said, anew], terms);
      await expect(one.log.after(roomId, 0, 100)).resolves.toEqual([anew]);
      await expect(one.log.waiting(roomId, 100)).resolves.toEqual([anew]);
    });

    test('texts of every kind come back as they were said, in answers, in news and in what is read', async () => {
      const roomId = asRoomId(`{odd} room %7D 🙂 ${freshRoom()}`);
      await two.log.watch(roomId);
      const drafts = [...oddTexts, '🙂'.repeat(8000)].map((text, at) =>
        draft(roomId, `${text.slice(0, 20)} ${String(at)}`, {
          content: text,
          from: asPeerId(`peer ${text.slice(0, 20)}`),
          sub: `sub ${text.slice(0, 20)}`,
        }),
      );
      const said: ChatMessage[] = [];
      for (const each of drafts) said.push((await one.log.append(each, terms)).message);
      expect(said).toEqual(drafts.map((each, at) => ({ ...each, seq: said[at]?.seq })));
      await expect(two.log.after(roomId, 0, 100)).resolves.toEqual(said);
      await expect(two.log.waiting(roomId, 100)).resolves.toEqual(said);
      await expect(two.log.waitingRooms(1000)).resolves.toContain(roomId);
      const heard = (): unknown[] =>
        two.said().flatMap(({ message }) => (message.roomId === roomId ? [message] : []));
      await two.until(() => heard().length === said.length);
      expect(heard()).toEqual(said);
      for (const each of drafts)
        await expect(two.log.append(each, terms)).resolves.toMatchObject({ isRepeat: true });
      await given.lose();
      await one.log.restore(roomId, said, terms);
      await expect(two.log.after(roomId, 0, 100)).resolves.toEqual(said);
    });

    test('[Q2] [Q3] [Q6] [Q7] whatever nodes do, and whenever it is lost, it is as a simple list would be', async () => {
      await chatLogModel([one.log, two.log], given.lose, given.runs ?? 10);
    });
  });
}
