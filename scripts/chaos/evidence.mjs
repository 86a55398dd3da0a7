/** The single cases behind the counts that are not 0, in words, for whoever looks for the cause. */

const mostLines = 12;

/** A time of `performance.now()` as the nodes' logs have it. */
export function at(ms) {
  return new Date(performance.timeOrigin + ms).toISOString().slice(11, 23);
}

/** @param {import('./ledger.mjs').Ledger} ledger @returns {string[]} */
export function evidence(ledger) {
  const lines = [...ofMessages(ledger.streams), ...ofLeaves(ledger), ...ofSessions(ledger)];
  const more = lines.length - mostLines;
  return more > 0 ? [...lines.slice(0, mostLines), `and ${more} more`] : lines;
}

function* ofMessages(streams) {
  for (const stream of streams) {
    const name = `${stream.from.name}>${stream.to.name}`;
    let newest = -1;
    const seen = new Set();
    for (const n of stream.arrivals) {
      if (!stream.isBetweenSurvivors(n)) continue;
      const when = `sent at ${at(stream.sentAtMs[n])}, first seen at ${at(stream.seenAtMs[n])}`;
      if (seen.has(n)) yield `twice: ${name} ${n}, ${when}`;
      else if (n < newest) yield `overtaken: ${name} ${n} by ${newest}, ${when}`;
      seen.add(n);
      newest = Math.max(newest, n);
    }
    for (let n = 0; n < stream.epochs.length; n += 1) {
      if (!seen.has(n) && stream.isBetweenSurvivors(n)) {
        yield `lost: ${name} ${n}, sent at ${at(stream.sentAtMs[n])}`;
      }
    }
  }
}

function* ofLeaves({ notices, endedAtMs }) {
  const seen = new Map();
  for (const { observer, subject, what, how, atMs } of notices) {
    const key = `${observer}<${subject}`;
    const isFalse = what === 'left' && atMs < (endedAtMs.get(subject) ?? Number.POSITIVE_INFINITY);
    if (isFalse) yield `left: ${observer} of ${subject} at ${at(atMs)}, ${how}`;
    else if (what === 'left' && seen.has(key))
      yield `left after coming again: ${observer} of ${subject} at ${at(atMs)}, ${how}, and at ${at(seen.get(key))}`;
    if (what === 'left') seen.set(key, atMs);
    if (what === 'stray') yield `left again: ${observer} of ${subject} at ${at(atMs)}`;
  }
}

function* ofSessions({ freshStarts, clients }) {
  for (const { name, atMs } of freshStarts) yield `not resumed: ${name} at ${at(atMs)}`;
  for (const { name, end, endedAtMs, stats } of clients.values()) {
    if (end === 'refused')
      yield `told not to come back: ${name} at ${at(endedAtMs)}, ${JSON.stringify(stats.closes)}`;
  }
}
