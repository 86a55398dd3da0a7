/** `npm run bench`: what a relayed message costs our server, as a ratio to the plainest relay. `--help` explains. */
import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { compare } from './compare.mjs';
import { BroadcastLoad, JoinLoad, measureIdle } from './crowd.mjs';
import { RelayLoad } from './relay.mjs';
import { pinLoadGenerator, Server } from './server.mjs';
import { quantile } from './stats.mjs';

const help = `npm run bench -- [options]

Measures the CPU time of a relayed message as a ratio to "raw", a relay of 30 lines on ws that checks nothing.
Both servers run at once on one core, the load generator on another; the load alternates between them in short
phases (A B B A), so that what else happens on the machine touches both alike. Ratios can be compared between
machines, microseconds cannot. Each message is numbered: the exit code is 1 when one was lost, changed or
overtaken, and never depends on time. Run \`npm run build\` first.

  --rounds N           rounds of four phases for each workload (40)
  --phase-ms N         length of a phase (100)
  --pairs N            pairs of peers that exchange messages (32)
  --in-flight A,B      messages under way in each pair, one workload for each number (8,1)
  --all                also broadcasts to 200 peers, joins, and 5,000 idle peers (3 minutes more)
  --server NAME=FILE   measure this module instead of our server; may be repeated. It calls report() of
                       scripts/bench/report.mjs when it listens
  --json FILE          write the figures there too
  --help               this text
`;

/** Ratios to raw: what must be reached and what is aimed at, both measured with such a generator on two cores. */
const targets = {
  'relay, 8 in flight': [0.65, 0.45],
  'relay, 1 in flight': [1.1, 0.85],
  'broadcast to 200, bursts of 8': [0.4, 0.3],
  'broadcast to 200, single': [1.05, 0.9],
};
const idlePeers = 5000;
const warmUpMs = 1500;
const file = (name) => fileURLToPath(new URL(name, import.meta.url));

function readOptions() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '40' },
      'phase-ms': { type: 'string', default: '100' },
      pairs: { type: 'string', default: '32' },
      'in-flight': { type: 'string', default: '8,1' },
      all: { type: 'boolean', default: false },
      server: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const number = (name, text, most) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw new Error(`--${name} must be a whole number from 1 to ${most}, not "${text}"`);
  };
  const servers = values.server.map((text) => {
    const [, name, script] = /^(\w+)=(.+)$/.exec(text) ?? [];
    if (script === undefined) throw new Error(`--server must be NAME=FILE, not "${text}"`);
    return { name, script: resolve(script) };
  });
  return {
    rounds: number('rounds', values.rounds, 10_000),
    phaseMs: number('phase-ms', values['phase-ms'], 60_000),
    pairs: number('pairs', values.pairs, 5_000),
    inFlight: values['in-flight'].split(',').map((text) => number('in-flight', text, 1_000)),
    all: values.all,
    json: values.json,
    help: values.help,
    servers: servers.length > 0 ? servers : [{ name: 'ours', script: file('serve-ours.mjs') }],
  };
}

/** Prepares a load on every server, warms it up, compares, and adds what the loads have seen. */
async function measure(name, servers, rounds, prepare, phase) {
  process.stderr.write(`${name} …\n`);
  const loads = [];
  for (const server of servers) loads.push(await prepare(server));
  for (const load of loads) {
    const warm = performance.now() + warmUpMs;
    while (performance.now() < warm) await phase(load);
    load.latenciesMs = [];
  }
  const entries = await compare(servers, rounds, (index) => phase(loads[index]));
  for (const load of loads) load.close?.();
  return entries.map((entry, index) => ({
    workload: name,
    ...entry,
    p50Ms: quantile(loads[index].latenciesMs, 0.5),
    p99Ms: quantile(loads[index].latenciesMs, 0.99),
    lost: loads[index].lost,
    reordered: loads[index].reordered,
  }));
}

