/** The shipped dashboard and alerts against a real Prometheus, two nodes and a Media Service, under load. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { mediaKey, MediaProcess } from '../support/media-service.js';
import { ProcessBuild } from '../support/process-build.js';
import { Program } from '../support/spawn.js';
import { ProcessPair } from '../support/topology.js';
import { monitoring, Prometheus, type Result } from './prometheus.js';
import { Reading, runTool } from './reading.js';

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: unknown;
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
}

const dashboard = JSON.parse(readFileSync(path.join(monitoring, 'grafana-dashboard.json'), 'utf8')) as {
  schemaVersion: number;
  templating: { list: { name: string }[] };
  panels: Panel[];
};
const alerts = parse(readFileSync(path.join(monitoring, 'alerts.yml'), 'utf8')) as {
  groups: { rules: { expr: string }[] }[];
};
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, refId }) => [`${title} ${refId}`, expr] as const),
);
const load = fileURLToPath(new URL('../../scripts/load/run.mjs', import.meta.url));
const adminToken = 'a token of operators in tests';
const bearer = { authorization: `Bearer ${adminToken}` };

let made: ProcessBuild;
let media: MediaProcess;
let nodes: ProcessPair;
let prometheus: Prometheus;
/** What the load tool said last. */
let counts: Record<string, number>;

beforeAll(async () => {
  made = await ProcessBuild.make('src/media/main.ts');
  media = await MediaProcess.start(made.entry);
  nodes = await ProcessPair.start({
    ADMIN_TOKEN: adminToken,
    MEDIA_SERVICE_URL: media.url,
    INTERNAL_SERVICE_KEY: mediaKey,
  });
  const host = (url: string): string => new URL(url).host;
  const targets = {
    signaling: [host(nodes.left.http), host(nodes.right.http)],
    'signaling-media': [host(media.url)],
  };
  prometheus = await Prometheus.start(targets, adminToken);
  const urls = ['--url', nodes.left.http, '--url', nodes.right.http];
  const crowd = ['--peers', '12', '--room-size', '4', '--seconds', '12', '--rate', '4', '--sfu'];
  const program = Program.start(process.execPath, [load, ...urls, ...crowd]);
  const { code } = await program.exited;
  if (code !== 0) throw new Error(`the load tool failed:\n${program.output}`);
  counts = JSON.parse(program.lines.at(-1) ?? '{}') as Record<string, number>;
});
afterAll(async () => {
  await prometheus.stop();
  await nodes.stop();
  await media.stop();
  made.remove();
});

/** As Grafana fills them in. */
function filled(expr: string): string {
  return expr
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', '60s')
    .replaceAll(/\$(instance|media)\b/g, '.*');
}

function numbers(results: readonly Result[]): number[] {
  return results.map(({ value: [, text] }) => Number(text));
}

/** Queries that are of the nodes chosen, or of the Media Services chosen. */
const chosen = [
  ['$instance', 'node', () => [nodes.left.http, nodes.right.http]],
  ['$media', 'Media Service', () => [media.url]],
] as const;

/** What a query reads. */
function namesIn(expr: string): string[] {
  const bare = expr.replaceAll(/"[^"]*"/g, '').replaceAll(/\b(by|on) \([^)]*\)/g, '');
  return bare.match(/\b(signaling|media|nodejs|process)_\w+/g) ?? [];
}

describe('[J6] the dashboard', () => {
  test.each(queries)('%s has a number', async (_title, expr) => {
    const results = await prometheus.found(filled(expr));
    expect(results.length).toBeGreaterThan(0);
    for (const number of numbers(results)) expect(number).toBeGreaterThanOrEqual(0);
  });

  test.each(chosen)('%s shows no other target than a %s', async (variable, _what, urls) => {
    const hosts = urls().map((url) => new URL(url).host);
    const asked = queries.filter(([, expr]) => expr.includes(`"${variable}"`));
    expect(asked.length).toBeGreaterThan(5);
    for (const [title, expr] of asked) {
      for (const { metric } of await prometheus.query(filled(expr)))
        expect([title, ...hosts]).toContain(metric['instance'] ?? title);
    }
  });

  test('is one that Grafana 10 reads, with panels that do not cover each other', () => {
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(38);
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance', 'media']);
    const taken = new Set<string>();
    for (const { gridPos } of dashboard.panels) {
      const { x, y, w, h } = gridPos as Record<'x' | 'y' | 'w' | 'h', number>;
      expect(x + w).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column += 1) {
        for (let row = y; row < y + h; row += 1) {
          expect(taken.has(`${String(column)} ${String(row)}`)).toBe(false);
          taken.add(`${String(column)} ${String(row)}`);
        }
      }
    }
    for (const { type, targets = [] } of dashboard.panels) expect(type === 'row').toBe(targets.length === 0);
  });

  test('asks, as the alerts do, for what nodes and Media Services show', async () => {
    const shown = new Set([
      ...(await Reading.of(nodes.left.http, bearer)).names,
      ...(await Reading.of(media.url)).names,
    ]);
    const rules = alerts.groups.flatMap((group) => group.rules.map(({ expr }) => expr));
    const asked = new Set([...queries.map(([, expr]) => expr), ...rules].flatMap(namesIn));
    expect(asked.size).toBeGreaterThan(60);
    expect([...asked].filter((name) => !shown.has(name))).toEqual([]);
  });

  test('[J1] promtool finds nothing to say of nodes and Media Services that have worked', async () => {
    for (const { text } of [await Reading.of(nodes.right.http, bearer), await Reading.of(media.url)])
      expect(runTool('promtool', ['check', 'metrics'], text)).toEqual({ status: 0, output: '' });
  });
});

describe('[J8] the load', () => {
  test('did what peers do, and no session was lost', () => {
    expect(counts).toMatchObject({ lost: 0, cut_by_server: 0, refused: 4 });
    for (const what of ['heard', 'accepted', 'delivered', 'error', 'resumed'])
      expect(counts[what]).toBeGreaterThan(0);
    expect(counts['resumed']).toBe(counts['broken_off']);
  });

  test.each([
    ['messages on one node', 'sum(signaling_relay_seconds_count{path="local"})'],
    ['messages between nodes', 'sum(signaling_relay_seconds_count{path="remote"})'],
    ['chat', 'sum(signaling_chats_said_total)'],
    ['sessions that go on where they were', 'sum(signaling_resumes_total{outcome="here"})'],
    ['sessions that go on elsewhere', 'sum(signaling_resumes_total{outcome="moved"})'],
    ['refused joins', 'sum(signaling_joins_refused_total{code="INVALID_TOKEN"})'],
    ['refused upgrades', 'sum(signaling_upgrades_refused_total{status="404"})'],
    ['requests for media', 'sum(signaling_media_requests_total)'],
    ['routers', 'sum(media_requests_total{path="/routers", outcome="ok"})'],
  ])('there were %s', async (_what, expr) => {
    expect(numbers(await prometheus.found(expr))[0]).toBeGreaterThan(0);
  });

  test('no alert was raised', async () => {
    const raised = await prometheus.query('ALERTS{alertstate="firing"}');
    // A machine that is too busy for a letter to come within 700 ms has messages refused, and is told of rightly.
    const late = numbers(await prometheus.found('sum(signaling_sends_late_total)'))[0] ?? 0;
    const rightly = late > 0 ? ['SignalingMessagesDropped'] : [];
    expect(
      raised.map(({ metric }) => metric['alertname']).filter((name = '') => !rightly.includes(name)),
    ).toEqual([]);
  });
});
