import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { keepLineOfProcess } from './test-logs.js';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child process of a test: its lines, its end, and the certainty that it ends. */
export class Program {
  /** Lines of stdout, as they came. */
  readonly lines: string[] = [];
  /** Lines of stderr. */
  readonly complaints: string[] = [];
  /** Settles when the process has ended and all its output is read. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #hasEnded = false;
  #notify: () => void = () => undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    collect(child.stdout, this.lines, () => {
      this.#notify();
    });
    collect(child.stderr, this.complaints, () => {
      this.#notify();
    });
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.#hasEnded = true;
        this.#notify();
        resolve({ code, signal });
      });
    });
    // Who waits for a line is told too.
    this.exited.catch(() => {
      this.#hasEnded = true;
      this.#notify();
    });
  }

  static start(command: string, args: readonly string[], options: { readonly cwd?: string } = {}): Program {
    return new Program(spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** Everything that it said, for a failed test's message. */
  get output(): string {
    return [...this.lines, ...this.complaints].join('\n');
  }

  /** The first line of stdout that matches, or the `count`th. Rejects when the process ends without one. */
  async line(pattern: RegExp, count = 1): Promise<string> {
    return this.#find(this.lines, pattern, count);
  }

  /** The same for stderr. */
  async complaint(pattern: RegExp): Promise<string> {
    return this.#find(this.complaints, pattern, 1);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends the process if it still runs. */
  async stop(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill('SIGKILL');
    await this.exited;
  }

  async #find(lines: readonly string[], pattern: RegExp, count: number): Promise<string> {
    for (;;) {
      const found = lines.filter((line) => pattern.test(line))[count - 1];
      if (found !== undefined) return found;
      if (this.#hasEnded) throw new Error(`it ended without a line like ${String(pattern)}:\n${this.output}`);
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }
}

function collect(stream: NodeJS.ReadableStream | null, lines: string[], onLine: () => void): void {
  if (stream === null) return;
  createInterface({ input: stream }).on('line', (line) => {
    lines.push(line);
    keepLineOfProcess(line);
    onLine();
  });
}
