import type { Clock, LogFields, Logger } from '../../ports/runtime.js';

/** A flood must not become a flood of lines: so many of one event a second, the rest are counted. */
const mostPerSecond = 50;
const windowMs = 1_000;

interface Count {
  lines: number;
  /** Not written since the last line that told of them. */
  dropped: number;
}

/**
 * Writes the first lines of each event in a second, and one line `lines_dropped {about, count}` for the others. Lines at
 * `debug` are all written: who asks for them wants them. Event names are constants, so what is counted is bounded.
 */
export class ThinnedLogger implements Logger {
  private readonly counts = new Map<string, Count>();
  private isWaiting = false;

  constructor(
    private readonly logger: Logger,
    private readonly clock: Clock,
  ) {}

  debug(event: string, fields?: LogFields): void {
    this.logger.debug(event, fields);
  }

  info(event: string, fields?: LogFields): void {
    if (this.mayPass(event)) this.logger.info(event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    if (this.mayPass(event)) this.logger.warn(event, fields);
  }

  error(event: string, fields?: LogFields): void {
    if (this.mayPass(event)) this.logger.error(event, fields);
  }

  /** Tells what was dropped and not told yet. */
  flush(): void {
    for (const [about, { dropped }] of this.counts) {
      if (dropped > 0) this.logger.warn('lines_dropped', { about, count: dropped });
    }
    this.counts.clear();
  }

  private mayPass(event: string): boolean {
    const count = this.counts.get(event) ?? { lines: 0, dropped: 0 };
    this.counts.set(event, count);
    this.beginWindow();
    if (count.lines < mostPerSecond) {
      count.lines += 1;
      return true;
    }
    count.dropped += 1;
    return false;
  }

  private beginWindow(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.clock.after(windowMs, () => {
      this.isWaiting = false;
      this.flush();
    });
  }
}
