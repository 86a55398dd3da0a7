/** `npm run bench:cluster`: what a message from node to node costs, as a ratio to the naive design. `--help` explains. */
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { isSound, measureRelays } from './measure.mjs';
import { NodePair } from './node-pair.mjs';
import { commonHelp, commonOptions, readCommon } from './options.mjs';
import { pinLoadGenerator } from './server.mjs';
import { printResults } from './table.mjs';

const help = `npm run bench:cluster -- [options]

Measures the CPU time of a message that is relayed from one node to another (node A + node B + Redis) as a ratio to
"naive": a pub/sub channel for each room, one PUBLISH for each message, no checks. Each system has two nodes and a Redis
of its own; of each pair of peers, one is on either node, and each pair has a room of its own. All server processes
run at once on one core, the load generator on another; the load alternates between the systems in short phases
(A B B A), so that what else happens on the machine touches both alike. Ratios can be compared between machines,
microseconds cannot. Each message is numbered: the exit code is 1 when one was lost, changed or overtaken, and never
depends on time. Needs Linux and redis-server. Run \`npm run build\` first.

${commonHelp.trimEnd()}
  --full               peers are full sessions: join_room, an id on each message, receipts and acknowledgements
  --dist FOLDER        our server as built there (dist)
  --server NAME=FILE   measure this module instead of our server; may be repeated. It is given the URL of Redis and
                       calls report() of scripts/bench/report.mjs when it listens
`;

/** Ratios to naive, for parity sessions: what must be reached, and what is aimed at. */
const targets = {
  'relay, 8 in flight': [0.4, 0.25],
  'relay, 1 in flight': [0.65, 0.5],
};
const file = (name) => fileURLToPath(new URL(name, import.meta.url));

function readOptions() {
  const { values } = parseArgs({
    options: {
      ...commonOptions,
      full: { type: 'boolean', default: false },
      dist: { type: 'string', default: file('../../dist') },
    },
  });
  return { ...readCommon(values), isFull: values.full, dist: resolve(values.dist) };
}

function ours(dist) {
  if (!existsSync(join(dist, 'app.js'))) {
    throw new Error('dist/app.js is missing: run `npm run build` first, or name a folder with --dist');
  }
  return { name: 'ours', script: file('serve-ours.mjs'), args: [dist] };
}

async function main() {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  const measured = options.servers.length > 0 ? options.servers : [ours(options.dist)];
  const core = pinLoadGenerator();
  process.stdout.write(
    core === undefined
      ? 'Not pinned: there is no second core or no taskset here. Expect a wider spread.\n'
      : `Nodes and Redis on core ${core}, load generator on another.\n`,
  );
  const systems = [];
  let results;
  try {
    systems.push(await NodePair.start({ name: 'naive', script: file('serve-naive.mjs') }, core, false));
    for (const spec of measured) systems.push(await NodePair.start(spec, core, options.isFull));
    results = await measureRelays(systems, options, options.isFull ? 'id' : 'seq');
  } finally {
    await Promise.all(systems.map((system) => system.stop()));
  }
  printResults(results, 'naive', options.isFull ? {} : targets);
  if (options.json !== undefined) {
    const { version: node } = process;
    writeFileSync(options.json, `${JSON.stringify({ node, full: options.isFull, results }, null, 2)}\n`);
  }
  if (!results.every(isSound)) process.exitCode = 1;
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1)); // the children end with it
try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
}
