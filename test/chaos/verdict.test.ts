/** A harness that cannot find a fault proves nothing: every kind of fault is put before it here. */
import { beforeEach, expect, test } from '@jest/globals';

interface Client {
  readonly name: string;
  readonly roomId: string;
  end: string | undefined;
  epoch: number;
  /** Attempts that it gave up, of which the server may have made a session all the same. */
  abandoned: number;
  isIn: boolean;
  readonly outgoing: { pending: number };
  readonly roster: { readonly peers: Set<string> };
  send(): void;
}

interface Ledger {
  add(client: Client): void;
  send(client: Client, type: string, to: string): void;
  heard(client: Client, frame: { readonly sender: string; readonly n: number }): void;
  joined(client: Client, subject: string): void;
  left(client: Client, subject: string, how: string): void;
  strayLeave(client: Client, subject: string): void;
  began(client: Client, resumed: boolean): void;
  ending(client: Client): void;
}

interface Modules {
  readonly Ledger: new () => Ledger;
  readonly judge: (ledger: Ledger) => Record<string, number>;
  readonly makePlan: (options: object) => {
    readonly heavy: readonly unknown[];
    readonly cuts: readonly unknown[];
  };
}

async function load(): Promise<Modules> {
  const files = ['ledger', 'verdict', 'plan'].map((name) => fileOf(name));
  const modules: unknown[] = await Promise.all(files.map((file) => import(file) as Promise<unknown>));
  return Object.assign({}, ...modules) as Modules;
}

const fileOf = (name: string): string => new URL(`../../scripts/chaos/${name}.mjs`, import.meta.url).href;
const { Ledger, judge, makePlan } = await load();

function client(name: string, peers: string[]): Client {
  return {
    name,
    roomId: 'r',
    end: undefined,
    epoch: 1,
    abandoned: 0,
    isIn: true,
    outgoing: { pending: 0 },
    roster: { peers: new Set(peers) },
    send: () => undefined,
  };
}

let ledger: Ledger;
let anna: Client;
let bert: Client;

beforeEach(() => {
  ledger = new Ledger();
  anna = client('anna', ['bert']);
  bert = client('bert', ['anna']);
  for (const one of [anna, bert]) ledger.add(one);
  for (let n = 0; n < 3; n += 1) ledger.send(anna, 'offer', 'bert');
});

function hear(...numbers: number[]): void {
  for (const n of numbers) ledger.heard(bert, { sender: 'anna', n });
}

test('all is well when each message was seen once and in order', () => {
  hear(0, 1, 2);
  expect(judge(ledger)).toMatchObject({ sent: 3, delivered: 3, lost: 0, duplicated: 0, outOfOrder: 0 });
});

test('a message that was not seen is lost', () => {
  hear(0, 2);
  expect(judge(ledger)).toMatchObject({ delivered: 2, lost: 1, outOfOrder: 0 });
});

test('a message that was seen again is duplicated', () => {
  hear(0, 1, 1, 2, 0);
  expect(judge(ledger)).toMatchObject({ delivered: 3, duplicated: 2, outOfOrder: 0 });
});

test('a message that was overtaken is out of order', () => {
  hear(0, 2, 1);
  expect(judge(ledger)).toMatchObject({ delivered: 3, lost: 0, outOfOrder: 1 });
});

test('messages of a session that did not survive are counted apart', () => {
  hear(0);
  bert.epoch = 2;
  ledger.began(bert, false);
  expect(judge(ledger)).toMatchObject({ sent: 0, lost: 0, excluded: 3, freshStarts: 1 });
});

test('who is in a roster and not there is a ghost, who is there and in no roster is missing', () => {
  anna.roster.peers.add('carl');
  bert.roster.peers.clear();
  expect(judge(ledger)).toMatchObject({ ghosts: 1, missing: 1 });
});

test('a leave that was told although the session went on is false', () => {
  ledger.joined(anna, 'bert');
  ledger.left(anna, 'bert', 'told');
  expect(judge(ledger)).toMatchObject({ falseLeaves: 1, doubleLeaves: 0 });
});

test('a leave that came before its reason is false, and the one after it is right', () => {
  ledger.left(anna, 'bert', 'told');
  ledger.ending(bert);
  bert.end = 'left';
  ledger.left(anna, 'bert', 'told');
  expect(judge(ledger)).toMatchObject({ leaves: 1, falseLeaves: 1, doubleLeaves: 0, missedLeaves: 0 });
});

test('a leave must be told once: twice is double, never is missed', () => {
  ledger.joined(anna, 'bert');
  ledger.ending(bert);
  bert.end = 'left';
  expect(judge(ledger)).toMatchObject({ leaves: 1, missedLeaves: 1, doubleLeaves: 0, ghosts: 1 });
  ledger.left(anna, 'bert', 'told');
  expect(judge(ledger)).toMatchObject({ missedLeaves: 0, doubleLeaves: 0 });
  ledger.strayLeave(anna, 'bert');
  expect(judge(ledger)).toMatchObject({ missedLeaves: 0, doubleLeaves: 1 });
});

test('a leave told again after the peer came again is double', () => {
  ledger.ending(bert);
  bert.end = 'left';
  for (let n = 0; n < 2; n += 1) {
    ledger.joined(anna, 'bert');
    ledger.left(anna, 'bert', 'told');
  }
  expect(judge(ledger)).toMatchObject({ falseLeaves: 0, doubleLeaves: 1 });
});

test.each([
  ['before the last one’s', 1, 1],
  ['with the last one’s, for who was away', 0, 1],
  ['and the client never came in', 0, 0],
])('the end of a session that its client gave up on may be told too: %s', (_when, early, epoch) => {
  Object.assign(bert, { abandoned: 1, epoch });
  for (let n = 0; n < 2; n += 1) {
    if (n === early) {
      ledger.ending(bert);
      bert.end = 'left';
    }
    ledger.joined(anna, 'bert');
    ledger.left(anna, 'bert', 'told');
  }
  expect(judge(ledger)).toMatchObject({ leaves: 1, falseLeaves: 0, doubleLeaves: 0, missedLeaves: 0 });
  ledger.joined(anna, 'bert');
  ledger.left(anna, 'bert', 'told');
  expect(judge(ledger)).toMatchObject({ falseLeaves: 0, doubleLeaves: 1 });
});

test('the faults are a function of the seed', () => {
  const options = { seconds: 30, nodes: 3, rooms: 2, clients: 8, faults: ['node-kill', 'redis-kill'] };
  const plan = makePlan({ ...options, seed: 7 });
  expect(plan.heavy.length).toBeGreaterThan(3);
  expect(plan.cuts.length).toBeGreaterThan(10);
  expect(makePlan({ ...options, seed: 7 })).toEqual(plan);
  expect(makePlan({ ...options, seed: 8 })).not.toEqual(plan);
});
