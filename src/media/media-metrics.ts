import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MediaRefusalCode } from '../protocol/media-api.js';

/** What is counted by looking at it, when somebody scrapes. */
export interface MediaGauges {
  readonly workers: number;
  readonly workers_wanted: number;
  readonly sessions: number;
  readonly rooms: number;
  readonly transports: number;
  readonly producers: number;
  readonly consumers: number;
  readonly load: number;
  readonly worker_deaths_total: number;
  readonly worker_cpu_seconds_total: number;
}

const help = {
  workers: 'Worker processes alive now',
  workers_wanted: 'Worker processes that there should be (MEDIA_WORKERS)',
  sessions: 'Sessions of signaling servers that have something here now',
  rooms: 'Rooms with a router now',
  transports: 'WebRTC transports open now',
  producers: 'Producers open now',
  consumers: 'Consumers open now',
  load: 'Producers and consumers of the busiest worker, as a share of what it is good for; a million without workers',
  worker_deaths_total: 'Worker processes that died',
  worker_cpu_seconds_total:
    'CPU time of the workers, those that died included, as of the latest look at each, every 5 seconds',
} as const satisfies Record<keyof MediaGauges, string>;

/** Gauges of prom-client whose names say that they were counters; by kind they are there under another. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

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
    for (const name of misnamed) this.#registry.removeSingleMetric(name);
    for (const name of Object.keys(help) as (keyof MediaGauges)[]) {
      const options = { name: `media_${name}`, help: help[name], registers: [this.#registry] };
      if (name.endsWith('_total')) {
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
