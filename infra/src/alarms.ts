import { alarmKeys, type AlarmKey } from './alarm-keys.js';
import type { TableKind } from './tables.js';
import { adapterActions } from './permissions.js';
import { nameOf } from './names.js';
import type { Settings } from './settings.js';
import {
  CloudwatchLogMetricFilter,
  CloudwatchMetricAlarm,
  type CloudwatchMetricAlarmConfig,
  Construct,
  SnsTopic,
  SnsTopicSubscription,
} from './terraform.js';
import { isBurstable } from './machine.js';

type Rule = Pick<
  CloudwatchMetricAlarmConfig,
  | 'namespace'
  | 'metricName'
  | 'dimensions'
  | 'statistic'
  | 'comparisonOperator'
  | 'treatMissingData'
  | 'metricQuery'
> & {
  readonly threshold: number;
  readonly period: number;
  readonly evaluationPeriods: number;
};

/** A host or a group of them, as CloudWatch knows it. */
interface Watched {
  readonly name: string;
  readonly role: string;
  readonly instanceType: string;
  readonly dimension: Readonly<{ InstanceId: string } | { AutoScalingGroupName: string }>;
  readonly hasServer: boolean;
}

interface WatchedBalancer {
  readonly balancer: string;
  readonly targets: string;
  readonly certificateArn: string;
  readonly group: string;
  readonly leastHosts: number;
}

const above = 'GreaterThanThreshold';
const below = 'LessThanThreshold';
const minute = 60;

