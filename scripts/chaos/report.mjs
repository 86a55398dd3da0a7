/** Tables for people. */

/** @param {string[][]} rows the first one is the head @param {number} [leftColumns] how many are aligned to the left */
export function table(rows, leftColumns = 1) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i < leftColumns ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const list = (counts) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ') || 'none';

const columns = {
  seed: ({ seed }) => seed,
  sent: ({ counts }) => counts.sent,
  delivered: ({ counts }) => counts.delivered,
  lost: ({ counts }) => counts.lost,
  duplicated: ({ counts }) => counts.duplicated,
  'out of order': ({ counts }) => counts.outOfOrder,
  ghosts: ({ counts }) => counts.ghosts,
  missing: ({ counts }) => counts.missing,
  leaves: ({ counts }) => counts.leaves,
  double: ({ counts }) => counts.doubleLeaves,
  missed: ({ counts }) => counts.missedLeaves,
  false: ({ counts }) => counts.falseLeaves,
  resumed: ({ resumes }) => resumes,
  'not resumed': ({ counts }) => counts.freshStarts,
  'bad keys': ({ keys }) => keys.filter(({ isBad }) => isBad).reduce((sum, { count }) => sum + count, 0),
};

export function printRuns(results) {
  const rows = results.map((result) => Object.values(columns).map((cell) => String(cell(result))));
  process.stdout.write(`\n${table([Object.keys(columns), ...rows])}\n`);
  for (const result of results) printRun(result);
}

function printRun(result) {
  const { seed, counts, isSettled, settledMs, events, keys, startedAt } = result;
  const heavy = events.filter(({ kind }) => kind !== 'cut' && kind !== 'freeze');
  const cuts = events.length - heavy.length;
  const shown = heavy.map(({ kind, from, to, note }) => {
    const what = note === undefined ? kind : `${kind} (${note})`;
    return `${what} ${from.toFixed(1)}-${to.toFixed(1)} s`;
  });
  const lines = [
    `seed ${seed}, begun at ${startedAt}: ${cuts} cuts; ${shown.join(', ')}`,
    `  ${isSettled ? `settled after ${(settledMs / 1000).toFixed(1)} s` : 'NOT SETTLED'}; sent again ${result.sentAgain}, ` +
      `repeats on the wire ${result.repeatsOnTheWire}, accepted behind a refused one ${result.acceptedBehindRefused}, ` +
      `to or from sessions that ended ${counts.excluded}`,
    `  errors: ${list(result.errors)}; refused joins: ${list(result.refusedJoins)}; closes: ${list(result.closes)}; ` +
      `guests refused ${result.guestsRefused}; nodes that ended by themselves ${result.crashes}`,
    ...result.unsettled.map((text) => `  unsettled: ${text}`),
    ...result.cases.map((text) => `  ${text}`),
    ...keys.map(
      ({ shape, type, count, leastTtlS, mostTtlS, isBad }) =>
        `  ${isBad ? 'BAD KEY' : 'key'} ${shape} (${type}): ${count}, ${leastTtlS < 0 ? 'no TTL' : `TTL ${leastTtlS}-${mostTtlS} s`}`,
    ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
