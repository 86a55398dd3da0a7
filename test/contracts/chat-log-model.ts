/** A list that is as simple as can be, and a `ChatLog` beside it: both are told the same. */
import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { ChatLog } from '../../src/ports/chat-log.js';
import type { ChatMessage } from '../../src/protocol/chat.js';
import type { RoomId } from '../../src/protocol/ids.js';
import { draft, freshRoom } from '../support/chat-fixture.js';

const MAX_WAITING = 6;
const terms = { maxWaiting: MAX_WAITING };
const END = Number.MAX_SAFE_INTEGER;

class Model {
  /** All that was ever said, also what was lost since. */
  readonly ever: ChatMessage[] = [];
  said: ChatMessage[] = [];
  waiting: ChatMessage[] = [];
  forgottenUpTo = 0;

  known(id: string): ChatMessage | undefined {
    return this.said.find((message) => message.id === id);
  }

  put(message: ChatMessage): number {
    this.said = [...this.said, message].sort((a, b) => a.seq - b.seq);
    this.waiting = [...this.waiting, message].sort((a, b) => a.seq - b.seq);
    return this.waiting.splice(0, Math.max(0, this.waiting.length - MAX_WAITING)).length;
  }
}

const node = fc.constantFrom(0, 1);
const steps = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('say' as const), node, id: fc.integer({ min: 0, max: 30 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('archive' as const),
      node,
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('restore' as const), node, from: fc.nat(20), count: fc.nat(8) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'forget' as const), node }) },
);

type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never;

export async function chatLogModel(
  logs: readonly [ChatLog, ChatLog],
  lose: () => Promise<void>,
  numRuns: number,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 30 }), async (story) => {
      const [roomId, model] = [freshRoom(), new Model()];
      for (const step of story) {
        const log = logs[step.node === 0 ? 0 : 1];
        await carryOut(step, log, { roomId, model, lose });
        await compare(logs[0], roomId, model);
      }
    }),
    { numRuns },
  );
}

interface Scene {
  readonly roomId: RoomId;
  readonly model: Model;
  readonly lose: () => Promise<void>;
}

async function carryOut(step: Step, log: ChatLog, { roomId, model, lose }: Scene): Promise<void> {
  switch (step.do) {
    case 'say': {
      const id = String(step.id);
      const answer = await log.append(draft(roomId, id), terms);
      const first = model.known(id);
      if (first !== undefined) {
        expect(answer).toMatchObject({ message: first, isRepeat: true, dropped: 0 });
        return;
      }
      expect(answer).toMatchObject({ isRepeat: false, previous: model.said.at(-1)?.seq ?? 0 });
      expect(answer.message.seq).toBeGreaterThan(Math.max(0, ...model.ever.map(({ seq }) => seq)));
      expect(answer.dropped).toBe(model.put(answer.message));
      model.ever.push(answer.message);
      return;
    }
    case 'archive': {
      const seqs = model.waiting.splice(0, step.count).map(({ seq }) => seq);
      await log.archived(roomId, seqs);
      return;
    }
    case 'restore': {
      const messages = model.ever.slice(step.from, step.from + step.count);
      for (const message of messages)
        if (message.seq > model.forgottenUpTo && model.known(message.id) === undefined) model.put(message);
      await log.restore(roomId, messages, terms);
      return;
    }
    case 'lose':
    case 'forget':
      if (step.do === 'lose') await lose();
      model.forgottenUpTo = step.do === 'lose' ? 0 : await log.forget(roomId);
      [model.said, model.waiting] = [[], []];
  }
}

async function compare(log: ChatLog, roomId: RoomId, { said, waiting }: Model): Promise<void> {
  expect(await log.after(roomId, 0, 1000)).toEqual(said);
  expect(await log.before(roomId, END, 5)).toEqual(said.slice(-5));
  expect(await log.last(roomId)).toBe(said.at(-1)?.seq ?? 0);
  expect(await log.waiting(roomId, 1000)).toEqual(waiting);
  expect((await log.waitingRooms(10_000)).includes(roomId)).toBe(waiting.length > 0);
}
