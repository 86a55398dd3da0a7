/** `npm run chaos`: full sessions on several nodes while a seeded script breaks things. `--help` explains. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { chaosRun, planFor } from './chaos-run.mjs';
import { allFaults } from './plan.mjs';
import { endChildrenWithUs } from './program.mjs';
import { traceTo } from './trace.mjs';
import { printRuns } from './report.mjs';
import { faultCounts } from './verdict.mjs';

const help = `npm run chaos -- [options]

Pairs of full sessions exchange numbered messages over several nodes and one Redis while a script, which depends on
nothing but the seed, cuts sockets, leaves some half-open, kills, pauses and drains nodes, and kills and pauses
Redis. Guests come and go for good meanwhile. In the end every client's view is compared with the truth, and what is
left in Redis is listed. The exit code is 1 when a message between sessions that survived was lost, seen twice or out of
order, a leave was not told exactly once, a roster is wrong, a session did not survive, or a key has no end.
It never depends on time. Run \`npm run build\` first.

  --seed A,B,…      a run for each (1)
  --seconds N       of faults in each run; settling comes on top (60)
  --at-once N       runs at the same time, each with its own nodes and Redis (1)
  --nodes N         (3)
  --pairs N         (8)
  --rate N          messages a second, each way of each pair (20)
  --faults A,B,…    only these of ${allFaults.join(', ')}; or none
  --no-redis        without; faults that make no sense then are left out
  --settle N        seconds that settling may take (40)
  --grace-ms N      GRACE_MS of the nodes (5000)
  --entry FILE      the server's main module (dist/main.js)
  --logs FOLDER     the nodes' logs go there
  --trace FOLDER    every client's frames go there, without what is in them; for one seed
  --json FILE       write the results there too
  --plan            print what would happen, and do nothing
  --help            this text
`;

function readOptions() {
  const text = (value) => ({ type: 'string', ...(value === undefined ? {} : { default: value }) });
  const { values } = parseArgs({
    options: {
      seed: text('1'),
      seconds: text('60'),
      'at-once': text('1'),
      nodes: text('3'),
      pairs: text('8'),
      rate: text('20'),
      faults: text(),
      'no-redis': { type: 'boolean', default: false },
      settle: text('40'),
      'grace-ms': text('5000'),
      entry: text(fileURLToPath(new URL('../../dist/main.js', import.meta.url))),
      logs: text(),
      trace: text(),
      json: text(),
      plan: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const number = (name, value = values[name]) => {
    if (/^\d{1,9}$/.test(value) && Number(value) > 0) return Number(value);
    throw new Error(`--${name} must be a whole number above 0, not "${value}"`);
  };
  const faults = values.faults?.split(',').filter((kind) => kind !== 'none' && kind !== '');
  const unknown = faults?.find((kind) => !allFaults.includes(kind));
  if (unknown !== undefined) throw new Error(`--faults: there is no ${unknown}`);
  return {
    ...values,
    seeds: values.seed.split(',').map((seed) => number('seed', seed)),
    atOnce: number('at-once'),
    run: {
      seconds: number('seconds'),
      nodes: number('nodes'),
      pairs: number('pairs'),
      rate: number('rate'),
      settleSeconds: number('settle'),
      redis: !values['no-redis'],
      entry: path.resolve(values.entry),
      ...(faults === undefined ? {} : { faults }),
      ...(values.logs === undefined ? {} : { logs: path.resolve(values.logs) }),
      env: { GRACE_MS: String(number('grace-ms')) },
    },
  };
}

/** Runs all seeds, so many at once. */
async function runAll(seeds, atOnce, run) {
  const waiting = [...seeds];
  const results = [];
  const work = async () => {
    for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
      process.stderr.write(`seed ${seed} …\n`);
      results.push(await chaosRun({ ...run, seed }));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, seeds.length) }, work));
  return results.sort((a, b) => a.seed - b.seed);
}

function isGood({ counts, isSettled, keys, crashes }) {
  const wrong = faultCounts.reduce((sum, name) => sum + counts[name], counts.freshStarts + crashes);
  return isSettled && wrong === 0 && !keys.some(({ isBad }) => isBad);
}

async function main() {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  if (options.plan) {
    for (const seed of options.seeds) {
      process.stdout.write(`${JSON.stringify(planFor({ ...options.run, seed }), null, 1)}\n`);
    }
    return;
  }
  if (!existsSync(options.run.entry)) {
    throw new Error(`${options.run.entry} is missing: run \`npm run build\` first`);
  }
  endChildrenWithUs();
  if (options.trace !== undefined) traceTo(path.resolve(options.trace));
  const results = await runAll(options.seeds, options.atOnce, options.run);
  printRuns(results);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
  process.exitCode = results.every(isGood) ? 0 : 1;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`chaos: ${error.stack}\n`);
  process.exitCode = 1;
}
// A socket that still waits for its answer must not keep us.
process.exit();
