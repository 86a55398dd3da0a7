import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Server } from '../bench/server.mjs';
import { QuietPair } from './quiet-pair.mjs';

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const rssEveryMs = 50;
/** What never comes back by then is lost. */
const patienceMs = 5_000;

/** How the hostile peer comes in: where, what it says first, and how it knows that it sits. */
const entrances = {
  flat: (ws, room, idToken) => ({
    url: ws,
    join: {
      hello: JSON.stringify({ type: 'join_room', peer_id: 'hostile', ...room, id_token: idToken }),
      welcomeType: 'room_joined',
    },
  }),
  gateway: (ws, room, idToken) => ({
    url: `${ws}/signal/${room.room_id}?presence=1&${doorQuery(room, idToken)}`,
    join: { welcomeType: 'welcome' },
  }),
  webrtc: (ws, room, idToken) => ({
    url: `${ws}/ws/webrtc/${room.room_id}?${doorQuery(room, idToken)}`,
    join: { welcomeType: 'room-state' },
  }),
};

function doorQuery(room, idToken) {
  return new URLSearchParams({ token: idToken, room_token: room.token, peer_id: 'hostile' }).toString();
}

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

/** The memory of the server, looked at again and again. */
class RssWatch {
  #server;
  #timer;
  mostBytes = 0;

  constructor(server) {
    this.#server = server;
  }

  async look() {
    const { rssBytes } = await this.#server.usage();
    this.mostBytes = Math.max(this.mostBytes, rssBytes);
    return rssBytes;
  }

  start() {
    const again = async () => {
      await this.look();
      if (this.#timer !== undefined) this.#timer = setTimeout(again, rssEveryMs);
    };
    this.#timer = setTimeout(again, rssEveryMs);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

async function handlerFailures(http) {
  const text = await (await fetch(`${http}/metrics`)).text();
  return Number(/^signaling_handler_failures_total (\d+)$/m.exec(text)?.[1]);
}

/**
 * One server, one quiet pair, one hostile peer.
 * @param {'flat' | 'gateway' | 'webrtc'} dialect what the hostile peer speaks
 * @param {{ frames: number, bigEvery: number, perSecond: number, warmUpFrames: number, quietMs: number, everyMs: number, dist?: string }} options
 */
export async function siege(dialect, { frames, bigEvery, perSecond, warmUpFrames, quietMs, everyMs, dist }) {
  const server = await Server.start('ours', file('serve.mjs'), undefined, dist === undefined ? [] : [dist]);
  const attacker = new Attacker();
  let pair;
  try {
    const { http, ws } = server.addresses;
    const users = [];
    for (let n = 0; n < 3; n += 1) users.push((await post(`${http}/anonymous-signin`)).id_token);
    const room = await post(`${http}/create-room`, users[0]);
    pair = await QuietPair.join(ws, room, users.slice(0, 2));
    const entrance = entrances[dialect](ws, room, users[2]);
    const orders = { ...entrance, dialect, bigEvery, perSecond };
    pair.start(everyMs);
    // The same once, small: code is compiled and the heap has found its size.
    if (warmUpFrames > 0) await attacker.attack({ ...orders, count: warmUpFrames });
    await sleep(quietMs / 2);
    pair.take();
    await sleep(quietMs);
    const before = pair.take();
    const rss = new RssWatch(server);
    const rssBeforeBytes = await rss.look();
    rss.start();
    const startedAt = performance.now();
    const attack = await attacker.attack({ ...orders, count: frames });
    const tookMs = performance.now() - startedAt;
    const during = pair.take();
    rss.stop();
    const lost = await pair.settle(patienceMs);
    return {
      dialect,
      ...attack,
      tookMs,
      before,
      during,
      lost,
      faults: pair.faults.slice(0, 5),
      rssBeforeBytes,
      rssMostBytes: rss.mostBytes,
      rssAfterBytes: await rss.look(),
      handlerFailures: await handlerFailures(http),
    };
  } finally {
    pair?.close();
    await attacker.stop();
    await server.stop();
  }
}
