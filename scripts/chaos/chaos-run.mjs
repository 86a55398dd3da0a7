/** One seeded run, from the first process to the verdict. */
import { at as clockTime, evidence } from './evidence.mjs';
import { describeKeys } from './key-census.mjs';
import { Mayhem } from './mayhem.mjs';
import { allFaults, makePlan } from './plan.mjs';
import { Random } from './random.mjs';
import { Scene } from './scene.mjs';
import { pause } from './timing.mjs';
import { judge, whatIsUnsettled } from './verdict.mjs';

const pairsPerRoom = 2;
/** After everything is settled: what comes late and should not is still seen. */
const quietMs = 1_500;

/**
 * @typedef {object} ChaosOptions
 * @property {number} seed
 * @property {number} seconds of faults; settling comes on top
 * @property {number} nodes
 * @property {boolean} redis
 * @property {number} pairs even
 * @property {number} rate messages a second, each way of each pair
 * @property {string[]} [faults] only these of `allFaults`
 * @property {number} settleSeconds how long settling may take
 */

/** The faults that make sense there: without Redis, what a node knew is gone with it. */
function possibleFaults({ redis, nodes, faults = allFaults }) {
  if (redis && nodes > 1) return faults;
  return faults.filter((kind) => kind === 'node-pause' || (redis && kind.startsWith('redis')));
}

export function planFor(options) {
  const rooms = Math.ceil(options.pairs / pairsPerRoom);
  return makePlan({ ...options, rooms, clients: rooms * pairsPerRoom * 2, faults: possibleFaults(options) });
}

/** @param {ChaosOptions & import('./scene.mjs').SceneOptions} options */
export async function chaosRun(options) {
  const plan = planFor(options);
  const scene = new Scene({ ...options, label: `seed${options.seed}-` });
  try {
    await scene.start();
    const startedAtMs = performance.now();
    const { rooms, residents } = await seat(scene, options);
    const mayhem = new Mayhem(scene, rooms, residents);
    await mayhem.run(plan);
    scene.traffic.stop();
    const settleStartMs = performance.now();
    const isSettled = await scene.settle(options.settleSeconds * 1000);
    const settledMs = performance.now() - settleStartMs;
    await pause(quietMs);
    const counts = judge(scene.ledger);
    const story = tell(scene, mayhem, startedAtMs);
    const cases = evidence(scene.ledger);
    const unsettled = whatIsUnsettled(scene.ledger);
    await goHome(scene);
    const keys = scene.redis === undefined ? [] : await describeKeys(scene);
    return { seed: options.seed, counts, isSettled, cases, unsettled, settledMs, keys, ...story };
  } finally {
    await scene.close();
  }
}

/** Two pairs to a room, each client on a node of the seed's choice. */
async function seat(scene, { seed, nodes, pairs }) {
  const random = new Random(seed + 0x5eed);
  const rooms = [];
  const residents = [];
  for (let pair = 0; pair < Math.ceil(pairs / pairsPerRoom) * pairsPerRoom; pair += 1) {
    if (pair % pairsPerRoom === 0) rooms.push(await scene.openRoom());
    const names = [`a${pair}`, `b${pair}`];
    const [a, b] = await Promise.all(
      names.map((name) => scene.join(name, rooms.at(-1), random.whole(0, nodes - 1))),
    );
    residents.push(a, b);
    scene.traffic.between(a, b);
  }
  return { rooms, residents };
}

/** Everybody leaves, so that nothing but what is documented may be left in Redis. */
async function goHome(scene) {
  await Promise.all(scene.clients.filter(({ end }) => end === undefined).map((client) => client.leave()));
  await pause(500);
}

function tell({ ledger, nodes, clients }, mayhem, startedAtMs) {
  const add = (pick) => {
    const sum = {};
    for (const client of clients) {
      for (const [name, count] of Object.entries(pick(client))) sum[name] = (sum[name] ?? 0) + count;
    }
    return sum;
  };
  const at = (ms) => Number(((ms - startedAtMs) / 1000).toFixed(2));
  return {
    startedAt: clockTime(startedAtMs),
    clients: clients.length,
    resumes: clients.reduce((sum, { stats }) => sum + stats.resumes, 0),
    repeatsOnTheWire: clients.reduce((sum, { inbox }) => sum + inbox.repeats, 0),
    sentAgain: add(({ outgoing }) => ({ n: outgoing.stats.repeated })).n,
    acceptedBehindRefused: add(({ outgoing }) => ({ n: outgoing.stats.acceptedBehind })).n,
    errors: add(({ stats }) => stats.errors),
    refusedJoins: add(({ stats }) => stats.refusedJoins),
    closes: add(({ stats }) => stats.closes),
    guestsRefused: mayhem.guestsRefused,
    crashes: nodes.reduce((sum, { crashes }) => sum + crashes, 0),
    freshStarts: ledger.freshStarts.map(({ name, atMs }) => ({ name, at: at(atMs) })),
    events: mayhem.events.map(({ fromMs, toMs, ...event }) => ({ ...event, from: at(fromMs), to: at(toMs) })),
  };
}
