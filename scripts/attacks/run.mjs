/** `npm run attacks`: what attacks on the transport do to a server and to its other peers. `--help` explains. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { pinLoadGenerator } from '../bench/server.mjs';
import { assault } from './assault.mjs';

const notAttacks = ['assault', 'attacker', 'raw-socket', 'run', 'swarm'];
const names = readdirSync(new URL('.', import.meta.url))
  .map((name) => name.replace(/\.mjs$/, ''))
  .filter((name) => !notAttacks.includes(name));

const help = `npm run attacks -- [options]

Each attack on a server of its own, in a process of its own, with the limits of production, which serves a pair of parity
sessions and a pair of full ones that exchange candidates meanwhile. Shown is the memory of the server before, at most and
after (garbage collected), how long a message of the pairs took there and back before, during and after, what the attacker
got, and how many of its sockets the server still had in the end.

The exit code is 1 when a message or a session of the pairs was lost, or a handler threw; it never depends on time or
memory. Run \`npm run build\` first.

  --only A,B         ${names.join(' ')}
  --seconds N        of attacks that have no end of their own (5)
  --counted          these end after a number of turns instead, whatever time that takes, and the attacker is not last in
                     the queue for the processor: for tests, which must not depend on the machine
  --scale N          how much of an attack of full size (1)
  --warm-ups N       a tenth of the attack so many times before it is measured (1)
  --settle-ms N      how long the server is left alone then (3000)
  --quiet-ms N       how long the pairs are measured before and after (3000)
  --every-ms N       how often a pair exchanges a message (5)
  --dist FOLDER      another build
  --json FILE        write the figures there too
  --markdown         the table as Markdown
  --help             this text
`;

const mib = (bytes) => (bytes / 1_048_576).toFixed(0);
/** Nothing that was sent in that time came back in it. */
const none = '–';
const ms = (value) => (Number.isNaN(value) ? none : value.toFixed(1));
const listed = (got) =>
  Object.entries(got)
    .map(
      ([name, value]) => `${name} ${typeof value === 'number' ? value.toLocaleString('en') : String(value)}`,
    )
    .join(', ');
const three = (row, show) => ['before', 'during', 'after'].map((when) => show(row[when])).join(' / ');

/** @type {[head: string, cell: (row: Awaited<ReturnType<typeof assault>>) => string][]} */
const shown = [
  ['attack', ({ name }) => name],
  ['the attacker got', ({ got }) => listed(got)],
  ['memory, MiB', (row) => [row.rssBeforeBytes, row.rssMostBytes, row.rssAfterBytes].map(mib).join(' / ')],
  ['p50, ms', (row) => three(row, ({ p50Ms }) => ms(p50Ms))],
  ['p99, ms', (row) => three(row, ({ p99Ms }) => ms(p99Ms))],
  ['lost', ({ lost, faults }) => String(lost + faults.length)],
  ['left open', ({ leftOpen }) => String(leftOpen)],
];

const withWhat = shown.toSpliced(
  1,
  0,
  ['what it does', ({ what }) => what],
  ['stopped by', ({ stoppedBy }) => stoppedBy],
);

function printMarkdown(cells) {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

function printTable(rows) {
  const cells = [shown.map(([head]) => head), ...rows.map((row) => shown.map(([, cell]) => cell(row)))];
  const widths = shown.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  for (const row of cells)
    process.stdout.write(`${row.map((cell, at) => cell.padEnd(widths[at])).join('  ')}\n`);
}

/** What no attack may do, whatever the machine. */
function complaints({ name, lost, faults, counts }) {
  const found = [];
  if (lost > 0) found.push(`${lost} messages of the innocent were lost`);
  if (faults.length > 0) found.push(`the innocent: ${faults.join('; ')}`);
  if (counts.handler_failures !== 0) found.push(`${counts.handler_failures} handlers threw`);
  for (const text of found) process.stderr.write(`${name}: ${text}\n`);
  return found;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: names.join(',') },
      seconds: { type: 'string', default: '5' },
      counted: { type: 'boolean', default: false },
      scale: { type: 'string', default: '1' },
      'warm-ups': { type: 'string', default: '1' },
      'settle-ms': { type: 'string', default: '3000' },
      'quiet-ms': { type: 'string', default: '3000' },
      'every-ms': { type: 'string', default: '5' },
      dist: { type: 'string', default: fileURLToPath(new URL('../../dist', import.meta.url)) },
      json: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const wanted = values.only.split(',');
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there are ${names.join(', ')}`);
  const number = (name, least) => {
    const value = Number(values[name]);
    if (value >= least) return value;
    throw new Error(`--${name} must be a number from ${least}, not "${values[name]}"`);
  };
  return {
    ...values,
    wanted,
    terms: {
      seconds: number('seconds', 0.1),
      scale: number('scale', 0.001),
      isCounted: values.counted,
      warmUps: number('warm-ups', 0),
      settleMs: number('settle-ms', 0),
      quietMs: number('quiet-ms', 1),
      everyMs: number('every-ms', 1),
      dist: values.dist,
    },
  };
}

async function main() {
  const { help: isHelpWanted, wanted, terms, json, markdown } = readOptions();
  if (isHelpWanted) {
    process.stdout.write(help);
    return;
  }
  if (!existsSync(`${terms.dist}/app.js`))
    throw new Error('dist/app.js is missing: run `npm run build` first');
  const rows = [];
  const core = terms.isCounted ? undefined : pinLoadGenerator();
  if (markdown) {
    printMarkdown(withWhat.map(([head]) => head));
    printMarkdown(withWhat.map(() => '---'));
  }
  for (const name of wanted) {
    const row = await assault(name, { ...terms, core });
    if (complaints(row).length > 0) process.exitCode = 1;
    rows.push(row);
    // As it is known: all of them take a quarter of an hour.
    if (markdown) printMarkdown(withWhat.map(([, cell]) => cell(row)));
    else process.stdout.write(`${name}: ${row.what}\n`);
  }
  if (!markdown) printTable(rows);
  if (json !== undefined)
    writeFileSync(json, `${JSON.stringify({ node: process.version, rows }, null, 2)}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`attacks: ${error.message}\n`);
  process.exitCode = 1;
}
