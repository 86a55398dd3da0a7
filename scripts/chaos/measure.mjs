/** Figures of streams of messages within a time. All times in milliseconds. */
/** @typedef {import('./ledger.mjs').Stream} Stream */

/** The longest time without a message in each stream, from the last one before `fromMs` on. @param {Stream[]} streams */
export function silences(streams, fromMs, toMs = performance.now()) {
  return streams.map(({ seenAtMs }) => {
    const seen = seenAtMs.filter((atMs) => atMs !== undefined && atMs <= toMs).sort((a, b) => a - b);
    let before = seen.findLast((atMs) => atMs <= fromMs) ?? fromMs;
    let longest = 0;
    for (const atMs of [...seen.filter((atMs) => atMs > fromMs), toMs]) {
      // The end of the watch is no message, but a silence that lasts until then is one.
      longest = Math.max(longest, atMs - before);
      before = atMs;
    }
    return longest;
  });
}

/** From sending to being seen, of what was sent in that time; what was never seen counts as endless. */
export function latencies(streams, fromMs, toMs = performance.now()) {
  return streams.flatMap(({ sentAtMs, seenAtMs }) =>
    sentAtMs.flatMap((sent, n) =>
      sent >= fromMs && sent < toMs ? [(seenAtMs[n] ?? Number.POSITIVE_INFINITY) - sent] : [],
    ),
  );
}

/** When each stream moved again: the first message seen after `fromMs`, as a time since then. */
export function returns(streams, fromMs) {
  return streams.map(({ seenAtMs }) => {
    const first = seenAtMs.filter((atMs) => atMs > fromMs).reduce((a, b) => Math.min(a, b), Infinity);
    return first - fromMs;
  });
}

export const most = (numbers) => numbers.reduce((a, b) => Math.max(a, b), 0);

/** The number that `share` of the others do not exceed; one of them, so that an endless one is no trouble. */
function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

export const p50 = (numbers) => quantile(numbers, 0.5);
export const p99 = (numbers) => quantile(numbers, 0.99);

/**
 * A time for the table.
 * @param {string} name @param {number} ms @param {number} [atMostMs] what the issue asks for
 */
export const time = (name, ms, atMostMs) => ({ name, ms: Math.round(ms * 10) / 10, atMostMs });
