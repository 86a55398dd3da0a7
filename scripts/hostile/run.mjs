/** `npm run hostile`: what hostile frames do to a server and to its other peers. `--help` explains. */
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { dialects } from './frames.mjs';
import { siege } from './siege.mjs';

const help = `npm run hostile -- [options]

One peer sends 10,000 hostile frames (bad JSON, 500 levels of nesting, wrong types, prototype keys, 2 MB) as fast as it
can, and comes again whenever its socket is closed; two others exchange candidates through the same server meanwhile.
Once for each dialect, on a server of its own. The exit code is 1 when a frame got no error before its socket was
closed, when the server closed otherwise than 4400 or 1009, when a message of the pair was lost, or a handler threw; it
never depends on time or memory. Run \`npm run build\` first.

  --dialect A,B      ${dialects.join(',')}
  --frames N         10000
  --big-every N      each so many frames one is of 2 MB (50)
  --per-second N     so many frames a second, in volleys of 32; 0: as fast as it can (0)
  --warm-up N        frames of the same before it is measured (2000)
  --quiet-ms N       how long the pair is measured before (5000)
  --every-ms N       how often the pair exchanges a message (4)
  --dist FOLDER      another build
  --json FILE        write the figures there too
  --help             this text
`;

const mib = (bytes) => (bytes / 1_048_576).toFixed(1);
const ms = (value) => value.toFixed(2);
const listed = (counts) =>
  Object.entries(counts)
    .map(([name, count]) => `${name}: ${count}`)
    .join(', ');

/** @type {[head: string, cell: (row: Awaited<ReturnType<typeof siege>>) => string][]} */
const columns = [
  ['hostile peer', ({ dialect }) => dialect],
  ['frames', ({ sent }) => sent.toLocaleString('en')],
  ['errors', ({ errors }) => errors.toLocaleString('en')],
  ['unanswered', ({ unanswered }) => String(unanswered)],
  ['closes', ({ closes }) => listed(closes)],
  ['a second', ({ sent, tookMs }) => Math.round((sent / tookMs) * 1000).toLocaleString('en')],
  ['RSS MiB', ({ rssBeforeBytes }) => mib(rssBeforeBytes)],
  ['most', ({ rssMostBytes, rssBeforeBytes }) => `+${mib(Math.max(0, rssMostBytes - rssBeforeBytes))}`],
  ['p50 ms', ({ before }) => ms(before.p50Ms)],
  ['during', ({ during }) => ms(during.p50Ms)],
  ['p99 ms', ({ before }) => ms(before.p99Ms)],
  ['during', ({ during }) => ms(during.p99Ms)],
  ['most', ({ during }) => ms(during.mostMs)],
  ['of', ({ during }) => String(during.count)],
  ['lost', ({ lost }) => String(lost)],
];

/** What the issue asks for. */
const maxRssBytes = 6 * 1_048_576;
const maxLaterMs = 1;

function printRows(rows) {
  const cells = [columns.map(([head]) => head), ...rows.map((row) => columns.map(([, cell]) => cell(row)))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  for (const row of cells) {
    process.stdout.write(`${row.map((cell, at) => cell.padStart(widths[at])).join('  ')}\n`);
  }
}

/** Sentences about what is not as it must be; `hard` ones are no matter of time or memory. */
function complaints({ dialect, before, during, rssBeforeBytes, rssMostBytes, ...row }) {
  const hard = [];
  const soft = [];
  if (row.unanswered !== 0) hard.push(`${row.unanswered} frames got no error`);
  const codes = Object.keys(row.closes).filter((code) => code !== '4400' && code !== '1009');
  if (codes.length > 0) hard.push(`closed ${codes.join(', ')}`);
  if (row.lost > 0) hard.push(`${row.lost} messages of the pair were lost`);
  if (row.faults.length > 0) hard.push(`the pair: ${row.faults.join('; ')}`);
  if (row.surprises.length > 0) hard.push(`the hostile peer was told ${row.surprises.join('; ')}`);
  if (row.handlerFailures !== 0) hard.push(`${row.handlerFailures} handlers threw`);
  if (rssMostBytes - rssBeforeBytes > maxRssBytes) soft.push(`more than ${mib(maxRssBytes)} MiB up`);
  if (during.p99Ms - before.p99Ms > maxLaterMs) soft.push(`p99 more than ${maxLaterMs} ms later`);
  for (const text of [...hard, ...soft]) process.stdout.write(`over the target: ${dialect}, ${text}\n`);
  return hard;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      dialect: { type: 'string', default: dialects.join(',') },
      frames: { type: 'string', default: '10000' },
      'big-every': { type: 'string', default: '50' },
      'per-second': { type: 'string', default: '0' },
      'warm-up': { type: 'string', default: '2000' },
      'quiet-ms': { type: 'string', default: '5000' },
      'every-ms': { type: 'string', default: '4' },
      dist: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const wanted = values.dialect.split(',');
  const unknown = wanted.find((name) => !dialects.includes(name));
  if (unknown !== undefined) throw new Error(`--dialect ${unknown}: there are ${dialects.join(', ')}`);
  const whole = (name, least) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least) return value;
    throw new Error(`--${name} must be a whole number from ${least}, not "${values[name]}"`);
  };
  return {
    ...values,
    wanted,
    terms: {
      frames: whole('frames', 1),
      bigEvery: whole('big-every', 2),
      perSecond: whole('per-second', 0),
      warmUpFrames: whole('warm-up', 0),
      quietMs: whole('quiet-ms', 1),
      everyMs: whole('every-ms', 1),
      ...(values.dist === undefined ? {} : { dist: values.dist }),
    },
  };
}

async function main() {
  const { help: isHelpWanted, wanted, terms, json } = readOptions();
  if (isHelpWanted) {
    process.stdout.write(help);
    return;
  }
  if (terms.dist === undefined && !existsSync(fileURLToPath(new URL('../../dist/app.js', import.meta.url)))) {
    throw new Error('dist/app.js is missing: run `npm run build` first');
  }
  const rows = [];
  for (const dialect of wanted) rows.push(await siege(dialect, terms));
  printRows(rows);
  if (rows.flatMap(complaints).length > 0) process.exitCode = 1;
  if (json !== undefined)
    writeFileSync(json, `${JSON.stringify({ node: process.version, rows }, null, 2)}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`hostile: ${error.message}\n`);
  process.exitCode = 1;
}
