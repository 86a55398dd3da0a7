import { describe, expect, test } from '@jest/globals';
import { alarmKeys } from '../src/alarm-keys.js';
import { large, small, smallWithAll } from './synthesized.js';

const shapes = [small(), small(smallWithAll), large()];
const alarms = shapes.flatMap((shape) => shape.all('aws_cloudwatch_metric_alarm'));

function keyOf(alarm: Readonly<Record<string, unknown>>): string {
  return /infra\/RUNBOOK\.md#([a-z0-9-]+)$/.exec(String(alarm['alarm_description']))?.[1] ?? '';
}

describe('alarms', () => {
  test('[Z16] each says in the end where the runbook has it', () => {
    expect(alarms.length).toBeGreaterThan(50);
    expect(alarms.filter((alarm) => !(keyOf(alarm) in alarmKeys))).toEqual([]);
    expect([...new Set(alarms.map(keyOf))].sort()).toEqual(Object.keys(alarmKeys).sort());
  });

  test('each tells the topic, when it begins and when it ends', () => {
    for (const alarm of alarms) {
      expect(alarm['alarm_actions']).toEqual([expect.stringMatching(/^\$\{aws_sns_topic\./)]);
      expect(alarm['ok_actions']).toEqual(alarm['alarm_actions']);
    }
    expect(large().one('aws_sns_topic_subscription')).toMatchObject({
      protocol: 'email',
      endpoint: 'operator@example.org',
    });
    expect(small().types()).not.toContain('aws_sns_topic_subscription');
  });

  test('a host that says nothing any more is as bad as one that is ill', () => {
    for (const alarm of alarms.filter((one) =>
      ['containers-unhealthy', 'host-status-check'].includes(keyOf(one)),
    )) {
      expect(alarm['treat_missing_data']).toBe('breaching');
    }
  });

  test('every host is watched, by the names under which it puts its figures', () => {
    const shape = large();
    const groups = shape
      .all('aws_cloudwatch_metric_alarm')
      .filter((alarm) => keyOf(alarm) === 'containers-unhealthy')
      .map((alarm) => (alarm['dimensions'] as { group: string }).group);
    expect(groups.sort()).toEqual(
      ['media-1', 'server', 'turn-1', 'turn-2'].map((host) => `webrtc-signaling-production-${host}`),
    );
    for (const group of groups) expect(shape.scripts().join()).toContain(`METRIC_GROUP='${group}'`);
  });

  test('each alarm of a kind has a name of its own', () => {
    for (const shape of shapes) {
      const names = shape.all('aws_cloudwatch_metric_alarm').map((alarm) => alarm['alarm_name']);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test('lines that say error are counted', () => {
    expect(small().one('aws_cloudwatch_log_metric_filter')).toMatchObject({
      pattern: '{ $.level = "error" }',
      log_group_name: '${aws_cloudwatch_log_group.log.name}',
    });
  });
});
