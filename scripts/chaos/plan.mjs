/** What will happen in a run: a pure function of the seed. */
import { Random } from './random.mjs';

/** Faults of nodes and of Redis come one after the other; `forMs` and `takesMs` are least and most. */
const heavyFaults = {
  /** SIGKILL, with a guest on it that does not come back; started again after that time. */
  'node-kill': { forMs: [200, 1500], takesMs: 1500 },
  /** SIGSTOP, SIGCONT. Longer than 2.5 s is longer than clients take silence for life. */
  'node-pause': { forMs: [300, 3500], takesMs: 0 },
  /** SIGTERM; started again when it has ended. */
  'node-drain': { forMs: [0, 500], takesMs: 3000 },
  /** SIGKILL; back, empty, after that time. */
  'redis-kill': { forMs: [500, 2000], takesMs: 200 },
  'redis-pause': { forMs: [1000, 3000], takesMs: 0 },
};

/** How long the system has to heal before the next one: two at once may cost a session, one must not. */
const healMs = [2500, 4000];
const cutEveryMs = 4000;
const guestEveryMs = 1200;

export const allFaults = Object.keys(heavyFaults);

/**
 * @typedef {{ kind: string, node: number, room: number, forMs: number, thenMs: number }} HeavyFault
 * @typedef {{ atMs: number, client: number, kind: 'cut' | 'freeze', backMs: number, stays: boolean }} Cut
 * @typedef {{ atMs: number, forMs: number, room: number, node: number, partner: number, end: 'leave' | 'vanish' }} Guest
 *
 * @param {{ seed: number, seconds: number, nodes: number, rooms: number, clients: number, faults: string[] }} options
 *   `clients`: in all rooms together; `partner` is one of those of its room
 * @returns {{ heavy: HeavyFault[], cuts: Cut[], guests: Guest[] }}
 */
export function makePlan({ seed, seconds, nodes, rooms, clients, faults }) {
  const random = new Random(seed);
  const wholeMs = seconds * 1000;
  return {
    heavy: planHeavy(random, wholeMs, nodes, rooms, faults),
    cuts: spread(random, wholeMs, cutEveryMs / clients, (atMs) => ({
      atMs,
      client: random.whole(0, clients - 1),
      kind: random.next() < 0.2 ? 'freeze' : 'cut',
      backMs: random.next() < 0.5 ? 0 : random.whole(0, 1500),
      stays: random.next() < 0.3,
    })),
    guests: spread(random, wholeMs * 0.6, guestEveryMs, (atMs) => ({
      atMs,
      forMs: random.whole(500, 3000),
      room: random.whole(0, rooms - 1),
      node: random.whole(0, nodes - 1),
      partner: random.whole(0, clients / rooms - 1),
      end: random.next() < 0.5 ? 'leave' : 'vanish',
    })),
  };
}

/** Each kind once before any comes again, in an order of the seed's. */
function planHeavy(random, wholeMs, nodes, rooms, faults) {
  const heavy = [];
  let atMs = 0;
  for (;;) {
    for (const kind of random.shuffle(faults)) {
      const { forMs, takesMs } = heavyFaults[kind];
      const fault = { kind, node: random.whole(0, nodes - 1), room: random.whole(0, rooms - 1) };
      heavy.push({ ...fault, forMs: random.whole(...forMs), thenMs: random.whole(...healMs) });
      atMs += heavy.at(-1).forMs + takesMs + heavy.at(-1).thenMs;
      if (atMs > wholeMs) return heavy;
    }
    if (faults.length === 0) return heavy;
  }
}

/** Events at random distances of `everyMs` on average. */
function spread(random, wholeMs, everyMs, make) {
  const events = [];
  for (let atMs = 500; ;) {
    atMs += random.next() * 2 * everyMs;
    if (atMs >= wholeMs) return events;
    events.push(make(Math.round(atMs)));
  }
}