async function measureRelays(servers, { rounds, phaseMs, pairs, inFlight }) {
  const prepare = (server) => RelayLoad.prepare(server, pairs);
  const results = [];
  for (const count of inFlight) {
    const phase = (load) => load.saturate(phaseMs, count);
    results.push(...(await measure(`relay, ${count} in flight`, servers, rounds, prepare, phase)));
  }
  const paced = (load) => load.pace(phaseMs, 2000);
  results.push(...(await measure('relay, 2,000 a second', servers, Math.ceil(rounds / 2), prepare, paced)));
  return results;
}

async function measureCrowds(servers, { rounds, phaseMs }) {
  const prepare = (server) => BroadcastLoad.prepare(server, 200);
  const bursts = (load) => load.saturate(phaseMs, 8);
  const single = (load) => load.saturate(phaseMs, 1);
  return [
    ...(await measure('broadcast to 200, bursts of 8', servers, rounds, prepare, bursts)),
    ...(await measure('broadcast to 200, single', servers, rounds, prepare, single)),
    ...(await measure(
      'join',
      servers,
      rounds,
      (server) => new JoinLoad(server),
      (load) => load.run(100),
    )),
  ];
}

function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) =>
    row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  for (const row of rows) process.stdout.write(`${line(row).trimEnd()}\n`);
}

function printResults(results) {
  const head = 'workload|server|messages|CPU µs|ratio|quartiles|at most|aim|p50 ms|p99 ms|lost|reordered';
  const rows = results.map((entry) => {
    const [most, aim] = (entry.name === 'raw' ? undefined : targets[entry.workload]) ?? [];
    return [
      entry.workload,
      entry.name,
      entry.messages.toLocaleString('en'),
      entry.cpuUs.toFixed(2),
      entry.ratio.toFixed(3),
      `${entry.ratioLow.toFixed(3)}-${entry.ratioHigh.toFixed(3)}`,
      most?.toFixed(2) ?? '',
      aim?.toFixed(2) ?? '',
      entry.p50Ms.toFixed(3),
      entry.p99Ms.toFixed(3),
      String(entry.lost),
      String(entry.reordered),
    ];
  });
  printTable([head.split('|'), ...rows]);
  for (const { workload, name, ratio } of results) {
    const most = targets[workload]?.[0];
    if (name !== 'raw' && ratio > most)
      process.stdout.write(`over the target: ${name}, ${workload}, ${ratio.toFixed(3)} > ${most}\n`);
  }
}

async function main() {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  const specs = [{ name: 'raw', script: file('serve-raw.mjs') }, ...options.servers];
  if (options.servers[0].script === file('serve-ours.mjs') && !existsSync(file('../../dist/app.js'))) {
    throw new Error('dist/app.js is missing: run `npm run build` first');
  }
  const core = pinLoadGenerator();
  process.stdout.write(
    core === undefined
      ? 'Not pinned: there is no second core or no taskset here. Expect a wider spread.\n'
      : `Servers on core ${core}, load generator on another.\n`,
  );
  const startAll = () => Promise.all(specs.map(({ name, script }) => Server.start(name, script, core)));
  const idle = [];
  let servers = await startAll();
  const results = [];
  try {
    results.push(...(await measureRelays(servers, options)));
    if (options.all) {
      results.push(...(await measureCrowds(servers, options)));
      await Promise.all(servers.map((server) => server.stop()));
      servers = await startAll(); // memory is compared from a fresh start
      for (const server of servers) {
        process.stderr.write(`${idlePeers} idle peers on ${server.name} …\n`);
        idle.push({ name: server.name, ...(await measureIdle(server, idlePeers, 20_000)) });
      }
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  printResults(results);
  for (const { name, kibPerPeer, cpuPercent } of idle) {
    const figures = `${kibPerPeer.toFixed(1)} KiB RSS a peer (aim 5, at most 7), ${cpuPercent.toFixed(2)} % CPU (aim 0.5, at most 0.7)`;
    process.stdout.write(`${idlePeers} idle peers on ${name}: ${figures}\n`);
  }
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ node: process.version, results, idle }, null, 2)}\n`);
  }
  if (results.some(({ lost, reordered }) => lost + reordered > 0)) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
}
