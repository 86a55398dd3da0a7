/** `npm run bench`: what a relayed message costs our server, as a ratio to the plainest relay. `--help` explains. */
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { BroadcastLoad, JoinLoad, measureIdle } from './crowd.mjs';
import { isSound, measure, measureRelays } from './measure.mjs';
import { commonHelp, commonOptions, readCommon } from './options.mjs';
import { RelayLoad } from './relay.mjs';
import { pinLoadGenerator, Server } from './server.mjs';
import { printResults } from './table.mjs';

const help = `npm run bench -- [options]

Measures the CPU time of a relayed message as a ratio to "raw", a relay of 30 lines on ws that checks nothing.
Both servers run at once on one core, the load generator on another; the load alternates between them in short
phases (A B B A), so that what else happens on the machine touches both alike. Ratios can be compared between
machines, microseconds cannot. Each message is numbered: the exit code is 1 when one was lost, changed or
overtaken, and never depends on time. Run \`npm run build\` first.

${commonHelp.trimEnd()}
  --all                also broadcasts to 200 peers, joins, and 5,000 idle peers (3 minutes more)
  --server NAME=FILE   measure this module instead of our server; may be repeated. It calls report() of
                       scripts/bench/report.mjs when it listens
`;

/** Ratios to raw: what must be reached and what is aimed at, both measured with such a generator on two cores. */
const targets = {
  'relay, 8 in flight': [0.65, 0.45],
  'relay, 1 in flight': [1.1, 0.85],
  'broadcast to 200, bursts of 8': [0.4, 0.3],
  'broadcast to 200, single': [1.05, 0.9],
};
const idlePeers = 5000;
const file = (name) => fileURLToPath(new URL(name, import.meta.url));

function readOptions() {
  const { values } = parseArgs({ options: { ...commonOptions, all: { type: 'boolean', default: false } } });
  return { ...readCommon(values), all: values.all };
}

async function measureAllRelays(servers, options) {
  const { rounds, phaseMs, pairs } = options;
  const saturated = await measureRelays(servers, options);
  const prepare = (server) => RelayLoad.prepare(server, pairs);
  const paced = (load) => load.pace(phaseMs, 2000);
  return [
    ...saturated,
    ...(await measure('relay, 2,000 a second', servers, Math.ceil(rounds / 2), prepare, paced)),
  ];
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

async function main() {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  if (options.servers.length === 0 && !existsSync(file('../../dist/app.js'))) {
    throw new Error('dist/app.js is missing: run `npm run build` first');
  }
  const ours = { name: 'ours', script: file('serve-ours.mjs') };
  const measured = options.servers.length > 0 ? options.servers : [ours];
  const specs = [{ name: 'raw', script: file('serve-raw.mjs') }, ...measured];
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
    results.push(...(await measureAllRelays(servers, options)));
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
  printResults(results, 'raw', targets);
  for (const { name, kibPerPeer, cpuPercent } of idle) {
    const figures = `${kibPerPeer.toFixed(1)} KiB RSS a peer (aim 5, at most 7), ${cpuPercent.toFixed(2)} % CPU (aim 0.5, at most 0.7)`;
    process.stdout.write(`${idlePeers} idle peers on ${name}: ${figures}\n`);
  }
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ node: process.version, results, idle }, null, 2)}\n`);
  }
  if (!results.every(isSound)) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
}
