import { Histogram } from './histogram.js';
import type { SpanName } from './telemetry.js';

/** From a quarter of a millisecond to 10 seconds. */
const boundsMs = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
/** Operations are words of the code, not of a client; should that ever fail, the rest is one. */
const mostOperations = 200;

/** `refused`: it was answered, by a no that is in order. `failed`: there was no answer, or one that should not be. */
export type CallOutcome = 'ok' | 'refused' | 'failed';

export interface CallSeries {
  readonly service: SpanName;
  readonly operation: string;
  readonly outcome: CallOutcome;
  readonly histogram: Histogram;
}

/** How long others take to answer, by whom, what and how. */
export class Calls {
  readonly #series = new Map<string, CallSeries>();

  /** Kept by callers that call often. */
  histogram(service: SpanName, operation: string, outcome: CallOutcome): Histogram {
    const key = `${service} ${operation} ${outcome}`;
    const known = this.#series.get(key);
    if (known !== undefined) return known.histogram;
    if (this.#series.size >= mostOperations && operation !== 'other')
      return this.histogram(service, 'other', outcome);
    const histogram = new Histogram(boundsMs);
    this.#series.set(key, { service, operation, outcome, histogram });
    return histogram;
  }

  get series(): readonly CallSeries[] {
    return [...this.#series.values()];
  }
}
