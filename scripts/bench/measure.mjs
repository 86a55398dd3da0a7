import { compare } from './compare.mjs';
import { RelayLoad } from './relay.mjs';
import { quantile } from './stats.mjs';

const warmUpMs = 1500;

/** Prepares a load on every server, warms it up, compares, and adds what the loads have seen. */
export async function measure(name, servers, rounds, prepare, phase) {
  process.stderr.write(`${name} …\n`);
  const loads = [];
  for (const server of servers) loads.push(await prepare(server));
  for (const load of loads) {
    const warm = performance.now() + warmUpMs;
    while (performance.now() < warm) await phase(load);
    load.latenciesMs = [];
  }
  const entries = await compare(servers, rounds, (index) => phase(loads[index]));
  for (const load of loads) await load.finish?.();
  for (const load of loads) load.close?.();
  return entries.map((entry, index) => ({
    workload: name,
    ...entry,
    p50Ms: quantile(loads[index].latenciesMs, 0.5),
    p99Ms: quantile(loads[index].latenciesMs, 0.99),
    lost: loads[index].lost,
    reordered: loads[index].reordered,
    receiptFaults: loads[index].receiptFaults ?? 0,
  }));
}

/** @returns {boolean} every message came once, unchanged and in its turn, and so did every receipt */
export function isSound({ lost, reordered, receiptFaults }) {
  return lost === 0 && reordered === 0 && receiptFaults === 0;
}

/**
 * Pairs of peers, with so many messages under way in each.
 * @param {{ rounds: number, phaseMs: number, pairs: number, inFlight: number[] }} options
 * @param {string} [key] the field of each message that has its number
 */
export async function measureRelays(servers, { rounds, phaseMs, pairs, inFlight }, key) {
  const prepare = (server) => RelayLoad.prepare(server, pairs, key);
  const results = [];
  for (const count of inFlight) {
    const phase = (load) => load.saturate(phaseMs, count);
    results.push(...(await measure(`relay, ${count} in flight`, servers, rounds, prepare, phase)));
  }
  return results;
}
