import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Server } from '../bench/server.mjs';
import { QuietPair } from '../hostile/quiet-pair.mjs';
import { RssWatch } from '../hostile/rss-watch.mjs';

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
/** What never comes back by then is lost. */
const patienceMs = 60_000;
/** How long an attack may take beside the time that it is given: then it hangs, and nothing can be said. */
const hangMs = 300_000;
/** The server has let go of all that it will when it has had its turn so often and nothing more has gone, ... */
const tidyTurns = 400;
/** ... so long after the turn before at least: it waits 3 s for goodbyes. */
const tidyEveryMs = 50;

/**
 * @typedef {object} Terms
 * @property {number} seconds how long an attack goes on that has no end of its own
 * @property {number} scale 1 for figures; less for a test
 * @property {boolean} isCounted such an attack ends after a number of turns instead, whatever time they take
 */

/** Rooms and users as the server makes them, or as the attack's own issuer does. */
async function post(url, idToken) {
  const headers = idToken === undefined ? {} : { authorization: `Bearer ${idToken}` };
  const response = await fetch(url, { method: 'POST', headers });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

async function counts(http) {
  const text = await (await fetch(`${http}/metrics`)).text();
  return Object.fromEntries(
    [...text.matchAll(/^signaling_(\w+?)_total (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]),
  );
}

/** Files and sockets that the process has open; 0 where that cannot be seen. */
function openFiles(pid) {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/** How many are too many when no more of them go. */
async function leftOver(server, most) {
  let open = openFiles(server.pid);
  for (let idle = 0; open > most && idle < tidyTurns;) {
    await server.usage();
    await sleep(tidyEveryMs);
    const now = openFiles(server.pid);
    idle = now < open ? 0 : idle + 1;
    open = now;
  }
  return Math.max(0, open - most);
}

/** Runs the attack in a process that is gone, with its sockets, when this resolves. */
async function unleash(name, target, terms) {
  const child = fork(file('attacker.mjs'));
  const ended = once(child, 'exit');
  const over = new AbortController();
  const limitMs = terms.seconds * 1000 + hangMs;
  const hung = sleep(
    limitMs,
    { error: `it was not over after ${limitMs / 1000} s` },
    { signal: over.signal },
  );
  hung.catch(() => {}); // it was over
  try {
    const answer = once(child, 'message');
    child.send({ file: file(`${name}.mjs`), target, terms });
    const gone = ended.then(() => [{ error: 'the attacker ended' }]);
    const [told] = await Promise.race([answer, gone, hung.then((error) => [error])]);
    if (told.error !== undefined) throw new Error(`the attack ${name} failed: ${told.error}`);
    return told.got;
  } finally {
    over.abort();
    if (child.connected) child.disconnect();
    await ended;
  }
}

/**
 * One server with two innocent pairs on it, one of parity sessions and one of full ones, and one attack.
 * @param {string} name
 * @param {Terms & { quietMs: number, settleMs: number, warmUps: number, everyMs: number, core?: number, dist: string }} options
 */
export async function assault(name, options) {
  const { attack } = await import(file(`${name}.mjs`));
  const { quietMs, settleMs, warmUps, core, dist, seconds, scale, isCounted } = options;
  const terms = { seconds, scale, isCounted };
  const issuer = await attack.issuer?.();
  const settings = { ...attack.settings?.(terms), ...issuer?.settings };
  const assignments = Object.entries({ NODE_ID: 'attacked', ...settings }).map(
    ([key, value]) => `${key}=${value}`,
  );
  const server = await Server.start(
    'ours',
    fileURLToPath(new URL('../hostile/serve.mjs', import.meta.url)),
    core,
    [dist, ...assignments],
  );
  const pairs = [];
  try {
    const { http, ws } = server.addresses;
    const idTokens = [];
    for (let n = 0; n < 6; n += 1) {
      idTokens.push(
        await (issuer?.token(`user-${n}`) ?? post(`${http}/anonymous-signin`).then((user) => user.id_token)),
      );
    }
    const [own, ...rooms] = [
      await post(`${http}/create-room`, idTokens[4]),
      await post(`${http}/create-room`, idTokens[0]),
      await post(`${http}/create-room`, idTokens[2]),
    ];
    for (const [at, kind] of ['parity', 'full'].entries()) {
      pairs.push(await QuietPair.join(ws, rooms[at], idTokens.slice(2 * at, 2 * at + 2), kind));
    }
    const [httpPort, wsPort] = [http, ws].map((url) => Number(new URL(url).port));
    const target = { http, ws, httpPort, wsPort, room: own, idTokens: idTokens.slice(4) };
    const taken = () => pairs.map((pair) => pair.take()).reduce((one, other) => one.and(other));
    const sent = () => pairs.map((pair) => pair.sent).reduce((one, other) => one + other);
    for (const pair of pairs) pair.start(options.everyMs);
    // Those that take their time by themselves have nothing that has to be warm.
    for (let n = 0; n < warmUps && attack.isSlow !== true; n += 1)
      await unleash(name, target, { ...terms, seconds: 1, scale: scale / 10 });
    await server.collectGarbage();
    await sleep(settleMs);
    // Requests of this process leave connections behind, which are the server's to keep.
    const filesBefore = openFiles(server.pid) + 4;
    taken();
    await sleep(quietMs);
    const before = taken();
    const rss = new RssWatch(server);
    const rssBeforeBytes = await rss.start();
    const sentBefore = sent();
    const startedAt = performance.now();
    const got = await unleash(name, target, terms).catch(async (error) => {
      await rss.stop();
      throw error;
    });
    const tookMs = performance.now() - startedAt;
    const during = taken();
    const sentDuring = sent() - sentBefore;
    await sleep(quietMs);
    const after = taken();
    await rss.stop();
    const leftOpen = await leftOver(server, filesBefore);
    // Sessions of the attacker's are kept for a while, as anybody's are.
    await sleep(2 * settleMs);
    await server.collectGarbage();
    await sleep(Math.min(settleMs, 500));
    const rssAfterBytes = await rss.look();
    const lost = (await Promise.all(pairs.map((pair) => pair.settle(patienceMs)))).reduce((a, b) => a + b);
    return {
      name,
      what: attack.what,
      stoppedBy: attack.stoppedBy,
      got,
      tookMs,
      before: before.summary,
      during: during.summary,
      after: after.summary,
      sentDuring,
      lost,
      faults: pairs.flatMap((pair) => pair.faults).slice(0, 5),
      rssBeforeBytes,
      rssMostBytes: rss.mostBytes,
      rssAfterBytes,
      leftOpen,
      counts: await counts(http),
    };
  } finally {
    for (const pair of pairs) pair.close();
    await server.stop();
    await issuer?.stop();
  }
}
