import { spawn } from 'node:child_process';

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a program that is killed, by its pid, when this process exits. (A signal that ends this process without an
 * `exit` event must be turned into `process.exit` by whoever calls.)
 *
 * @param {string[]} command the program and its arguments
 * @param {number | undefined} core where to pin it
 * @param {import('node:child_process').StdioOptions} stdio
 * @returns {import('node:child_process').ChildProcess}
 */
export function startChild(command, core, stdio) {
  const pinned = core === undefined ? command : ['taskset', '-c', String(core), ...command];
  const child = spawn(pinned[0], pinned.slice(1), { stdio });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}
