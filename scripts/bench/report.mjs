/**
 * The server's side of the talk with the harness, over Node's IPC channel: says where it listens, then answers each
 * `usage` with what this process has used so far. `process.cpuUsage()` has microseconds, /proc/<pid>/stat only ticks.
 *
 * @param {{ ws: string, http?: string }} addresses base URLs; `http` is there when peers must sign in first
 * @param {() => Promise<void> | void} close
 */
export function report(addresses, close) {
  process.on('message', (question) => {
    if (question === 'usage') {
      const { user, system } = process.cpuUsage();
      process.send?.({ cpuUs: user + system, rssBytes: process.memoryUsage.rss() });
    } else if (question === 'collect') {
      globalThis.gc?.();
      process.send?.({});
    }
  });
  process.once('disconnect', () => void Promise.resolve(close()).finally(() => process.exit(0)));
  process.send?.({ addresses });
}
