function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) =>
    row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  for (const row of rows) process.stdout.write(`${line(row).trimEnd()}\n`);
}

/** @type {[head: string, cell: (entry: Record<string, any>) => string][]} */
const columns = [
  ['workload', ({ workload }) => workload],
  ['server', ({ name }) => name],
  ['messages', ({ messages }) => messages.toLocaleString('en')],
  ['CPU µs', ({ cpuUs }) => cpuUs.toFixed(2)],
  ['of it Redis', ({ parts }) => parts?.redis.toFixed(2) ?? ''],
  ['ratio', ({ ratio }) => ratio.toFixed(3)],
  ['quartiles', ({ ratioLow, ratioHigh }) => `${ratioLow.toFixed(3)}-${ratioHigh.toFixed(3)}`],
  ['at most', ({ targets: [most] }) => most?.toFixed(2) ?? ''],
  ['aim', ({ targets: [, aim] }) => aim?.toFixed(2) ?? ''],
  ['p50 ms', ({ p50Ms }) => p50Ms.toFixed(3)],
  ['p99 ms', ({ p99Ms }) => p99Ms.toFixed(3)],
  ['lost', ({ lost }) => String(lost)],
  ['reordered', ({ reordered }) => String(reordered)],
];

/**
 * @param {Awaited<ReturnType<typeof import('./measure.mjs').measure>>} results
 * @param {string} yardstick the server that has no targets
 * @param {Record<string, [most: number, aim: number]>} targets ratios, by workload
 */
export function printResults(results, yardstick, targets) {
  const entries = results.map((entry) => ({
    ...entry,
    targets: (entry.name === yardstick ? undefined : targets[entry.workload]) ?? [],
  }));
  const cells = columns.map(([head, cell]) => [head, ...entries.map(cell)]);
  const used = cells.filter(([, ...column]) => column.some((text) => text !== ''));
  printTable(used[0].map((_, row) => used.map((column) => column[row])));
  for (const entry of entries) {
    const { workload, name, ratio, receiptFaults } = entry;
    const [most] = entry.targets;
    if (ratio > most)
      process.stdout.write(`over the target: ${name}, ${workload}, ${ratio.toFixed(3)} > ${most}\n`);
    if (receiptFaults > 0)
      process.stdout.write(`receipts missing or out of turn: ${name}, ${workload}, ${receiptFaults}\n`);
  }
}
