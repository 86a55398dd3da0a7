/** One reading of the figures, shown: cards, charts, tables. Figures that the server does not have are left out. */
import { Chart, shown } from './chart.js';
import type { DashboardData } from './dashboard-data.js';
import { element, make } from './elements.js';
import { quantile, type Figures, type Sample } from './prometheus-text.js';
import { showTable, type Row } from './table.js';

/** A reading, and the one before it. */
export interface Reading {
  readonly atMs: number;
  readonly figures: Figures;
}

const relayed = ['signals_relayed', 'messages_relayed', 'chats_said'];
const megabyte = 1_048_576;
const maxShownFigures = 400;

export class DashboardView {
  readonly #charts = {
    people: new Chart({ title: 'Connections and sessions', lines: ['connections', 'sessions'], unit: '' }),
    rate: new Chart({ title: 'Messages a second', lines: ['relayed', 'received'], unit: '' }),
    delay: new Chart({ title: 'Relay latency', lines: ['p50', 'p95', 'p99'], unit: ' ms' }),
    joins: new Chart({ title: 'Joins and refusals a second', lines: ['joins', 'refusals'], unit: '' }),
    loop: new Chart({ title: 'Event loop lag', lines: ['p50', 'p99'], unit: ' ms' }),
    memory: new Chart({ title: 'Memory', lines: ['resident', 'heap'], unit: ' MB' }),
  };
  readonly #cards = new Map<string, HTMLElement>();

  constructor() {
    element('charts', HTMLElement).append(...Object.values(this.#charts).map(({ root }) => root));
  }

  /** For a while there were no figures. */
  interrupt(): void {
    for (const chart of Object.values(this.#charts)) chart.interrupt();
  }

  show(data: DashboardData, now: Reading, last: Reading | undefined): void {
    const { figures } = now;
    // One that has started again, or another one behind the same address: between two counts of two there is no rate.
    const isSame = last !== undefined && startOf(last) === startOf(now);
    const before = isSame ? last : undefined;
    if (!isSame) this.interrupt();
    const rate = (names: readonly string[]): number | undefined => rateOf(names, now, before);
    const delay = (share: number): number | undefined => relayDelayMs(share, figures, before?.figures);
    const scaled = (name: string, factor: number): number | undefined => times(factor, figures.sum(name));
    const [connections, sessions] = [figures.sum('signaling_connections'), inRooms(figures)];
    const relayedPerS = rate(relayed.map(counter));
    const refusals = rate([counter('joins_refused'), counter('refusals'), counter('upgrades_refused')]);
    const resident = scaled('process_resident_memory_bytes', 1 / megabyte);
    const lag = (share: string): number | undefined => loopLagMs(figures, share);
    this.#card('Connections', connections);
    this.#card('Sessions in rooms', sessions);
    this.#card('Rooms', figures.sum('signaling_rooms'));
    this.#card('Relayed a second', relayedPerS);
    this.#card('Relay latency p99', delay(0.99), ' ms');
    this.#card('Refusals a second', refusals);
    this.#card('Event loop lag p99', lag('p99'), ' ms');
    this.#card('CPU', times(100, rate(['process_cpu_seconds_total'])), ' %');
    this.#card('Memory', resident, ' MB');
    this.#card('Outbox', scaled('signaling_outbox_bytes', 1 / 1024), ' KB');
    const { people, rate: rates, delay: delays, joins, loop, memory } = this.#charts;
    people.add(now.atMs, [connections, sessions]);
    rates.add(now.atMs, [relayedPerS, rate([counter('frames_received')])]);
    delays.add(now.atMs, [delay(0.5), delay(0.95), delay(0.99)]);
    joins.add(now.atMs, [rate([counter('joins')]), refusals]);
    loop.add(now.atMs, [lag('p50'), lag('p99')]);
    memory.add(now.atMs, [resident, scaled('nodejs_heap_size_used_bytes', 1 / megabyte)]);
    this.#tables(data, figures);
  }

  #tables(data: DashboardData, figures: Figures): void {
    element('decisions', HTMLElement).replaceChildren(
      ...[...data.decisions, ...standing(figures)].map((line) => make('li', line)),
    );
    const rooms = data.rooms.map(
      ({ room_id: id, mode, peers_here: here, peers_elsewhere: elsewhere }): Row => [
        id,
        mode,
        here,
        elsewhere,
      ],
    );
    showTable(
      'rooms',
      ['Room', 'Mode', 'Peers here', 'Elsewhere'],
      rooms,
      'There is no room with anybody in it.',
    );
    table('sessions', ['dialect', 'state'], figures.samples('signaling_sessions'), 'Nobody is connected.');
    const refused = ['joins_refused', 'refusals', 'upgrades_refused', 'requests_limited'].flatMap((name) =>
      figures.samples(counter(name)).map(({ labels, value }) => ({
        labels: { what: name.replaceAll('_', ' '), why: labels['code'] ?? labels['status'] ?? '' },
        value,
      })),
    );
    table('refusals', ['what', 'why'], refused, 'Nothing was refused.');
    table('closes', ['reason'], figures.samples(counter('closes')), 'No connection has ended.');
    showTable(
      'calls',
      ['Service', 'Call', 'Times', 'Failed', 'Mean, ms'],
      callRows(figures),
      'None was asked.',
    );
    const filter = element('filter', HTMLInputElement).value;
    const all = figures.names
      .filter((name) => name.includes(filter) && !name.endsWith('_bucket'))
      .flatMap((name) =>
        figures
          .samples(name)
          .map(({ labels, value }): Row => [name, Object.values(labels).join(', '), value]),
      );
    showTable('all', ['Name', 'Labels', 'Value'], all.slice(0, maxShownFigures), 'There is no such figure.');
  }

  #card(name: string, value: number | undefined, unit = ''): void {
    let shownIn = this.#cards.get(name);
    if (shownIn === undefined) {
      const card = make('div');
      shownIn = make('dd');
      card.append(make('dt', name), shownIn);
      element('cards', HTMLElement).append(card);
      this.#cards.set(name, shownIn);
    }
    shownIn.textContent = value === undefined ? '–' : `${shown(value)}${unit}`;
  }
}

function counter(name: string): string {
  return `signaling_${name}_total`;
}

/** When the process began that is read. */
export function startOf({ figures }: Reading): number | undefined {
  return figures.sum('process_start_time_seconds');
}

function inRooms(figures: Figures): number | undefined {
  return figures.sum('signaling_sessions', { state: 'joined' }) ?? figures.sum('signaling_sessions');
}

/** A second, since the reading before. */
function rateOf(names: readonly string[], now: Reading, before: Reading | undefined): number | undefined {
  if (before === undefined || now.atMs <= before.atMs) return undefined;
  if (!names.some((name) => now.figures.has(name))) return undefined;
  const total = ({ figures }: Reading): number =>
    names.reduce((sum, name) => sum + (figures.sum(name) ?? 0), 0);
  return ((total(now) - total(before)) * 1_000) / (now.atMs - before.atMs);
}

function times(factor: number, value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : value * factor;
}

/** Beyond the shortest turn: what is measured has the period of the measuring in it. */
function loopLagMs(figures: Figures, share: string): number | undefined {
  const [lag, least] = [share, 'min'].map((which) => figures.sum(`nodejs_eventloop_lag_${which}_seconds`));
  return lag === undefined || least === undefined ? undefined : times(1_000, lag - least);
}

/** From socket to socket, on this node. */
function relayDelayMs(share: number, now: Figures, before: Figures | undefined): number | undefined {
  if (before === undefined) return undefined;
  const [was, is] = [before, now].map((figures) =>
    figures.samples('signaling_relay_seconds_bucket').filter(({ labels }) => labels['path'] === 'local'),
  );
  const value = quantile(was ?? [], is ?? [], share);
  return value === undefined ? undefined : value * 1_000;
}

/** What has a value, the most first. */
function table(id: string, labels: readonly string[], samples: readonly Sample[], none: string): void {
  const rows = samples
    .filter(({ value }) => value > 0)
    .sort((a, b) => b.value - a.value)
    .map((sample): Row => [...labels.map((label) => sample.labels[label] ?? ''), sample.value]);
  showTable(
    id,
    [...labels.map((label) => `${label.charAt(0).toUpperCase()}${label.slice(1)}`), 'Number'],
    rows,
    none,
  );
}

function callRows(figures: Figures): readonly Row[] {
  const calls = new Map<
    string,
    { service: string; operation: string; times: number; failed: number; took: number }
  >();
  const entry = ({ labels }: Sample): NonNullable<ReturnType<typeof calls.get>> => {
    const { service = '', operation = '' } = labels;
    const known = calls.get(`${service} ${operation}`) ?? {
      service,
      operation,
      times: 0,
      failed: 0,
      took: 0,
    };
    calls.set(`${service} ${operation}`, known);
    return known;
  };
  for (const sample of figures.samples('signaling_call_seconds_count')) {
    entry(sample).times += sample.value;
    if (sample.labels['outcome'] === 'failed') entry(sample).failed += sample.value;
  }
  for (const sample of figures.samples('signaling_call_seconds_sum')) entry(sample).took += sample.value;
  return [...calls.values()]
    .sort((a, b) => b.times - a.times)
    .map(({ service, operation, times, failed, took }) => [
      service,
      operation,
      times,
      failed,
      times === 0 ? 0 : Math.round((took * 100_000) / times) / 100,
    ]);
}

/** What this node stands on just now, where it stands on anything. */
function standing(figures: Figures): readonly string[] {
  const redis = figures.sum('signaling_redis_connected');
  const media = figures.samples('signaling_media_service_available');
  const links = redis === undefined ? undefined : figures.sum('signaling_links');
  const available = media.filter(({ value }) => value === 1).length;
  return [
    ...(redis === undefined ? [] : [`Redis: ${redis === 1 ? 'connected' : 'not connected'} just now.`]),
    ...(media.length === 0 ? [] : [`Media Services that answer just now: ${available} of ${media.length}.`]),
    ...(links === undefined ? [] : [`Other nodes that it exchanges letters with just now: ${links}.`]),
  ];
}
