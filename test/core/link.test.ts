/** Two ends of a link over a bus that loses, repeats, delays and refuses. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MemoryCluster } from '../../src/adapters/memory/memory-cluster.js';
import { Link } from '../../src/core/cluster/link.js';
import type { Parcel } from '../../src/core/cluster/parcel.js';
import { PostOffice } from '../../src/core/cluster/post-office.js';
import { createTally, type Logger } from '../../src/ports/runtime.js';
import { readBatch, writeBatch, type Letter } from '../../src/protocol/envelope.js';
import { asNodeId } from '../../src/protocol/ids.js';
import { FakeClock } from '../support/fake-clock.js';

type Fate = 'arrives' | 'is lost' | 'arrives twice' | 'arrives late' | 'is refused' | 'is heard by nobody';
const fates: readonly Fate[] = [
  'arrives',
  'is lost',
  'arrives twice',
  'arrives late',
  'is refused',
  'is heard by nobody',
];

/** The end of a turn of the event loop, and the turns that a link gathers in. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await new Promise(setImmediate);
}

function say(text: string): Letter {
  return { kind: 'signal', head: JSON.stringify([text]), body: Buffer.from(text) };
}

class Wire {
  readonly clock = new FakeClock(0);
  readonly heard: Record<'a' | 'b', string[]> = { a: [], b: [] };
  readonly late: (() => void)[] = [];
  readonly a = this.#end('a', 'b');
  readonly b = this.#end('b', 'a');
  constructor(readonly nextFate: () => Fate) {}

  #end(self: 'a' | 'b', other: 'a' | 'b'): Link {
    return new Link(asNodeId(other), {
      self: asNodeId(self),
      clock: this.clock,
      post: (bytes) => this.#post(other, bytes),
      deliver: ({ body }) => this.heard[self].push(body.toString()),
      onAbsent: () => undefined,
    });
  }

  #post(to: 'a' | 'b', bytes: Buffer): Promise<boolean> {
    const fate = this.nextFate();
    const copy = Buffer.from(bytes);
    const arrive = (): void => {
      const batch = readBatch(copy);
      if (batch === undefined) throw new Error('a batch that cannot be read');
      this[to].receive(batch);
    };
    if (fate === 'is refused') return Promise.reject(new Error('refused'));
    if (fate === 'arrives' || fate === 'arrives twice') setImmediate(arrive);
    if (fate === 'arrives twice') setImmediate(arrive);
    if (fate === 'arrives late') this.late.push(arrive);
    return Promise.resolve(fate !== 'is heard by nobody');
  }

  /** What was late comes now; a second at a time passes until nothing is under way. */
  async settle(): Promise<void> {
    for (let round = 0; round < 60 && !(this.a.isIdle && this.b.isIdle); round += 1) {
      for (const arrive of this.late.splice(0)) arrive();
      await turns();
      this.clock.advance(500);
      await turns();
    }
  }
}

