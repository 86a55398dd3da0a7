/** Rows of the table: what happens to a client's own socket. */
import { latencies, most, p50, p99, silences, time } from './measure.mjs';
import { Stage } from './stage.mjs';
import { pause } from './timing.mjs';

const backMs = 1_000;

/** All receivers at once, back after a second. */
async function cutAndBack(stage, node) {
  await stage.open(Stage.across);
  const atMs = performance.now();
  for (const { b } of stage.pairs) b.cut({ backMs, node });
  await pause(stage.ms(5000, 2200));
  const silent = silences(stage.inbound, atMs);
  return {
    ...(await stage.finish()),
    times: [
      time('in again after, most', most(stage.pairs.map(({ b }) => b.beganAtMs - atMs))),
      time('silence, median', p50(silent)),
      time('silence, most', most(silent), backMs + 20),
    ],
  };
}

/** Somebody does not read while another tells everybody 1 MB a second. */
async function stopReading(stage) {
  const [frameBytes, frames] = [8_000, 125];
  await stage.open(Stage.across, 300, Math.min(stage.options.pairs, 5));
  const { scene, room } = stage;
  const speaker = await scene.join('speaker', room, stage.options.isTogether ? 1 : 0);
  const stuck = await scene.join('stuck', room, 1, { silenceMs: Number.POSITIVE_INFINITY });
  const sdp = 'x'.repeat(frameBytes);
  const speech = setInterval(() => speaker.say({ type: 'offer', sdp }), 1000 / frames);
  const rss = () => scene.nodes.map((node) => node.rssBytes());
  const sampled = scene.nodes.map(() => []);
  const sampler = setInterval(() => rss().forEach((bytes, i) => sampled[i].push(bytes)), 100);
  let goneAtMs = Number.POSITIVE_INFINITY;
  stage.pairs[0].a.onFrame = ({ type, peer_id: who }) => {
    if (type !== 'user_disconnecting' || who !== 'stuck') return;
    goneAtMs = performance.now();
    // It learns why when it reads again.
    stuck.read(true);
  };
  const startMs = performance.now();
  await pause(stage.ms(8000, 1500));
  const before = sampled.map(most);
  const atMs = performance.now();
  stuck.read(false);
  // From here on it is somebody who goes for good.
  scene.ledger.ending(stuck);
  stuck.end = 'vanished';
  await pause(stage.ms(20_000, 6000));
  clearInterval(speech);
  clearInterval(sampler);
  const untilMs = performance.now();
  const growth = most(sampled.map((samples, i) => most(samples) - before[i]));
  stuck.read(true);
  await pause(300);
  const codes = Object.keys(stuck.stats.closes);
  const streams = stage.streams();
  const result = await stage.finish();
  if (goneAtMs === Number.POSITIVE_INFINITY) result.wrong.push('the one who does not read was not closed');
  return {
    ...result,
    notes: [
      `closed with ${codes.join(', ') || 'nothing that it could read'}`,
      `RSS +${(growth / 2 ** 20).toFixed(1)} MiB (at most 10)`,
    ],
    times: [
      time('closed after', goneAtMs - atMs),
      time('others’ p99 before', p99(latencies(streams, startMs, atMs))),
      time('others’ p99 during', p99(latencies(streams, atMs, untilMs))),
    ],
  };
}

/** The same identity comes again, with its claim or every fourth without, while the old socket hangs. */
async function comeAgain(stage) {
  await stage.open(Stage.across);
  const atMs = performance.now();
  const isFresh = (i) => i % 4 === 3;
  const olds = stage.pairs.map(({ b }, i) =>
    b.moveOn({ node: stage.options.isTogether ? 1 : i % 2, isFresh: isFresh(i) }),
  );
  const inAfterMs = [];
  while (
    inAfterMs.filter((ms) => ms !== undefined).length < olds.length &&
    performance.now() < atMs + 10_000
  ) {
    stage.pairs.forEach(({ b }, i) => {
      if (b.isIn) inAfterMs[i] ??= performance.now() - atMs;
    });
    await pause(1);
  }
  await pause(500);
  for (const old of olds) old.thaw();
  const codes = await Promise.all(olds.map((old) => Promise.race([old.closed, pause(10_000)])));
  await pause(stage.options.watchSeconds * 1000);
  const result = await stage.finish({ freshStarts: olds.filter((_, i) => isFresh(i)).length });
  const wrongCodes = codes.filter((code) => code !== 4409);
  if (wrongCodes.length > 0)
    result.wrong.push(`old sockets closed with ${[...new Set(wrongCodes)].join(', ')}`);
  return {
    ...result,
    times: [time('in after, median', p50(inAfterMs)), time('in after, most', most(inAfterMs))],
  };
}

export const rowsOfSockets = [
  {
    row: 1,
    title: 'receiver’s socket cut, back after 1 s on the same node',
    aim: '0, 0, none; at most 20 ms more than the second',
    run: (stage) => cutAndBack(stage, 1),
  },
  {
    row: 2,
    title: 'receiver’s socket cut, back after 1 s on the other node',
    aim: '0, 0, none',
    run: (stage) => cutAndBack(stage, 0),
  },
  {
    row: 7,
    title: 'one member stops reading for 20 s, 1 MB/s broadcast',
    aim: 'closed 4008, at most +10 MiB, others’ p99 unharmed',
    run: stopReading,
    shortEnv: { MAX_MESSAGE_BYTES: '65536', MAX_OUTBOX_BYTES: '1048576', GRACE_MS: '1000' },
  },
  {
    row: 9,
    title: 'same identity again while the old socket is half-open',
    aim: 'at once, old socket closed, no false "left" a minute later',
    run: comeAgain,
    shortEnv: { PING_MS: '1000' },
  },
];
