/** `npm run chaos:chat`: people who chat while nodes, Redis and the Chat Service are killed. `--help` explains. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { chatRun } from './chat-run.mjs';
import { chatFaults } from './chat-verdict.mjs';
import { endChildrenWithUs } from './program.mjs';
import { table } from './report.mjs';

const help = `npm run chaos:chat -- [options]

Full sessions chat in two rooms over several nodes and one Redis, beside a steady relay of offers, while a script that depends
on nothing but the seed cuts sockets, kills, pauses and drains nodes, kills and pauses Redis (which comes back empty), and makes
the Chat Service refuse or hang for a while. In the end the history is read from each node and compared with what was answered, and
with what each client heard. The exit code is 1 when a message that was answered is missing there or there twice, when
a client whose session lasted missed one or saw one twice, or when nodes tell another history. It never depends on time. Run \`npm run build\`
first.

  --seed A,B,…      a run for each (1)
  --seconds N       of faults in each run; settling comes on top (60)
  --nodes N         (3)
  --clients N       (8)
  --rate N          chat messages a second of each client (5)
  --logs FOLDER     the nodes' logs go there
  --entry FILE      the server's main module (dist/main.js)
  --json FILE       write the results there too
  --help            this text
`;

function readOptions() {
  const text = (value) => ({ type: 'string', ...(value === undefined ? {} : { default: value }) });
  const { values } = parseArgs({
    options: {
      seed: text('1'),
      seconds: text('60'),
      nodes: text('3'),
      clients: text('8'),
      rate: text('5'),
      logs: text(),
      entry: text(fileURLToPath(new URL('../../dist/main.js', import.meta.url))),
      json: text(),
      help: { type: 'boolean', default: false },
    },
  });
  const number = (name, value = values[name]) => {
    if (/^\d{1,9}$/.test(value) && Number(value) > 0) return Number(value);
    throw new Error(`--${name} must be a whole number above 0, not "${value}"`);
  };
  return {
    ...values,
    seeds: values.seed.split(',').map((seed) => number('seed', seed)),
    run: {
      seconds: number('seconds'),
      nodes: number('nodes'),
      clients: number('clients'),
      rate: number('rate'),
      entry: path.resolve(values.entry),
      ...(values.logs === undefined ? {} : { logs: path.resolve(values.logs) }),
    },
  };
}

function print(results) {
  const names = ['said', 'answered', 'kept', 'saidAgain', 'late', ...chatFaults];
  const rows = results.map(({ seed, counts }) => [
    String(seed),
    ...names.map((name) => String(counts[name])),
  ]);
  process.stdout.write(`\n${table([['seed', ...names], ...rows])}\n`);
  for (const { seed, cases, events, crashes, repeats, resumes, freshStarts } of results) {
    const shown = events
      .map(({ kind, from, to }) => `${kind} ${from.toFixed(1)}-${to.toFixed(1)} s`)
      .join(', ');
    process.stdout.write(`seed ${seed}: ${shown}\n`);
    process.stdout.write(
      `  resumed ${resumes}, begun afresh ${freshStarts}, posted again ${repeats}, nodes that ended by themselves ${crashes}\n`,
    );
    for (const text of cases) process.stdout.write(`  ${text}\n`);
  }
}

function isGood({ counts, crashes }) {
  return chatFaults.every((fault) => counts[fault] === 0) && crashes === 0 && counts.answered > 0;
}

async function main() {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  if (!existsSync(options.run.entry))
    throw new Error(`${options.run.entry} is missing: run \`npm run build\` first`);
  endChildrenWithUs();
  const results = [];
  for (const seed of options.seeds) {
    process.stderr.write(`seed ${seed} …\n`);
    results.push(await chatRun({ ...options.run, seed }));
  }
  print(results);
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
