/** What is left in Redis, by the shapes of the keys. */

/** Keys that live as long as the deployment: their owner is the operator. */
const ownedKeys = ['signaling:signing-key'];
/** A room's record is readable for an hour after its expiry, so that a late peer is told why. */
const mostTtlMs = (7_200 + 3_600 + 60) * 1000;
const dayMs = 86_400_000;
/** Chat outlives its room's last word: what waits for an archive that is away, and what is archived in Redis itself. */
const longerTtlsMs = [
  { start: 'chat:buffer:', ttlMs: 7 * dayMs },
  { start: 'chat:waiting:', ttlMs: 7 * dayMs },
  // CHAT_TTL_S, unless it was set.
  { start: 'chat:archive:', ttlMs: 30 * dayMs },
];

/**
 * @param {import('./scene.mjs').Scene} scene
 * @returns {Promise<{ shape: string, type: string, count: number, leastTtlS: number, mostTtlS: number, isBad: boolean }[]>}
 *   `isBad`: no TTL although nobody owns it, or a longer one than a room can have
 */
export async function describeKeys({ redis, ledger, nodes }) {
  const names = new Set([...ledger.clients.keys(), ...nodes.map(({ name }) => name)]);
  const shapes = new Map();
  for (const { key, type, ttlMs } of await redis.keys()) {
    const shape = shapeOf(key, names);
    const entry = shapes.get(shape) ?? {
      shape,
      type,
      count: 0,
      leastTtlS: Infinity,
      mostTtlS: -1,
      isBad: false,
    };
    const ttlS = ttlMs < 0 ? -1 : Math.round(ttlMs / 1000);
    entry.count += 1;
    entry.leastTtlS = Math.min(entry.leastTtlS, ttlS);
    entry.mostTtlS = Math.max(entry.mostTtlS, ttlS);
    entry.isBad ||= (ttlMs < 0 && !ownedKeys.includes(key)) || ttlMs > mostTtlMs;
    shapes.set(shape, entry);
  }
  return [...shapes.values()];
}

function mostTtlOf(key) {
  return longerTtlsMs.find(({ start }) => key.startsWith(start))?.ttlMs ?? mostTtlMs;
}

/** `room:{0a1b2c3d}:record` and `room:{4e5f6071}:record` have one shape. */
function shapeOf(key, names) {
  return key
    .replace(/\{[^}]*\}/g, '{…}')
    .split(':')
    .map((part) => (names.has(part) || /^[0-9a-f]{8}$|^[\w-]{16,}$/.test(part) ? '…' : part))
    .join(':');
}
