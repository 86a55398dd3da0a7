/** The runbook says something of every alarm, and names nothing that is not there. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { alarmKeys } from '../../infra/src/alarm-keys.js';
import { auditEvents } from '../../src/ports/audit.js';
import { limitRules, notReadyReasons } from '../../src/ports/metrics.js';
import { blocks, complaintsOfBash, logEvents, metricNames, named, settingNames } from './guide-text.js';

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  }[];
}

const runbook = readFileSync('infra/RUNBOOK.md', 'utf8');
const rules = (parse(readFileSync('infra/monitoring/alerts.yml', 'utf8')) as Rules).groups.flatMap(
  (group) => group.rules,
);
const sections = new Map(
  runbook
    .split(/^### /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text]),
);

test('every alarm of CloudWatch and every alert of Prometheus has its section, and every section its alarm', () => {
  const alarms = [...Object.keys(alarmKeys), ...rules.map(({ alert }) => alert)];
  expect([...sections.keys()].sort()).toEqual(alarms.sort());
});

test('what an alert links to is its section', () => {
  for (const { alert, annotations } of rules) {
    expect(annotations['runbook_url']).toBe(`infra/RUNBOOK.md#${alert.toLowerCase()}`);
  }
});

test('every section says what it means, what to look at, what to do, and when not', () => {
  const lacking = [...sections].filter(
    ([, text]) => !/\*\*Means\*\*[^]*\*\*Look\*\*[^]*\*\*[Dd]o\*\*[^]*\*\*[Ii]gnore\*\*/.test(text),
  );
  expect(lacking.map(([name]) => name).filter((name) => name !== 'SignalingNotReady')).toEqual([]);
});

test('what only root may do on a host is told with sudo: a session of Session Manager is a user’s', () => {
  const text = `${runbook}\n${readFileSync('infra/README.md', 'utf8')}`;
  const told = [
    ...text.matchAll(/(?<=[`\n])(sudo )?(?:systemctl|journalctl|docker) (?!build|push|login|compose)\S+/g),
  ];
  expect(told.length).toBeGreaterThan(6);
  expect(told.filter(([, sudo]) => sudo === undefined).map(([words]) => words)).toEqual([]);
});

test('links lead to sections', () => {
  const anchors = [...sections.keys()].map((name) => name.toLowerCase());
  for (const [, anchor = ''] of runbook.matchAll(/\]\(#([\w-]+)\)/g)) expect(anchors).toContain(anchor);
});

test('every metric, log event and setting that it names is there', async () => {
  const services = ['media_service'];
  const known = new Set([
    ...(await metricNames()),
    ...logEvents(),
    ...auditEvents,
    ...limitRules,
    ...notReadyReasons,
    ...services,
  ]);
  expect(named(runbook, /^[a-z]+(?:_[a-z0-9]+)+$/).filter((name) => !known.has(name))).toEqual([]);
  const settings = settingNames();
  const variables = named(runbook, /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/).filter(
    (name) => name !== 'REDIS_PASSWORD',
  );
  expect(variables.filter((name) => !settings.has(name))).toEqual([]);
});

test('its commands are those of bash', () => {
  expect([...blocks(runbook).keys()]).toEqual(['shell', 'logs', 'figures']);
  for (const script of blocks(runbook).values()) expect(complaintsOfBash(script)).toBe('');
});
