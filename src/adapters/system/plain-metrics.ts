import { Counter, Gauge, Histogram as PromHistogram } from 'prom-client';
import type { Histogram } from '../../ports/histogram.js';
import type { GaugeSample } from '../../ports/metrics.js';

export interface CounterSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A counter whose values lie elsewhere, and are read when somebody scrapes. */
export function counterOf(
  name: string,
  help: string,
  labelNames: readonly string[],
  read: () => readonly CounterSample[],
): Counter {
  return new Counter({
    name,
    help,
    labelNames,
    registers: [],
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.inc(labels, value);
    },
  });
}

/** The same for a gauge. */
export function gaugeOf(
  name: string,
  help: string,
  labelNames: readonly string[],
  read: () => readonly GaugeSample[],
): Gauge {
  return new Gauge({
    name,
    help,
    labelNames,
    registers: [],
    collect() {
      this.reset();
      const samples = read();
      // prom-client has set one without labels to 0, which would be a reading.
      if (samples.length === 0 && labelNames.length === 0) this.remove();
      for (const { labels, value } of samples) this.set(labels, value);
    },
  });
}

export interface HistogramSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly histogram: Histogram;
}

const secondMs = 1_000;

/** A histogram in seconds whose counts lie elsewhere: prom-client's own cannot be set from outside. */
export class PlainHistogram extends PromHistogram {
  private readonly title: { readonly name: string; readonly help: string };

  constructor(
    name: string,
    help: string,
    labelNames: readonly string[],
    private readonly read: () => readonly HistogramSample[],
  ) {
    super({ name, help, labelNames, registers: [] });
    this.title = { name, help };
  }

  override async get(): ReturnType<PromHistogram['get']> {
    const values = this.read().flatMap((sample) => this.rows(sample));
    return Promise.resolve({
      ...this.title,
      type: 'histogram' as never,
      aggregator: 'sum',
      collect: () => undefined,
      values,
    });
  }

  /** The registry asks this when it writes text. */
  getForPromString(): ReturnType<PromHistogram['get']> {
    return this.get();
  }

  private rows({ labels, histogram }: HistogramSample) {
    const { name } = this.title;
    let below = 0;
    const rows = histogram.boundsMs.map((boundMs, at) => {
      below += histogram.counts[at] ?? 0;
      return { metricName: `${name}_bucket`, labels: { ...labels, le: boundMs / secondMs }, value: below };
    });
    const { count, sumMs } = histogram;
    return [
      ...rows,
      { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${name}_sum`, labels, value: sumMs / secondMs },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
