import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MemoryChatLog, MemoryChatMemory } from '../../src/adapters/memory/memory-chat-log.js';
import { MemoryChatArchive } from '../../src/adapters/memory/memory-chat-archive.js';
import { ChatHistory } from '../../src/core/chat/history.js';
import { ToldRoom } from '../../src/core/chat/told-room.js';
import type { ChatSaid } from '../../src/ports/chat-log.js';
import { asPeerId, asRoomId } from '../../src/protocol/ids.js';
import { FakeClock } from '../support/fake-clock.js';
import { testLogger } from '../support/test-logs.js';

const roomId = asRoomId('room');
const terms = { maxWaiting: 10_000 };

/** A room, a log beside it, and what was told of it. */
function scene(): {
  readonly clock: FakeClock;
  readonly log: MemoryChatLog;
  readonly room: ToldRoom;
  readonly told: number[];
  readonly late: number[];
  readonly say: () => Promise<ChatSaid>;
} {
  const clock = new FakeClock();
  const log = new MemoryChatLog(new MemoryChatMemory(clock));
  const [told, late]: [number[], number[]] = [[], []];
  const room = new ToldRoom(roomId, {
    history: new ChatHistory(log, new MemoryChatArchive(), clock),
    clock,
    logger: testLogger(),
    tell: ({ seq }) => told.push(seq),
    tellLate: ({ seq }) => late.push(seq),
  });
  let count = 0;
  const say = (): Promise<ChatSaid> => {
    count += 1;
    const draft = { roomId, id: `m${count}`, from: asPeerId('anna'), sub: 'anna', content: 'x' };
    return log.append(draft, terms);
  };
  return { clock, log, room, told, late, say };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
}

test('[Q2] news that are lost, late, repeated or without their forerunner are told in order, each once', async () => {
  const step = fc.record({
    /** How often it is heard, and whether with its forerunner. */
    heard: fc.array(fc.record({ isKnown: fc.boolean(), delay: fc.nat(6) }), { maxLength: 3 }),
    isReadNow: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
      const { clock, room, told, late, say } = scene();
      room.begin(0);
      const all: number[] = [];
      const coming = new Map<number, (() => void)[]>();
      for (const [at, { heard, isReadNow }] of steps.entries()) {
        const { message, previous } = await say();
        all.push(message.seq);
        for (const { isKnown, delay } of heard) {
          const due = coming.get(at + delay) ?? [];
          due.push(() => {
            room.hear({ message, previous: isKnown ? previous : undefined });
          });
          coming.set(at + delay, due);
        }
        for (const come of coming.get(at) ?? []) come();
        coming.delete(at);
        if (isReadNow) clock.advance(25);
        if (at % 3 === 0) await settle();
        expect(told).toEqual(all.slice(0, told.length));
      }
      for (const due of coming.values()) for (const come of due) come();
      await room.look();
      clock.advance(25);
      await settle();
      expect(told).toEqual(all);
      expect(late).toEqual([]);
      room.close();
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test('[Q2] what is just behind is waited for, and the log is not asked', async () => {
  const { clock, log, room, told, say } = scene();
  room.begin(0);
  const [first, second, third] = [await say(), await say(), await say()];
  log.cut();
  room.hear(third);
  room.hear(second);
  expect(told).toEqual([]);
  clock.advance(24);
  room.hear(first);
  clock.advance(1_000);
  await settle();
  expect(told).toEqual([first, second, third].map(({ message }) => message.seq));
});

test('[Q2] a log that does not answer is asked again', async () => {
  const { clock, log, room, told, say } = scene();
  room.begin(0);
  const [first, second] = [await say(), await say()];
  log.cut();
  room.hear(second);
  clock.advance(25);
  await settle();
  expect(told).toEqual([]);
  log.mend();
  clock.advance(1_000);
  await settle();
  expect(told).toEqual([first.message.seq, second.message.seq]);
});

test('[Q2] what was heard and is not in the log any more is told all the same', async () => {
  const { clock, log, room, told, late, say } = scene();
  room.begin(0);
  const [first, second, third] = [await say(), await say(), await say()];
  room.hear(first);
  room.hear(third);
  await log.forget(roomId);
  clock.advance(25);
  await settle();
  expect(told).toEqual([first.message.seq, third.message.seq]);
  room.restored([first.message, second.message, third.message]);
  room.restored([second.message]);
  expect(late).toEqual([second.message.seq]);
});

test('[Q11] what was said before it is watched is nobody’s news', async () => {
  const { room, told, late, say } = scene();
  const [first, second, third] = [await say(), await say(), await say()];
  room.hear(third);
  room.hear(first);
  room.begin(second.message.seq);
  expect(told).toEqual([third.message.seq]);
  room.restored([first.message]);
  expect(late).toEqual([]);
});
