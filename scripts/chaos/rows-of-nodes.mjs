/** Rows of the table: what happens to nodes. */
import { most, p50, silences, time } from './measure.mjs';
import { Stage } from './stage.mjs';
import { pause } from './timing.mjs';

/** A node dies as a process can; its clients come back at once. */
async function killNode(stage) {
  await stage.open(Stage.across);
  const atMs = performance.now();
  await stage.scene.nodes[1].kill();
  await pause(stage.ms(5000, 2500));
  const silent = silences(stage.streams(), atMs);
  return {
    ...(await stage.finish()),
    times: [time('silence, median', p50(silent)), time('silence, most', most(silent), 55)],
  };
}

async function drainNode(stage) {
  await stage.open(Stage.across);
  const atMs = performance.now();
  const { code, ms } = await stage.scene.nodes[1].drain();
  await pause(stage.ms(3000, 1000));
  const silent = silences(stage.streams(), atMs);
  const result = await stage.finish();
  if (code !== 0) result.wrong.push(`exit code ${code}`);
  return {
    ...result,
    notes: [`exit ${code}`],
    times: [time('exit after', ms, 8000), time('silence, most', most(silent))],
  };
}

/** A node dies, and so do those who were on it. */
async function killNodeAndClients(stage) {
  await stage.open(Stage.across);
  const { ledger, nodes, traffic } = stage.scene;
  traffic.stop();
  const atMs = performance.now();
  const died = nodes[1].kill();
  for (const { a, b } of stage.pairs) {
    ledger.ending(b);
    b.vanish();
    a.outgoing.forget(b.name);
  }
  await died;
  const graceMs = Number(nodes[0].env.GRACE_MS ?? 5000);
  const result = await stage.finish({ mostMs: graceMs + 30_000 });
  const told = ledger.notices.filter(({ what, atMs: when }) => what === 'left' && when > atMs);
  const after = told.map(({ atMs: when }) => when - atMs);
  return {
    ...result,
    notes: [`${result.counts.leaves} leaves to tell, ${told.length} told`],
    times: [time('told, first', Math.min(...after)), time('told, last', most(after), graceMs + 12_000)],
  };
}

/** One node after the other, while everybody talks. */
async function rollingRestart(stage) {
  await stage.open((pair, nodes) => [pair % nodes, (pair + 1) % nodes]);
  const startMs = performance.now();
  const codes = [];
  for (const node of stage.scene.nodes) {
    const { code } = await node.drain();
    codes.push(code);
    await node.start();
    await pause(stage.ms(1500, 300));
  }
  const tookMs = performance.now() - startMs;
  const silent = silences(stage.streams(), startMs);
  const result = await stage.finish();
  if (codes.some((code) => code !== 0)) result.wrong.push(`exit codes ${codes.join(', ')}`);
  const resumes = stage.scene.clients.reduce((sum, { stats }) => sum + stats.resumes, 0);
  return {
    ...result,
    notes: [`${resumes} resumes`],
    times: [time('in all', tookMs), time('silence, most', most(silent))],
  };
}

export const rowsOfNodes = [
  {
    row: 3,
    title: 'SIGKILL of the receiver’s node, back at once on the other',
    aim: '0; silence at most 55 ms',
    run: killNode,
  },
  {
    row: 6,
    title: 'SIGTERM of the receiver’s node',
    aim: '0, none; exit 0 within 8 s',
    run: drainNode,
  },
  {
    row: 8,
    title: 'a node dies and its clients do not come back: who is told',
    aim: 'each peer once, within 12 s beyond its grace',
    run: killNodeAndClients,
    shortEnv: { GRACE_MS: '1000' },
  },
  {
    row: 11,
    title: 'a rolling restart of 3 nodes under load',
    aim: '0 failed calls, every session resumed',
    run: rollingRestart,
    nodes: 3,
  },
];
