import { AsyncResource } from 'node:async_hooks';
import type { Clock } from '../../ports/runtime.js';

export class SystemClock implements Clock {
  /** What a timer does is no part of what set it: the trace of a join would go on for as long as the server. */
  private readonly apart = new AsyncResource('SystemClock');

  now(): number {
    return Date.now();
  }

  elapsed(): number {
    return performance.now();
  }

  after(ms: number, run: () => void): () => void {
    const timer = setTimeout(() => {
      this.apart.runInAsyncScope(run);
    }, ms);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  }

  soon(run: () => void): void {
    setImmediate(run);
  }
}
