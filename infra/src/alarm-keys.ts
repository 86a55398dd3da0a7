/** Every alarm, in words that say what has happened. `RUNBOOK.md` has a section for each, by these keys. */
export const alarmKeys = {
  'host-status-check': 'EC2 says that the instance, or what it runs on, does not work.',
  'host-cpu': 'The processor is busy for more than 80 % of 15 minutes.',
  'host-cpu-credits': 'The instance works on borrowed processor time, which costs extra: it is too small.',
  'host-memory': 'More than 90 % of the memory is used.',
  'host-disk': 'More than 85 % of the root file system is used.',
  'containers-unhealthy': 'A container of the host does not answer, or the host says nothing any more.',
  'containers-restarting':
    'Containers of the host died and were started again three times within half an hour.',
  'server-degraded': 'A server is up, but cannot serve newcomers: Redis or DynamoDB is away.',
  'errors-logged': 'More than 10 errors were logged within 5 minutes.',
  'load-balancer-5xx':
    'The load balancer answered with errors of its own more than 10 times within 5 minutes.',
  'target-5xx': 'Servers answered with 5xx more than 10 times within 5 minutes.',
  'target-connection-errors':
    'The load balancer could not connect to servers more than 10 times within 5 minutes.',
  'unhealthy-hosts': 'A server behind the load balancer is not ready.',
  'too-few-hosts': 'Fewer servers than the least number are in service.',
  'certificate-expiry': 'The certificate of the load balancer expires within three weeks.',
  'dynamodb-throttled': 'DynamoDB refused requests to the table, because there were too many.',
  'dynamodb-errors': 'DynamoDB failed to answer requests to the table.',
  'redis-cpu': 'The engine of a Redis node is busy for more than 70 % of 10 minutes.',
  'redis-memory': 'More than 75 % of the memory of a Redis node is used.',
  'redis-evictions': 'A Redis node threw something away: seats or chat may be lost.',
  'redis-replication-lag': 'A replica of Redis is more than 5 seconds behind.',
} as const;

export type AlarmKey = keyof typeof alarmKeys;
