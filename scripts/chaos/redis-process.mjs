import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { Redis } from 'ioredis';

import { freePort, Program } from './program.mjs';

/** A Redis of our own. Its data is in memory only, so that whatever ends it loses all of it. */
export class RedisProcess {
  #program;
  #folder = mkdtempSync(path.join(os.tmpdir(), 'chaos-redis-'));

  constructor(port) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async start() {
    const redis = new RedisProcess(await freePort());
    await redis.start();
    return redis;
  }

  /** (Again) on its port, empty; resolves when it takes commands. */
  async start() {
    const options = { port: this.port, bind: '127.0.0.1', dir: this.#folder, save: '', appendonly: 'no' };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#program = new Program('redis-server', args);
    await this.#program.line(/Ready to accept connections/);
  }

  /** SIGKILL. */
  async kill() {
    await this.#program.kill();
  }

  /** SIGSTOP: its sockets stay open, the kernel takes new ones, and nothing is answered. */
  stop() {
    this.#program.signal('SIGSTOP');
  }

  proceed() {
    this.#program.signal('SIGCONT');
  }

  async close() {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** @returns {Promise<{ key: string, type: string, ttlMs: number }[]>} every key; `ttlMs` is -1 where there is none */
  async keys() {
    const redis = new Redis(this.port, '127.0.0.1');
    try {
      const names = new Set();
      let cursor = '0';
      do {
        const [next, some] = await redis.scan(cursor, 'COUNT', 1000);
        cursor = next;
        for (const name of some) names.add(name);
      } while (cursor !== '0');
      const found = await Promise.all(
        [...names].map(async (key) => {
          const [type, ttlMs] = await Promise.all([redis.type(key), redis.pttl(key)]);
          return { key, type, ttlMs };
        }),
      );
      return found.filter(({ ttlMs }) => ttlMs !== -2).sort((a, b) => (a.key < b.key ? -1 : 1));
    } finally {
      redis.disconnect();
    }
  }
}