/** Alarms, and whom they are told to. What each means and what to do is in `RUNBOOK.md`, which its description names. */
export class Alarms extends Construct {
  readonly topicArn: string;
  private readonly settings: Settings;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    this.settings = settings;
    // Not encrypted with SNS's own key, which CloudWatch may not use; alarms hold nothing secret.
    const topic = new SnsTopic(this, 'topic', { name: nameOf(settings, 'alarms') });
    this.topicArn = topic.arn;
    if (settings.alarmEmail === undefined) return;
    new SnsTopicSubscription(this, 'mail', {
      topicArn: topic.arn,
      protocol: 'email',
      endpoint: settings.alarmEmail,
    });
  }

  /** `namespace`: where the host puts its own figures. */
  watchHost({ name, role, instanceType, dimension, hasServer }: Watched, namespace: string): void {
    const ec2 = { namespace: 'AWS/EC2', dimensions: dimension };
    const own = { namespace, dimensions: { group: name } };
    if ('InstanceId' in dimension) {
      this.alarm('host-status-check', role, {
        ...ec2,
        metricName: 'StatusCheckFailed',
        ...over('Maximum', 0, minute, 2),
        treatMissingData: 'breaching',
      });
    }
    this.alarm('host-cpu', role, {
      ...ec2,
      metricName: 'CPUUtilization',
      ...over('Average', 80, 5 * minute, 3),
    });
    if (isBurstable(instanceType)) {
      this.alarm('host-cpu-credits', role, {
        ...ec2,
        metricName: 'CPUSurplusCreditBalance',
        ...over('Maximum', 0, 5 * minute, 6),
      });
    }
    this.alarm('host-memory', role, {
      ...own,
      metricName: 'mem_used_percent',
      ...over('Maximum', 90, 5 * minute, 2),
    });
    this.alarm('host-disk', role, {
      ...own,
      metricName: 'disk_used_percent',
      ...over('Maximum', 85, 5 * minute, 1),
    });
    this.alarm('containers-unhealthy', role, {
      ...own,
      metricName: 'healthy',
      ...under('Minimum', 1, minute, 3),
      treatMissingData: 'breaching',
    });
    this.alarm('containers-restarting', role, {
      ...own,
      metricName: 'restarts',
      ...over('Sum', 2, 30 * minute, 1),
    });
    if (!hasServer) return;
    this.alarm('server-degraded', role, { ...own, metricName: 'ready', ...under('Minimum', 1, minute, 5) });
  }

  /** Lines with the level `error`, as the server and the Media Service write them. */
  watchLog(logGroupName: string, namespace: string): void {
    const metricName = 'errors_logged';
    new CloudwatchLogMetricFilter(this, 'error-lines', {
      name: nameOf(this.settings, 'errors'),
      logGroupName,
      pattern: '{ $.level = "error" }',
      metricTransformation: { namespace, name: metricName, value: '1', defaultValue: '0' },
    });
    this.alarm('errors-logged', '', { namespace, metricName, ...over('Sum', 10, 5 * minute, 1) });
  }

  watchTable(kind: TableKind, table: string): void {
    const metric = (id: string, metricName: string, dimensions: Record<string, string>): object => ({
      id,
      metric: {
        namespace: 'AWS/DynamoDB',
        metricName,
        period: minute,
        stat: 'Sum',
        dimensions: { TableName: table, ...dimensions },
      },
    });
    const sum = { id: 'all', expression: 'SUM(METRICS())', label: 'all', returnData: true };
    const counted = (metricQuery: readonly object[]): Rule => ({
      metricQuery: [sum, ...metricQuery] as NonNullable<CloudwatchMetricAlarmConfig['metricQuery']>,
      comparisonOperator: above,
      threshold: 0,
      period: minute,
      evaluationPeriods: 1,
    });
    this.alarm(
      'dynamodb-throttled',
      kind,
      counted([metric('read', 'ReadThrottleEvents', {}), metric('write', 'WriteThrottleEvents', {})]),
    );
    const actions = [...adapterActions[kind], ...(kind === 'rooms' ? adapterActions.roomsByStatus : [])];
    const operations = actions.map((action) => action.replace(/^dynamodb:/, ''));
    this.alarm(
      'dynamodb-errors',
      kind,
      counted(operations.map((Operation, at) => metric(`m${at}`, 'SystemErrors', { Operation }))),
    );
  }

  watchBalancer({ balancer, targets, certificateArn, group, leastHosts }: WatchedBalancer): void {
    const front = { namespace: 'AWS/ApplicationELB', dimensions: { LoadBalancer: balancer } };
    const behind = {
      namespace: front.namespace,
      dimensions: { LoadBalancer: balancer, TargetGroup: targets },
    };
    const often = over('Sum', 10, 5 * minute, 1);
    this.alarm('load-balancer-5xx', '', { ...front, metricName: 'HTTPCode_ELB_5XX_Count', ...often });
    this.alarm('target-5xx', '', { ...behind, metricName: 'HTTPCode_Target_5XX_Count', ...often });
    this.alarm('target-connection-errors', '', {
      ...behind,
      metricName: 'TargetConnectionErrorCount',
      ...often,
    });
    this.alarm('unhealthy-hosts', '', {
      ...behind,
      metricName: 'UnHealthyHostCount',
      ...over('Maximum', 0, minute, 5),
    });
    this.alarm('too-few-hosts', '', {
      namespace: 'AWS/AutoScaling',
      dimensions: { AutoScalingGroupName: group },
      metricName: 'GroupInServiceInstances',
      ...under('Minimum', leastHosts, minute, 10),
      treatMissingData: 'breaching',
    });
    this.alarm('certificate-expiry', '', {
      namespace: 'AWS/CertificateManager',
      dimensions: { CertificateArn: certificateArn },
      metricName: 'DaysToExpiry',
      ...under('Minimum', 21, 24 * 60 * minute, 1),
    });
  }

  watchCache(nodeIds: readonly string[]): void {
    for (const [at, CacheClusterId] of nodeIds.entries()) {
      const node = { namespace: 'AWS/ElastiCache', dimensions: { CacheClusterId } };
      const which = String(at + 1);
      this.alarm('redis-cpu', which, {
        ...node,
        metricName: 'EngineCPUUtilization',
        ...over('Average', 70, 5 * minute, 2),
      });
      this.alarm('redis-memory', which, {
        ...node,
        metricName: 'DatabaseMemoryUsagePercentage',
        ...over('Maximum', 75, 5 * minute, 1),
      });
      this.alarm('redis-evictions', which, {
        ...node,
        metricName: 'Evictions',
        ...over('Sum', 0, 5 * minute, 1),
      });
      this.alarm('redis-replication-lag', which, {
        ...node,
        metricName: 'ReplicationLag',
        ...over('Maximum', 5, minute, 5),
      });
    }
  }

  private alarm(key: AlarmKey, which: string, { period, metricQuery, ...rule }: Rule): void {
    const suffix = which === '' ? [key] : [key, which];
    new CloudwatchMetricAlarm(this, suffix.join('-'), {
      treatMissingData: 'notBreaching',
      ...rule,
      // Each of several metrics has a period of its own.
      ...(metricQuery === undefined ? { period } : { metricQuery }),
      alarmName: nameOf(this.settings, ...suffix),
      alarmDescription: `${alarmKeys[key]} infra/RUNBOOK.md#${key}`,
      alarmActions: [this.topicArn],
      okActions: [this.topicArn],
    });
  }
}

function over(statistic: string, threshold: number, period: number, evaluationPeriods: number) {
  return { statistic, threshold, period, evaluationPeriods, comparisonOperator: above };
}

function under(statistic: string, threshold: number, period: number, evaluationPeriods: number) {
  return { ...over(statistic, threshold, period, evaluationPeriods), comparisonOperator: below };
}
