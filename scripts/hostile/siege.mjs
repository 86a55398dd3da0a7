import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Server } from '../bench/server.mjs';
import { entrances } from './entrances.mjs';
import { QuietPair } from './quiet-pair.mjs';
import { RssWatch } from './rss-watch.mjs';

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
/** What never comes back by then is lost. */
const patienceMs = 5_000;

async function post(url, idToken) {
  const headers = idToken === undefined ? {} : { authorization: `Bearer ${idToken}` };
  const response = await fetch(url, { method: 'POST', headers });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

/** The process that attacks. */
class Attacker {
  #child = fork(file('attacker.mjs'));

  async attack(orders) {
    const answer = once(this.#child, 'message');
    this.#child.send(orders);
    const ended = once(this.#child, 'exit').then(() => Promise.reject(new Error('the attacker ended')));
    ended.catch(() => {});
    const [{ result, error }] = await Promise.race([answer, ended]);
    if (error !== undefined) throw new Error(`the attacker failed: ${error}`);
    return result;
  }

  async stop() {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}

async function handlerFailures(http) {
  const text = await (await fetch(`${http}/metrics`)).text();
  return Number(/^signaling_handler_failures_total (\d+)$/m.exec(text)?.[1]);
}

/**
 * One server, one quiet pair, one hostile peer.
 * @param {'flat' | 'gateway' | 'webrtc'} dialect what the hostile peer speaks
 * @param {{ again: boolean, frames: number, bigEvery: number, perSecond: number, warmUps: number, settleMs: number, quietMs: number, everyMs: number, core?: number, dist?: string }} options
 * `again`: the hostile peer comes back whenever it is closed; `core`: where to pin the server
 */
export async function siege(dialect, options) {
  const { frames, quietMs, settleMs, warmUps, core, dist } = options;
  const server = await Server.start('ours', file('serve.mjs'), core, dist === undefined ? [] : [dist]);
  const attacker = new Attacker();
  let pair;
  try {
    const { http, ws } = server.addresses;
    const users = [];
    for (let n = 0; n < 3; n += 1) users.push((await post(`${http}/anonymous-signin`)).id_token);
    const room = await post(`${http}/create-room`, users[0]);
    pair = await QuietPair.join(ws, room, users.slice(0, 2));
    const { again, bigEvery, perSecond } = options;
    const entrance = entrances[dialect](ws, room, users[2]);
    const orders = { ...entrance, dialect, again, count: frames, bigEvery, perSecond };
    pair.start(options.everyMs);
    // A first time pays for code that is not compiled yet and for a heap that has not found its size.
    for (let n = 0; n < warmUps; n += 1) await attacker.attack(orders);
    // What is left of the start, some 35 MiB: V8's memory reducer comes for it 14 s after a full collection, in two
    // pauses of up to 30 ms. That is over before anything is measured.
    await server.collectGarbage();
    await sleep(settleMs);
    pair.take();
    await sleep(quietMs);
    const before = pair.take();
    const rss = new RssWatch(server);
    const rssBeforeBytes = await rss.start();
    const startedAt = performance.now();
    const attack = await attacker.attack(orders);
    const tookMs = performance.now() - startedAt;
    const during = pair.take();
    await sleep(quietMs);
    const after = pair.take();
    await rss.stop();
    const rssAfterBytes = await rss.look();
    const lost = await pair.settle(patienceMs);
    return {
      dialect,
      ...attack,
      tookMs,
      before: before.summary,
      during: during.summary,
      after: after.summary,
      /** From the start of the attack until `quietMs` after its end. */
      since: during.and(after).summary,
      lost,
      faults: pair.faults.slice(0, 5),
      rssBeforeBytes,
      rssMostBytes: rss.mostBytes,
      rssAfterBytes,
      handlerFailures: await handlerFailures(http),
    };
  } finally {
    pair?.close();
    await attacker.stop();
    await server.stop();
  }
}
