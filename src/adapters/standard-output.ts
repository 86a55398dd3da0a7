/**
 * Standard output, for the log and the audit trail of this process: in the order in which lines are written. pino's own
 * destination throws at a full disk where nobody can catch it, and then keeps the process from ending.
 */
import { write, writeSync } from 'node:fs';
import process from 'node:process';

/** Nobody waits for who reads it; what it has not taken is kept up to this, and beyond it lines are lost. */
const maxWaitingBytes = 4 * 1024 * 1024;
/** How long until a full pipe is asked again. */
const retryMs = 100;
const fullCodes = new Set(['EAGAIN', 'EBUSY']);

/** Writes lines to a file descriptor. Never throws, whatever becomes of it: who logs has other things to do. */
export class LineOutput {
  private waiting: Buffer[] = [];
  /** Bytes, those under way included. */
  private waitingBytes = 0;
  private isWriting = false;
  /** A part of a line was written, and the rest lost. */
  private isTorn = false;
  private lost = 0;
  private readonly listeners = new Set<(count: number) => void>();
  private idle: (() => void)[] = [];

  constructor(private readonly fd: number) {}

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.waitingBytes + bytes.length > maxWaitingBytes) {
      this.lost += 1;
      return;
    }
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.next();
  }

  /** `tell` hears how many lines were lost, once, when lines are taken again. The returned function ends that. */
  onLost(tell: (count: number) => void): () => void {
    this.listeners.add(tell);
    return () => this.listeners.delete(tell);
  }

  /** Resolves when all of it was taken, or lost. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isWriting) this.idle.push(resolve);
      else resolve();
    });
  }

  /** What waits, in one attempt: the process ends now. */
  writeLast(): void {
    const bytes = Buffer.concat(this.waiting);
    this.waiting = [];
    try {
      if (bytes.length > 0) writeSync(this.fd, bytes);
    } catch {
      this.lost += 1;
    }
  }

  private next(): void {
    if (this.isWriting) return;
    if (this.waiting.length === 0) {
      for (const resolve of this.idle.splice(0)) resolve();
      return;
    }
    this.isWriting = true;
    const lines = this.waiting;
    this.waiting = [];
    const begin = this.isTorn ? [Buffer.from('\n')] : [];
    const bytes = Buffer.concat(lines).length;
    this.attempt(Buffer.concat([...begin, ...lines]), 0, (isTaken) => {
      this.isWriting = false;
      this.waitingBytes -= bytes;
      if (isTaken) this.taken();
      else this.lost += lines.length;
      this.next();
    });
  }

  private attempt(bytes: Buffer, from: number, done: (isTaken: boolean) => void): void {
    write(this.fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error !== null && fullCodes.has(error.code ?? '')) {
        setTimeout(() => {
          this.attempt(bytes, from, done);
        }, retryMs);
        return;
      }
      const at = error === null ? from + written : from;
      if (error === null && at < bytes.length) {
        this.attempt(bytes, at, done);
        return;
      }
      if (error === null) this.isTorn = false;
      else if (at > 0) this.isTorn = bytes[at - 1] !== 0x0a;
      done(error === null);
    });
  }

  private taken(): void {
    if (this.lost === 0) return;
    const count = this.lost;
    this.lost = 0;
    for (const tell of this.listeners) tell(count);
  }
}

let shared: LineOutput | undefined;

export function standardOutput(): LineOutput {
  if (shared === undefined) {
    const output = new LineOutput(1);
    process.once('exit', () => {
      output.writeLast();
    });
    shared = output;
  }
  return shared;
}
