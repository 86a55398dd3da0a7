/**
 * Compares what clients saw with what happened.
 *
 * @typedef {import('./ledger.mjs').Ledger} Ledger
 * @typedef {{
 *   sent: number, delivered: number, lost: number, duplicated: number, outOfOrder: number,
 *   ghosts: number, missing: number, leaves: number, doubleLeaves: number, missedLeaves: number, falseLeaves: number,
 *   freshStarts: number, excluded: number,
 * }} Counts `sent` to `outOfOrder`: of messages between sessions that survived; `excluded`: how many others were sent.
 *   `ghosts`, `missing`: names that are in some roster and not there, or the other way round. `leaves`: how many
 *   should have been told, one for each session that ended and each other peer of its room that lasted.
 *   `doubleLeaves`: told more than once; `missedLeaves`: not told; `falseLeaves`: told while the session went on.
 *   `freshStarts`: sessions that did not survive although their client wanted to go on
 */

/** The counts that must be 0. */
export const faultCounts = [
  'lost',
  'duplicated',
  'outOfOrder',
  'ghosts',
  'missing',
  'doubleLeaves',
  'missedLeaves',
  'falseLeaves',
];

/** @param {Ledger} ledger @returns {Counts} */
export function judge(ledger) {
  const refused = [...ledger.clients.values()].filter(({ end }) => end === 'refused').length;
  return {
    ...judgeMessages(ledger.streams),
    ...judgeRosters(ledger),
    ...judgeLeaves(ledger),
    freshStarts: ledger.freshStarts.length + refused,
  };
}

/** @returns {boolean} is nothing under way any more, as far as one can tell without the server? */
export function isSettled(ledger) {
  const there = [...ledger.clients.values()].filter(({ end }) => end === undefined);
  if (there.some(({ isIn, outgoing }) => !isIn || outgoing.pending > 0)) return false;
  const { ghosts, missing } = judgeRosters(ledger);
  return ghosts + missing === 0 && judgeLeaves(ledger).missedLeaves === 0;
}

/** Who waits for what, in words. @param {Ledger} ledger @returns {string[]} */
export function whatIsUnsettled(ledger) {
  const there = [...ledger.clients.values()].filter(({ end }) => end === undefined);
  return there.flatMap((client) => {
    const names = new Set(ledger.presentIn(client.roomId).map(({ name }) => name));
    names.delete(client.name);
    const { peers } = client.roster;
    const parts = [
      client.isIn ? [] : ['not in'],
      client.outgoing.describe(),
      [...peers].filter((name) => !names.has(name)).map((name) => `ghost ${name}`),
      [...names].filter((name) => !peers.has(name)).map((name) => `misses ${name}`),
    ].flat();
    return parts.length === 0 ? [] : [`${client.name} on node ${client.node}: ${parts.join(', ')}`];
  });
}

function judgeMessages(streams) {
  const counts = { sent: 0, delivered: 0, lost: 0, duplicated: 0, outOfOrder: 0, excluded: 0 };
  for (const stream of streams) {
    const counted = stream.epochs.map((_, n) => stream.isBetweenSurvivors(n));
    let newest = -1;
    const seen = new Set();
    for (const n of stream.arrivals) {
      if (!counted[n]) continue;
      if (seen.has(n)) counts.duplicated += 1;
      else if (n < newest) counts.outOfOrder += 1;
      seen.add(n);
      newest = Math.max(newest, n);
    }
    const sent = counted.filter(Boolean).length;
    counts.sent += sent;
    counts.excluded += counted.length - sent;
    counts.delivered += seen.size;
    counts.lost += sent - seen.size;
  }
  return counts;
}

function judgeRosters(ledger) {
  const counts = { ghosts: 0, missing: 0 };
  for (const client of ledger.clients.values()) {
    if (client.end !== undefined) continue;
    const there = new Set(ledger.presentIn(client.roomId).map(({ name }) => name));
    there.delete(client.name);
    const { peers } = client.roster;
    for (const name of peers) if (!there.has(name)) counts.ghosts += 1;
    for (const name of there) if (!peers.has(name)) counts.missing += 1;
  }
  return counts;
}

function judgeLeaves(ledger) {
  const counts = { leaves: 0, doubleLeaves: 0, missedLeaves: 0, falseLeaves: 0 };
  for (const { observer, subject, notices } of pairsOf(ledger)) {
    const client = ledger.clients.get(subject);
    if (client === undefined) continue;
    const endedAtMs = ledger.endedAtMs.get(subject) ?? Number.POSITIVE_INFINITY;
    const isLasting = ledger.clients.get(observer).end === undefined;
    counts.doubleLeaves += notices.filter(({ what }) => what === 'stray').length;
    const left = notices.filter(({ what }) => what === 'left');
    // A client that began afresh may have been seen to leave and join again; each such session ends once. So does one
    // that began although its client had given up waiting for it. Who was away then hears of it with the last one's end.
    // One that never came in may have had a session at the last attempt.
    const others = Math.max(0, client.epoch - 1) + (client.abandoned ?? 0);
    const early = left.filter(({ atMs }) => atMs < endedAtMs).length;
    counts.falseLeaves += Math.max(0, early - others);
    if (endedAtMs === Number.POSITIVE_INFINITY || !isLasting) continue;
    counts.leaves += 1;
    const late = left.length - early;
    counts.doubleLeaves += Math.max(0, late - 1 - Math.max(0, others - early));
    if (late === 0 && early <= client.epoch - 1) counts.missedLeaves += 1;
  }
  return counts;
}

/** All that one client was told of another, for each two that ever met. */
function pairsOf(ledger) {
  const pairs = new Map();
  for (const notice of ledger.notices) {
    const { observer, subject } = notice;
    const key = `${observer}<${subject}`;
    if (!pairs.has(key)) pairs.set(key, { observer, subject, notices: [] });
    pairs.get(key).notices.push(notice);
  }
  return pairs.values();
}
