/** Child processes, and the certainty that none outlives this one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import process from 'node:process';
import { createInterface } from 'node:readline';

/** @type {Set<Program>} */
const running = new Set();
const keptLines = 400;

function endAll() {
  for (const program of running) program.signal('SIGKILL');
}

/** From now on every child ends with this process, whether it finishes, fails or is told to stop. */
export function endChildrenWithUs() {
  process.on('exit', endAll);
  for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.once(signal, () => process.exit(code));
  }
}

/** One child process: its latest lines and its end. */
export class Program {
  /** The latest lines of stdout and stderr. */
  lines = [];
  hasEnded = false;
  /** @type {Promise<{ code: number | null, signal: string | null }>} */
  exited;
  #child;
  #looks = new Set();

  /** @param {{ env?: NodeJS.ProcessEnv, onLine?: (line: string) => void }} [options] */
  constructor(command, args, { env = process.env, onLine = () => {} } = {}) {
    this.#child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        if (this.lines.length > keptLines) this.lines.shift();
        onLine(line);
        for (const look of this.#looks) look(line);
      });
    }
    const end = () => {
      this.hasEnded = true;
      running.delete(this);
      for (const look of this.#looks) look(undefined);
    };
    this.#child.once('exit', end);
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.lines.push(String(error));
        end();
        resolve({ code: null, signal: null });
      });
      this.#child.once('exit', (code, signal) => resolve({ code, signal }));
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** Resolves with the next line that matches, from now on; rejects when the process ends first. */
  line(pattern) {
    return new Promise((resolve, reject) => {
      const look = (line) => {
        if (line !== undefined && !pattern.test(line)) return;
        this.#looks.delete(look);
        if (line === undefined) reject(new Error(`it ended early:\n${this.lines.slice(-5).join('\n')}`));
        else resolve(line);
      };
      this.#looks.add(look);
      if (this.hasEnded) look(undefined);
    });
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    if (!this.hasEnded) this.#child.kill(name);
  }

  /** SIGKILL; resolves when it is gone. A stopped process ends by it too. */
  async kill() {
    this.signal('SIGKILL');
    await this.exited;
  }
}

const given = new Set();

/** A port below those that the kernel gives out, so that it is still ours after a restart. */
export async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if (given.has(port)) continue;
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      given.add(port);
      return port;
    } catch {
      // Somebody has it.
    } finally {
      server.close();
    }
  }
}
