import os from 'node:os';

/** What this process may have: its container's limit, where there is one, else the machine's memory. */
export function memoryLimitBytes(): number {
  const limit = process.constrainedMemory();
  const total = os.totalmem();
  return limit > 0 ? Math.min(limit, total) : total;
}
