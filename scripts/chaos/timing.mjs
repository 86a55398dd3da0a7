/** @param {number} ms */
export function pause(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, ms));
  });
}

/**
 * Asks again and again.
 * @param {() => boolean} isSo
 * @returns {Promise<boolean>} false when it was not so within `mostMs`
 */
export async function until(isSo, mostMs, everyMs = 50) {
  const end = performance.now() + mostMs;
  while (!isSo()) {
    if (performance.now() >= end) return false;
    await pause(everyMs);
  }
  return true;
}
