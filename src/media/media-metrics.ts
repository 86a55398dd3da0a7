import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MediaRefusalCode } from '../protocol/media-api.js';

/** What is counted by looking at it, when somebody scrapes. */
export interface MediaGauges {
  readonly workers: number;
  readonly rooms: number;
  readonly transports: number;
  readonly producers: number;
  readonly consumers: number;
  readonly load: number;
  readonly worker_deaths_total: number;
}

const help = {
  workers: 'Worker processes alive now',
  rooms: 'Rooms with a router now',
  transports: 'WebRTC transports open now',
  producers: 'Producers open now',
  consumers: 'Consumers open now',
  load: 'Producers and consumers of the busiest worker, as a share of what it is good for',
  worker_deaths_total: 'Worker processes that died',
} as const satisfies Record<keyof MediaGauges, string>;

export type Outcome = 'ok' | MediaRefusalCode;

/** Prometheus text. Has a registry of its own, so that two can live in one process. */
export class MediaMetrics {
  readonly #registry = new Registry();
  readonly #requests = new Counter({
    name: 'media_requests_total',
    help: 'Calls answered, by path and outcome',
    labelNames: ['path', 'outcome'],
    registers: [this.#registry],
  });
  readonly #durations = new Histogram({
    name: 'media_request_duration_seconds',
    help: 'Time from a call to its answer, by path',
    labelNames: ['path'],
    buckets: [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15],
    registers: [this.#registry],
  });

  constructor(read: () => MediaGauges) {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 100 });
    for (const name of Object.keys(help) as (keyof MediaGauges)[]) {
      const options = { name: `media_${name}`, help: help[name], registers: [this.#registry] };
      if (name === 'worker_deaths_total') {
        new Counter({
          ...options,
          collect() {
            this.reset();
            this.inc(read()[name]);
          },
        });
      } else {
        new Gauge({
          ...options,
          collect() {
            this.set(read()[name]);
          },
        });
      }
    }
  }

  /** `path` is one of a closed list. */
  answered(path: string, outcome: Outcome, durationMs: number): void {
    this.#requests.inc({ path, outcome });
    this.#durations.observe({ path }, durationMs / 1_000);
  }

  async render(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}
