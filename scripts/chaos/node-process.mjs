import { createWriteStream, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

import { oneAddress } from '../one-address.mjs';
import { freePort, Program } from './program.mjs';
import { pause } from './timing.mjs';

/** What a supervisor waits before it starts a process again that ended while it started. */
const restartMs = 300;
const pageBytes = 4096;

/** One node of the server: a process on ports of its own that it keeps over restarts. */
export class NodeProcess {
  /** How often it ended without being told to. */
  crashes = 0;
  #program;
  #log;
  #isWanted = false;

  /** @param {{ name: string, entry: string, env: Record<string, string>, logs?: string }} options */
  static async create(options) {
    return new NodeProcess(options, await freePort(), await freePort());
  }

  constructor({ name, entry, env, logs }, httpPort, wsPort) {
    this.name = name;
    this.entry = entry;
    this.http = `http://127.0.0.1:${httpPort}`;
    this.ws = `ws://127.0.0.1:${wsPort}`;
    this.env = {
      ...process.env,
      HOST: '127.0.0.1',
      HTTP_PORT: String(httpPort),
      WS_PORT: String(wsPort),
      LOG_LEVEL: logs === undefined ? 'warn' : 'debug',
      NODE_ENV: 'development',
      ...oneAddress,
      ...env,
    };
    if (logs !== undefined) this.#log = createWriteStream(path.join(logs, `${name}.log`), { flags: 'a' });
  }

  /** Starts it as a supervisor does: again and again, until it is ready or no longer wanted. */
  async start() {
    this.#isWanted = true;
    while (this.#isWanted) {
      const program = new Program(process.execPath, [this.entry], {
        env: this.env,
        onLine: (line) => this.#log?.write(`${new Date().toISOString()} ${line}\n`),
      });
      this.#program = program;
      try {
        await program.line(/^WebSocket {2}ws:/);
        void program.exited.then(() => this.#noteCrash(program));
        return;
      } catch (error) {
        if (!this.#isWanted) return;
        this.crashes += 1;
        if (this.crashes > 50) throw new Error(`${this.name} does not start: ${error.message}`);
        await pause(restartMs);
      }
    }
  }

  get isUp() {
    return this.#program !== undefined && !this.#program.hasEnded;
  }

  get lines() {
    return this.#program?.lines ?? [];
  }

  /** SIGKILL. */
  async kill() {
    this.#isWanted = false;
    await this.#program?.kill();
  }

  /** SIGSTOP: its sockets stay open, the kernel takes new ones, and nothing is answered. */
  stop() {
    this.#program?.signal('SIGSTOP');
  }

  proceed() {
    this.#program?.signal('SIGCONT');
  }

  /**
   * SIGTERM; SIGKILL when it has not ended in time.
   * @returns {Promise<{ code: number | null, ms: number }>}
   */
  async drain(mostMs = 20_000) {
    this.#isWanted = false;
    const program = this.#program;
    const start = performance.now();
    program.signal('SIGTERM');
    const timer = setTimeout(() => program.signal('SIGKILL'), mostMs);
    const { code } = await program.exited;
    clearTimeout(timer);
    return { code, ms: performance.now() - start };
  }

  /** @returns {number} resident memory; 0 when it is not running */
  rssBytes() {
    try {
      return Number(readFileSync(`/proc/${this.#program.pid}/statm`, 'utf8').split(' ')[1]) * pageBytes;
    } catch {
      return 0; // not running, or no Linux
    }
  }

  async post(route, idToken) {
    const headers = idToken === undefined ? {} : { authorization: `Bearer ${idToken}` };
    const response = await fetch(this.http + route, { method: 'POST', headers });
    if (!response.ok) throw new Error(`${route} on ${this.name}: ${response.status}`);
    return response.json();
  }

  #noteCrash(program) {
    if (program !== this.#program || !this.#isWanted) return;
    this.crashes += 1;
    process.stderr.write(`${this.name} ended by itself:\n${program.lines.slice(-8).join('\n')}\n`);
    void this.start();
  }
}
