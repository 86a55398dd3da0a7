/** Rows of the table: what happens to Redis. */
import { latencies, most, p50, p99, returns, silences, time } from './measure.mjs';
import { Stage } from './stage.mjs';
import { pause } from './timing.mjs';

const isAcross = ({ isAcross: across }) => across;
const isLocal = ({ isAcross: across }) => !across;

/** Redis is gone, and comes back empty. */
async function killRedis(stage) {
  await stage.open(Stage.across);
  const { redis } = stage.scene;
  const atMs = performance.now();
  await redis.kill();
  await pause(2000 - (performance.now() - atMs));
  await redis.start();
  const awayMs = performance.now() - atMs;
  await pause(stage.ms(5000, 2000));
  const silent = silences(stage.streams(), atMs);
  return {
    ...(await stage.finish()),
    times: [
      time('Redis away', awayMs),
      time('silence, median', p50(silent)),
      time('silence, most', most(silent), 2150),
    ],
  };
}

/** Listens for the first refusal that each client is told of. */
function watchRefusals(clients, atMs) {
  const first = new Map();
  const final = new Set();
  for (const { name, outgoing } of clients) {
    outgoing.onRefused = ({ retryable, code }) => {
      if (!first.has(name)) first.set(name, performance.now() - atMs);
      if (!retryable) final.add(code);
    };
  }
  return { first, final };
}

/** Redis is stopped: connections stay, nothing is answered. */
async function stopRedis(stage) {
  await stage.open(Stage.mixed);
  const startMs = performance.now();
  await pause(stage.ms(3000, 1000));
  const { redis } = stage.scene;
  const atMs = performance.now();
  const across = stage.pairs.filter(isAcross).flatMap(({ a, b }) => [a, b]);
  const { first, final } = watchRefusals(across, atMs);
  redis.stop();
  await pause(3000);
  redis.proceed();
  const backAtMs = performance.now();
  await pause(stage.ms(5000, 2000));
  const local = stage.streams(isLocal);
  const result = await stage.finish();
  if (final.size > 0) result.wrong.push(`refused for good: ${[...final].join(', ')}`);
  if (first.size < across.length) result.wrong.push(`${across.length - first.size} were told of no refusal`);
  return {
    ...result,
    times: [
      time('refused, last to be told', most([...first.values()]), 1000),
      time('same node p99 before', p99(latencies(local, startMs, atMs))),
      time('same node p99 meanwhile', p99(latencies(local, atMs, backAtMs))),
      time('same node, longest', most(latencies(local, atMs, backAtMs))),
      time('across again after', most(returns(stage.streams(isAcross), backAtMs))),
    ],
  };
}

/** Redis is away for long, and comes back empty. */
async function loseRedis(stage) {
  await stage.open(Stage.mixed);
  const { redis, nodes } = stage.scene;
  const atMs = performance.now();
  const across = stage.pairs.filter(isAcross).flatMap(({ a, b }) => [a, b]);
  const { first, final } = watchRefusals(across, atMs);
  await redis.kill();
  await pause(stage.options.downSeconds * 1000);
  const health = await Promise.all(
    ['/healthz', '/readyz'].map(async (route) => `${route} ${(await fetch(nodes[0].http + route)).status}`),
  );
  await redis.start();
  const backAtMs = performance.now();
  await pause(stage.ms(6000, 3000));
  const [local, remote] = [stage.streams(isLocal), stage.streams(isAcross)];
  const result = await stage.finish({ mostMs: 60_000 });
  if (final.size > 0) result.wrong.push(`refused for good: ${[...final].join(', ')}`);
  if (first.size < across.length) result.wrong.push(`${across.length - first.size} were told of no refusal`);
  const meanwhile = latencies(local, atMs, backAtMs);
  const undelivered = meanwhile.filter((ms) => ms === Number.POSITIVE_INFINITY).length;
  if (undelivered > 0) result.wrong.push(`${undelivered} same-node messages were not delivered`);
  return {
    ...result,
    notes: [`meanwhile ${health.join(', ')}`],
    times: [
      time('refused, last to be told', most([...first.values()])),
      time('same node p99 meanwhile', p99(meanwhile)),
      time('same node, longest', most(meanwhile)),
      time('across again after', most(returns(remote, backAtMs)), 5000),
    ],
  };
}

export const rowsOfRedis = [
  {
    row: 4,
    title: 'Redis SIGKILL, back after 2 s',
    aim: '0 lost, in order, silence at most 2.15 s',
    run: killRedis,
  },
  {
    row: 5,
    title: 'Redis SIGSTOP 3 s',
    aim: 'retryable refusal within 1 s, same-node traffic unaffected',
    run: stopRedis,
  },
  {
    row: 10,
    title: 'Redis down for 60 s',
    aim: 'same-node calls work, others get a retryable error, all works within 5 s of its return',
    run: loseRedis,
  },
];
