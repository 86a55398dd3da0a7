/** `npm run faults`: one fault after the other, and what it costs. `--help` explains. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { fieldFigures } from './field-figures.mjs';
import { endChildrenWithUs } from './program.mjs';
import { traceTo } from './trace.mjs';
import { rowsOfNodes } from './rows-of-nodes.mjs';
import { rowsOfRedis } from './rows-of-redis.mjs';
import { rowsOfSockets } from './rows-of-sockets.mjs';
import { Stage } from './stage.mjs';
import { faultCounts } from './verdict.mjs';

const rows = [...rowsOfSockets, ...rowsOfNodes, ...rowsOfRedis].sort((a, b) => a.row - b.row);

const help = `npm run faults -- [options]

Pairs of full sessions in one room on two nodes with one Redis exchange numbered messages while one thing breaks. For
each row: what was lost, seen twice or out of order, who was told a false leave, and how long it took, beside
what the same fault did to Socket.IO. The exit code is 1 when a count is wrong; times are reported only, unless
--judge-times is given. Run \`npm run build\` first.

${rows.map(({ row, title }) => `  ${String(row).padStart(2)}  ${title}`).join('\n')}

  --row A,B,…         only these
  --pairs N           (20)
  --rate N            messages a second, each way of each pair (50)
  --short             everything that only takes time takes less
  --down-seconds N    how long Redis is away in row 10 (60, short 5)
  --watch-seconds N   how long a false leave is waited for in row 9 (60, short 3)
  --at-once N         rows at the same time; spoils the times (1)
  --judge-times       the exit code is 1 too when a time is longer than the issue asks
  --together          both of each pair sit on the receiver's node, to tell what crossing nodes changes
  --entry FILE        the server's main module (dist/main.js)
  --logs FOLDER       the nodes' logs go there
  --trace FOLDER      every client's frames go there, without what is in them; for one row
  --json FILE         write the results there too
  --help              this text
`;

function readOptions() {
  const text = (value) => ({ type: 'string', ...(value === undefined ? {} : { default: value }) });
  const flag = { type: 'boolean', default: false };
  const { values } = parseArgs({
    options: {
      row: text(rows.map(({ row }) => row).join(',')),
      pairs: text('20'),
      rate: text('50'),
      short: flag,
      'down-seconds': text(),
      'watch-seconds': text(),
      'at-once': text('1'),
      'judge-times': flag,
      together: flag,
      entry: text(fileURLToPath(new URL('../../dist/main.js', import.meta.url))),
      logs: text(),
      trace: text(),
      json: text(),
      help: flag,
    },
  });
  const number = (name, value = values[name]) => {
    if (/^\d{1,9}$/.test(value) && Number(value) > 0) return Number(value);
    throw new Error(`--${name} must be a whole number above 0, not "${value}"`);
  };
  const chosen = values.row.split(',').map((text) => rows.find(({ row }) => row === Number(text)));
  if (chosen.includes(undefined)) throw new Error(`--row: there is no such row in ${values.row}`);
  return {
    help: values.help,
    json: values.json,
    trace: values.trace,
    chosen,
    atOnce: number('at-once'),
    judgesTimes: values['judge-times'],
    stage: {
      entry: path.resolve(values.entry),
      pairs: number('pairs'),
      rate: number('rate'),
      isShort: values.short,
      downSeconds: number('down-seconds', values['down-seconds'] ?? (values.short ? '5' : '60')),
      watchSeconds: number('watch-seconds', values['watch-seconds'] ?? (values.short ? '3' : '60')),
      isTogether: values.together,
      ...(values.logs === undefined ? {} : { logs: path.resolve(values.logs) }),
    },
  };
}

/** A row on nodes of its own. What it throws is a wrong too. */
async function runRow({ row, title, aim, run, nodes, shortEnv }, options) {
  const env = options.isShort ? shortEnv : {};
  const stage = new Stage(options, { nodes, env, label: `row${row}-` });
  try {
    const { counts, wrong, cases, times, notes = [] } = await run(stage);
    const bad = faultCounts.filter((name) => counts[name] > 0).map((name) => `${name} ${counts[name]}`);
    return { row, title, aim, counts, wrong: [...bad, ...wrong], cases, times, notes };
  } catch (error) {
    return { row, title, aim, counts: {}, wrong: [error.stack], cases: [], times: [], notes: [] };
  } finally {
    await stage.scene.close();
  }
}

const isLate = ({ ms, atMostMs }) => atMostMs !== undefined && !(ms <= atMostMs);

function print({ row, title, aim, counts, wrong, cases, times, notes }) {
  const [adapter, streams] = fieldFigures[row] ?? [];
  const { sent, lost, duplicated, outOfOrder, falseLeaves } = counts;
  const shown = times.map((entry) => {
    const bound =
      entry.atMostMs === undefined ? '' : ` (${isLate(entry) ? 'OVER' : 'at most'} ${entry.atMostMs})`;
    return `${entry.name} ${entry.ms.toLocaleString('en')} ms${bound}`;
  });
  const lines = [
    `${row}. ${title}`,
    ...(adapter === undefined
      ? []
      : [
          `   Socket.IO + redis adapter, as measured in the field:    ${adapter}`,
          `   Socket.IO + streams adapter, as measured in the field:  ${streams}`,
        ]),
    `   asked for:  ${aim}`,
    `   here:       ${lost} of ${sent?.toLocaleString('en')} lost, ${duplicated} twice, ${outOfOrder} out of order, ` +
      `${falseLeaves} false "left"${notes.length > 0 ? `; ${notes.join('; ')}` : ''}`,
    `               ${shown.join('; ')}`,
    ...wrong.map((text) => `   WRONG:      ${text}`),
    ...(wrong.length > 0 ? cases.map((text) => `               ${text}`) : []),
  ];
  process.stdout.write(`${lines.join('\n')}\n\n`);
}

async function main() {
  const options = readOptions();
  const { help: wantsHelp, chosen, stage, atOnce, json, judgesTimes } = options;
  if (wantsHelp) {
    process.stdout.write(help);
    return;
  }
  if (!existsSync(stage.entry)) throw new Error(`${stage.entry} is missing: run \`npm run build\` first`);
  endChildrenWithUs();
  if (options.trace !== undefined) traceTo(path.resolve(options.trace));
  const waiting = [...chosen];
  const results = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const result = await runRow(next, stage);
      results.push(result);
      print(result);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
  const isBad = ({ wrong, times }) => wrong.length > 0 || (judgesTimes && times.some(isLate));
  process.exitCode = results.some(isBad) ? 1 : 0;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`faults: ${error.stack}\n`);
  process.exitCode = 1;
}
// A socket that still waits for its answer must not keep us.
process.exit();
