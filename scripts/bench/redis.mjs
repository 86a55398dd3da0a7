import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';

import { startChild } from './child.mjs';

const attempts = 20;

/** A Redis process of its own on a free port of the loopback interface, with nothing on disk. */
export class RedisProcess {
  #child;

  constructor(child, url) {
    this.#child = child;
    this.url = url;
  }

  /** @param {number} [core] where to pin it */
  static async start(core) {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      // Below the range that the kernel gives out to clients. A port that is taken ends Redis at once.
      const port = 10_000 + Math.floor(Math.random() * 22_000);
      const settings = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
      const command = ['redis-server', ...settings.map(String), '--dir', tmpdir()];
      const child = startChild(command, core, ['ignore', 'pipe', 'inherit']);
      if (await isReady(child)) return new RedisProcess(child, `redis://127.0.0.1:${port}`);
    }
    throw new Error('redis-server does not start here');
  }

  /** @returns {number} CPU time in microseconds since it began, of all its threads. The kernel counts nanoseconds. */
  get cpuUs() {
    const tasks = `/proc/${this.#child.pid}/task`;
    const spent = (task) => Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]);
    return readdirSync(tasks).reduce((sum, task) => sum + spent(task) / 1000, 0);
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** @returns {Promise<boolean>} false when it ended instead. Rejects when there is no such program. */
function isReady(child) {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      log = (log + text).slice(-1000);
      if (log.includes('Ready to accept connections')) resolve(true);
    });
    child.once('error', () => reject(new Error('redis-server is missing')));
    child.once('exit', () => resolve(false));
  });
}
