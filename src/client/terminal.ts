import { basename } from 'node:path';
import { MultiBar, type SingleBar } from 'cli-progress';
import type { TransferObserver, TransferRecord } from './transfer-observer.js';

/**
 * All that the client prints. Results (session strings, one line a file) go to stdout, one a line, so that a script
 * can read them; everything else goes to stderr. Progress bars appear only where stderr is a terminal.
 */
export class Terminal {
  #bars: MultiBar | undefined;
  #barCount = 0;

  /** A result. */
  result(line: string): void {
    if (this.#bars !== undefined && process.stdout.isTTY) this.#bars.log(`${line}\n`);
    else process.stdout.write(`${line}\n`);
  }

  /** For the person who watches. */
  note(line: string): void {
    if (this.#bars === undefined) process.stderr.write(`${line}\n`);
    else this.#bars.log(`${line}\n`);
  }

  file(record: TransferRecord): void {
    const seconds = (record.durationMs / 1_000).toFixed(2);
    const doubt = record.direction === 'sent' && !record.isConfirmed ? ' (this peer does not confirm)' : '';
    const size = `${String(record.sizeBytes)} bytes`;
    this.result(`${record.direction} ${record.path} ${size} sha256=${record.sha256} ${seconds} s${doubt}`);
  }

  /** An observer that shows one channel's files. */
  observer(): TransferObserver {
    const bars = new Map<TransferRecord['direction'], SingleBar>();
    return {
      began: (direction, name, sizeBytes) => {
        const verb = direction === 'sent' ? 'sending' : 'receiving';
        const shown = basename(name).replaceAll(/\p{Cc}/gu, '');
        const bar = this.#startBar(verb, shown, sizeBytes);
        if (bar === undefined) this.note(`${verb} ${shown} (${String(sizeBytes)} bytes)`);
        else bars.set(direction, bar);
      },
      progressed: (direction, doneBytes) => {
        bars.get(direction)?.update(doneBytes);
      },
      finished: (record) => {
        const bar = bars.get(record.direction);
        bars.delete(record.direction);
        if (bar !== undefined) this.#stopBar(bar);
        this.file(record);
      },
    };
  }

  /** Gives the terminal back, whatever was on it. */
  close(): void {
    this.#bars?.stop();
    this.#bars = undefined;
    this.#barCount = 0;
  }

  #startBar(verb: string, name: string, sizeBytes: number): SingleBar | undefined {
    if (!process.stderr.isTTY) return undefined;
    this.#bars ??= new MultiBar({
      stream: process.stderr,
      format: '{verb} {name} [{bar}] {percentage}% {value}/{total} bytes, {eta_formatted} left',
      clearOnComplete: true,
      hideCursor: true,
    });
    this.#barCount += 1;
    return this.#bars.create(sizeBytes, 0, { verb, name });
  }

  #stopBar(bar: SingleBar): void {
    this.#bars?.remove(bar);
    this.#barCount -= 1;
    if (this.#barCount <= 0) this.close();
  }
}
