import { getHeapStatistics } from 'node:v8';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { gauges, type GaugeName, type GaugeReadings, type GaugeSample } from '../../ports/metrics.js';
import { counters, type CounterName, type Tally } from '../../ports/runtime.js';
import { counterOf, gaugeOf, PlainHistogram } from './plain-metrics.js';

/** Labels of gauges that have some. */
const gaugeLabels: Readonly<Partial<Record<GaugeName, readonly string[]>>> = {
  sessions: ['dialect', 'state'],
  rooms: ['mode'],
  media_service_available: ['service'],
  media_service_load: ['service'],
  not_ready: ['reason'],
  build_info: ['version', 'node'],
};

/** Gauges of prom-client that list every socket, for a number which says no more than `connections`. */
const costly = ['handles', 'requests', 'resources'].flatMap((kind) => [
  `nodejs_active_${kind}`,
  `nodejs_active_${kind}_total`,
]);

const relayHelp =
  'From when a message was read off its sender socket to when it was handed to its receiver socket. ' +
  'local: both on this node, exactly. remote: from another node, where its letter was written, by the wall clocks of both hosts';

/**
 * Prometheus text of the tally, the gauges and Node's own process metrics. The relay path only adds to plain numbers;
 * all the rest is done when somebody scrapes. Has a registry of its own, so that two can live in one process.
 */
export class PrometheusMetrics {
  private readonly registry = new Registry();
  private readings: GaugeReadings = {};

  constructor(
    tally: Tally,
    private readonly readGauges: () => GaugeReadings,
  ) {
    const { families, relay, calls } = tally.metrics;
    // Node's event loop monitor is a timer of its own: every 100 ms is enough to see a loop that lags.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 100 });
    for (const name of costly) this.registry.removeSingleMetric(name);
    for (const name of Object.keys(counters) as CounterName[])
      this.count(name, counters[name], [], () => [{ labels: {}, value: tally[name] }]);
    for (const [name, family] of Object.entries(families))
      this.count(name, family.help, family.labelNames, () => family.series);
    this.count(
      'relay_skewed',
      'Messages from other nodes that seem to have come before they left',
      [],
      () => [{ labels: {}, value: relay.skewed }],
    );
    for (const name of Object.keys(gauges) as GaugeName[]) {
      const metric = gaugeOf(`signaling_${name}`, gauges[name], gaugeLabels[name] ?? [], () =>
        asSamples(this.readings[name]),
      );
      this.registry.registerMetric(metric);
    }
    const relayed = new PlainHistogram('signaling_relay_seconds', relayHelp, ['path'], () => [
      { labels: { path: 'local' }, histogram: relay.local },
      { labels: { path: 'remote' }, histogram: relay.remote },
    ]);
    const timed = new PlainHistogram(
      'signaling_call_seconds',
      'Time that others took, by whom and what was asked; failed: no answer, or one that should not be',
      ['service', 'operation', 'outcome'],
      () =>
        calls.series.map(({ service, operation, outcome, histogram }) => ({
          labels: { service, operation, outcome },
          histogram,
        })),
    );
    this.registry.registerMetric(relayed);
    this.registry.registerMetric(timed);
  }

  async render(): Promise<{ readonly contentType: string; readonly text: string }> {
    this.readings = { heap_limit_bytes: getHeapStatistics().heap_size_limit, ...this.readGauges() };
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }

  private count(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: Parameters<typeof counterOf>[3],
  ): void {
    this.registry.registerMetric(counterOf(`signaling_${name}_total`, help, labelNames, read));
  }
}

function asSamples(reading: GaugeReadings[GaugeName]): readonly GaugeSample[] {
  if (reading === undefined) return [];
  return typeof reading === 'number' ? [{ labels: {}, value: reading }] : reading;
}
