import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { counters, type CounterName, type Tally } from '../../ports/runtime.js';

/** What is counted by looking at it. */
export interface Gauges {
  readonly connections: number;
  readonly sessions: number;
  readonly rooms: number;
}

const gaugeHelp = {
  connections: 'WebSocket connections open now',
  sessions: 'Sessions in a room now',
  rooms: 'Rooms with at least one session on this node now',
} as const satisfies Record<keyof Gauges, string>;

/**
 * Prometheus text of the tally, the gauges and Node's own process metrics. The relay path only adds to plain numbers;
 * all the rest is done when somebody scrapes. Has a registry of its own, so that two can live in one process.
 */
export class PrometheusMetrics {
  private readonly registry = new Registry();

  constructor(tally: Tally, readGauges: () => Gauges) {
    // Node's event loop monitor is a timer of its own: every 100 ms is enough to see a loop that lags.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 100 });
    for (const name of Object.keys(counters) as CounterName[]) {
      this.registry.registerMetric(
        new Counter({
          name: `signaling_${name}_total`,
          help: counters[name],
          registers: [],
          collect() {
            this.reset();
            this.inc(tally[name]);
          },
        }),
      );
    }
    for (const name of Object.keys(gaugeHelp) as (keyof Gauges)[]) {
      this.registry.registerMetric(
        new Gauge({
          name: `signaling_${name}`,
          help: gaugeHelp[name],
          registers: [],
          collect() {
            this.set(readGauges()[name]);
          },
        }),
      );
    }
  }

  async render(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }
}
