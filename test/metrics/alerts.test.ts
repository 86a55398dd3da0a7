/** The alert rules, by Prometheus's own tool. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { runTool } from './reading.js';

const folder = fileURLToPath(new URL('../../infra/monitoring/', import.meta.url));
const runbook = fileURLToPath(new URL('../../infra/RUNBOOK.md', import.meta.url));
const read = (name: string): unknown => parse(readFileSync(path.join(folder, name), 'utf8'));

interface Rule {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const { groups } = read('alerts.yml') as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

describe('[J7] the alerts', () => {
  test('are rules that Prometheus takes', () => {
    expect(runTool('promtool', ['check', 'rules', path.join(folder, 'alerts.yml')])).toMatchObject({
      status: 0,
    });
  });

  test.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s says how bad it is, what has happened, and where it is told what to do',
    (name, { labels, annotations }) => {
      expect(['critical', 'warning']).toContain(labels['severity']);
      expect(Object.keys(annotations)).toEqual(['summary', 'description', 'runbook_url']);
      expect(annotations['runbook_url']).toBe(`infra/RUNBOOK.md#${name.toLowerCase()}`);
      const headings = readFileSync(runbook, 'utf8').match(/^#+ .*$/gm) ?? [];
      expect(headings.map((heading) => heading.replace(/^#+ |[`]/g, ''))).toContain(name);
    },
  );

  test('fire when they should, and are silent when not', () => {
    const { status, output } = runTool('promtool', ['test', 'rules', path.join(folder, 'alerts.test.yml')]);
    expect({ status, output }).toEqual({ status: 0, output: expect.stringContaining('SUCCESS') });
  });

  test('are each tested both ways', () => {
    const { tests } = read('alerts.test.yml') as {
      tests: { name: string; promql_expr_test: { expr: string; exp_samples: { value: number }[] }[] }[];
    };
    const outcomes = tests.map(({ promql_expr_test: [asked] }) => [
      /alertname="(\w+)"/.exec(asked?.expr ?? '')?.[1],
      asked?.exp_samples[0]?.value,
    ]);
    for (const { alert } of rules) {
      const values = outcomes.filter(([name]) => name === alert).map(([, value]) => value);
      expect([alert, new Set(values)]).toEqual([alert, new Set([1, 0])]);
    }
  });
});
