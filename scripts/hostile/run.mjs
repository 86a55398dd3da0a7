/** `npm run hostile`: what hostile frames do to a server and to its other peers. `--help` explains. */
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { pinLoadGenerator } from '../bench/server.mjs';
import { dialects } from './frames.mjs';
import { siege } from './siege.mjs';

const help = `npm run hostile -- [options]

One peer sends 10,000 hostile frames (bad JSON, 500 levels of nesting, wrong types, prototype keys, 2 MB) on one socket,
all at once, without waiting for anything; two others exchange candidates through the same server meanwhile. Once for
each dialect, on a server of its own, which has been through the same some times before it is measured: a first time
pays for code that is not compiled and a heap that has not grown. Where there are two cores, the server has one, and the
pair and the hostile peer, which is last in the queue, share the other.

The exit code is 1 when the socket was closed otherwise than 4400 after one error for each of 32 frames, when a message
of the pair was lost, or when a handler threw; it never depends on time or memory. With --again the peer comes back
whenever its socket is closed, each frame must be answered or close its socket, and 2 MB closes 1009.
Run \`npm run build\` first.

  --once             the default
  --again            comes back until all frames are sent
  --dialect A,B      ${dialects.join(',')}
  --frames N         10000
  --big-every N      each so many frames one is of 2 MB; with --once none of the first 32 (50)
  --per-second N     with --again: so many frames a second, in volleys of 32; 0: as fast as it can (0)
  --warm-ups N       the same attack so many times before it is measured (3)
  --settle-ms N      how long the server is left alone then, for V8 to tidy up (16000)
  --quiet-ms N       how long the pair is measured before and after (5000)
  --every-ms N       how often the pair exchanges a message (4)
  --dist FOLDER      another build
  --json FILE        write the figures there too
  --help             this text
`;

const mib = (bytes) => (bytes / 1_048_576).toFixed(1);
const ms = (value) => value.toFixed(2);
const more = (bytes) => `${bytes < 0 ? '' : '+'}${mib(bytes)}`;
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
  ['ms', ({ tookMs }) => Math.round(tookMs).toLocaleString('en')],
  ['RSS MiB', ({ rssBeforeBytes }) => mib(rssBeforeBytes)],
  ['most', ({ rssMostBytes, rssBeforeBytes }) => more(rssMostBytes - rssBeforeBytes)],
  ['after', ({ rssAfterBytes, rssBeforeBytes }) => more(rssAfterBytes - rssBeforeBytes)],
  ['p50 ms', ({ before }) => ms(before.p50Ms)],
  ['during', ({ during }) => ms(during.p50Ms)],
  ['after', ({ after }) => ms(after.p50Ms)],
  ['p99 ms', ({ before }) => ms(before.p99Ms)],
  ['during', ({ during }) => ms(during.p99Ms)],
  ['after', ({ after }) => ms(after.p99Ms)],
  ['both', ({ since }) => ms(since.p99Ms)],
  ['most', ({ since }) => ms(since.mostMs)],
  ['of', ({ before, during, after }) => [before, during, after].map(({ count }) => count).join('+')],
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
function complaints({ dialect, before, since, rssBeforeBytes, rssMostBytes, ...row }, again) {
  const hard = [];
  const soft = [];
  if (row.unanswered !== 0) hard.push(`${row.unanswered} frames got no error`);
  const codes = Object.keys(row.closes).filter((code) => code !== '4400' && !(again && code === '1009'));
  if (codes.length > 0) hard.push(`closed ${codes.join(', ')}`);
  if (row.lost > 0) hard.push(`${row.lost} messages of the pair were lost`);
  if (row.faults.length > 0) hard.push(`the pair: ${row.faults.join('; ')}`);
  if (row.surprises.length > 0) hard.push(`the hostile peer was told ${row.surprises.join('; ')}`);
  if (row.handlerFailures !== 0) hard.push(`${row.handlerFailures} handlers threw`);
  if (rssMostBytes - rssBeforeBytes > maxRssBytes) soft.push(`more than ${mib(maxRssBytes)} MiB up`);
  if (since.p99Ms - before.p99Ms > maxLaterMs) soft.push(`p99 more than ${maxLaterMs} ms later`);
  for (const text of [...hard, ...soft]) process.stdout.write(`over the target: ${dialect}, ${text}\n`);
  return hard;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      dialect: { type: 'string', default: dialects.join(',') },
      frames: { type: 'string', default: '10000' },
      'big-every': { type: 'string', default: '50' },
      'per-second': { type: 'string', default: '0' },
      'warm-ups': { type: 'string', default: '3' },
      'settle-ms': { type: 'string', default: '16000' },
      'quiet-ms': { type: 'string', default: '5000' },
      'every-ms': { type: 'string', default: '4' },
      dist: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.once && values.again) throw new Error('--once or --again, not both');
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
      again: values.again,
      frames: whole('frames', values.again ? 1 : 33),
      bigEvery: whole('big-every', 2),
      perSecond: whole('per-second', 0),
      warmUps: whole('warm-ups', 0),
      settleMs: whole('settle-ms', 0),
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
  const core = pinLoadGenerator();
  for (const dialect of wanted) rows.push(await siege(dialect, { ...terms, core }));
  process.stdout.write(
    `measured after ${terms.warmUps} attacks of the same kind, a garbage collection and ${terms.settleMs} ms of rest\n`,
  );
  printRows(rows);
  if (rows.flatMap((row) => complaints(row, terms.again)).length > 0) process.exitCode = 1;
  if (json !== undefined)
    writeFileSync(json, `${JSON.stringify({ node: process.version, rows }, null, 2)}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`hostile: ${error.message}\n`);
  process.exitCode = 1;
}
