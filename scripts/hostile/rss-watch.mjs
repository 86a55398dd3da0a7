import { readFileSync, writeFileSync } from 'node:fs';

const everyMs = 50;

/**
 * The memory of the server, looked at again and again; on Linux the kernel's own high-water mark too, which misses
 * nothing between two looks.
 */
export class RssWatch {
  #server;
  #timer;
  /** @type {Promise<number> | undefined} */
  #looking;
  #mostBytes = 0;
  #hasMark = false;

  constructor(server) {
    this.#server = server;
  }

  async look() {
    const { rssBytes } = await this.#server.usage();
    this.#mostBytes = Math.max(this.#mostBytes, rssBytes);
    return rssBytes;
  }

  /** The most since `start`. */
  get mostBytes() {
    return Math.max(this.#mostBytes, this.#hasMark ? this.#mark() : 0);
  }

  /** @returns {Promise<number>} what it is now */
  async start() {
    this.#hasMark = this.#clearMark();
    const again = async () => {
      this.#looking = this.look();
      await this.#looking;
      if (this.#timer !== undefined) this.#timer = setTimeout(again, everyMs);
    };
    this.#timer = setTimeout(again, everyMs);
    return this.look();
  }

  /** Resolves when no answer of the server is outstanding. */
  async stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#looking;
  }

  #clearMark() {
    try {
      writeFileSync(`/proc/${this.#server.pid}/clear_refs`, '5'); // proc(5)
      return true;
    } catch {
      return false; // no Linux, or not allowed: what is looked at must do
    }
  }

  #mark() {
    const status = readFileSync(`/proc/${this.#server.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)[1]) * 1024;
  }
}