describe('[C12] a link', () => {
  test('carries each letter once and in order, whatever befalls the batches', async () => {
    const step = fc.oneof(
      fc.record({
        from: fc.constantFrom('a' as const, 'b' as const),
        letters: fc.integer({ min: 1, max: 5 }),
      }),
      fc.record({ passMs: fc.integer({ min: 1, max: 600 }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.array(fc.constantFrom(...fates)),
        async (steps, script) => {
          const pending = [...script];
          const wire = new Wire(() => pending.shift() ?? 'arrives');
          const said = { a: [] as string[], b: [] as string[] };
          for (const each of steps) {
            if ('passMs' in each) {
              wire.clock.advance(each.passMs);
              await turns();
              if (each.passMs % 3 === 0) for (const arrive of wire.late.splice(0)) arrive();
              continue;
            }
            for (let n = 0; n < each.letters; n += 1) {
              const text = `${each.from}${String(said[each.from].length)}`;
              said[each.from].push(text);
              wire[each.from].send(say(text));
            }
            if (each.letters % 2 === 0) await turns();
          }
          await wire.settle();
          expect(wire.heard).toEqual({ a: said.b, b: said.a });
          expect([wire.a.isIdle, wire.b.isIdle]).toEqual([true, true]);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('a letter that is void keeps its number and is not delivered; its cargo hears nothing', async () => {
    const wire = new Wire(() => 'arrives');
    const had: string[] = [];
    const send = (text: string): Parcel | undefined =>
      wire.a.send(say(text), { onHad: () => had.push(text) });
    send('one');
    const two = send('two');
    send('three');
    if (two !== undefined) two.isVoid = true;
    await wire.settle();
    expect(wire.heard.b).toEqual(['one', 'three']);
    expect(had).toEqual(['one', 'three']);
  });

  test('what its sender cannot repeat any more is skipped, not waited for', async () => {
    const wire = new Wire(() => 'arrives');
    const header = { origin: asNodeId('a'), isComplaint: false, isQuestion: false, had: 0, sentAtMs: 0 };
    const batch = readBatch(writeBatch({ ...header, first: 7, base: 7 }, [say('seven')]));
    if (batch !== undefined) wire.b.receive(batch);
    await turns();
    expect(wire.heard.b).toEqual(['seven']);
  });

  test('it takes no more when the other node has not had 16 MiB, and any one letter when it is empty', () => {
    const wire = new Wire(() => 'is lost');
    const big: Letter = { kind: 'signal', head: '[]', body: Buffer.alloc(9_000_000) };
    expect(wire.a.send(big)).toBeDefined();
    expect(wire.a.send(big)).toBeUndefined();
    wire.a.close();
    wire.b.close();
  });
});

describe('[C13] a batch', () => {
  test('of another version is counted, told, and nothing else', async () => {
    const cluster = new MemoryCluster(new FakeClock());
    const [here, there] = [asNodeId('here'), asNodeId('there')];
    const told: unknown[] = [];
    const silent = (): void => undefined;
    const logger: Logger = {
      debug: silent,
      info: silent,
      warn: (event, fields) => {
        told.push([event, fields]);
      },
      error: silent,
    };
    const tally = createTally();
    const bus = cluster.bus(here);
    const office = new PostOffice({ bus, clock: new FakeClock(), logger, tally, self: here });
    const letters: Letter[] = [];
    await office.open((_, letter) => letters.push(letter));
    const numbers = { first: 1, base: 1, had: 0, sentAtMs: 1 };
    const header = { origin: there, isComplaint: false, isQuestion: false, ...numbers };
    const batch = Buffer.from(writeBatch(header, [say('one')]));
    const older = Buffer.from(batch);
    older[0] = 1;
    await cluster.bus(there).post(here, older);
    await turns();
    expect([letters.length, tally.letters_malformed]).toEqual([0, 1]);
    expect(told).toEqual([['letters_of_other_version', { version: '1' }]]);
    await cluster.bus(there).post(here, batch);
    await turns();
    expect([letters.length, tally.letters_malformed, told.length]).toEqual([1, 1, 1]);
    office.close();
  });

  test('is read as it was written', () => {
    const letter = fc.record({
      kind: fc.constantFrom('signal' as const, 'ask' as const, 'void' as const),
      head: fc.string({ unit: 'grapheme' }),
      body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    });
    const number = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(
        fc.array(letter),
        number,
        number,
        number,
        fc.boolean(),
        fc.boolean(),
        (letters, first, base, had, isComplaint, isQuestion) => {
          const sentAtMs = first;
          const header = { origin: asNodeId('node-1'), isComplaint, isQuestion, first, base, had, sentAtMs };
          expect(readBatch(writeBatch(header, letters))).toEqual({ ...header, letters });
        },
      ),
    );
  });

  test('anything else is none, and nothing is thrown', () => {
    const whole = writeBatch(
      {
        origin: asNodeId('n'),
        isComplaint: false,
        isQuestion: false,
        first: 1,
        base: 1,
        had: 0,
        sentAtMs: 0,
      },
      [say('x')],
    );
    for (let length = 0; length < whole.length; length += 1) {
      const cut = readBatch(whole.subarray(0, length));
      // Cut between two letters it is a batch with fewer of them.
      expect(cut === undefined || cut.letters.length === 0).toBe(true);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        readBatch(Buffer.from(bytes));
      }),
    );
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const broken = Buffer.from(whole);
        broken[at] = value;
        readBatch(broken);
      }),
    );
  });
});
