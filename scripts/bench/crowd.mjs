import { setTimeout as sleep } from 'node:timers/promises';

import { Flow } from './messages.mjs';

const patienceMs = 5000;

/** One peer that sends to everybody else in its room, and waits until each of them has everything. */
export class BroadcastLoad {
  lost = 0;
  reordered = 0;
  latenciesMs = [];
  #peers = [];
  #flow;
  #missing = 0;
  #complete = () => {};

  static async prepare(server, receivers) {
    const load = new BroadcastLoad();
    const ids = ['speaker', ...Array.from({ length: receivers }, (_, i) => `listener-${i}`)];
    load.#peers = await server.admit(ids, { full: true });
    load.#flow = new Flow('speaker', undefined, load.#peers[0].mask);
    for (const peer of load.#peers.slice(1)) load.#listen(peer);
    return load;
  }

  #listen(peer) {
    let expected = 0;
    peer.onText = (buffer, start, end) => {
      if (this.#flow.numberOf(buffer, start, end) !== expected) this.reordered += 1;
      expected += 1;
      this.#missing -= 1;
    };
    peer.onDrained = () => {
      if (this.#missing === 0) this.#complete();
    };
  }

  /** Sends bursts of `burst` messages for `ms`. @returns {Promise<number>} messages delivered */
  async saturate(ms, burst) {
    const end = performance.now() + ms;
    let delivered = 0;
    while (performance.now() < end && this.lost === 0) {
      const count = burst * (this.#peers.length - 1);
      this.#missing = count;
      const begin = performance.now();
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, patienceMs);
        this.#complete = () => {
          clearTimeout(timer);
          resolve();
        };
        this.#peers[0].socket.write(this.#flow.take(burst));
      });
      this.#complete = () => {};
      this.latenciesMs.push(performance.now() - begin);
      this.lost += this.#missing;
      delivered += count - this.#missing;
    }
    return delivered;
  }

  close() {
    for (const peer of this.#peers) peer.close();
  }
}

/** Peers that join and go away again. */
export class JoinLoad {
  lost = 0;
  reordered = 0;
  latenciesMs = [];
  #server;
  #next = 0;

  constructor(server) {
    this.#server = server;
  }

  /** @returns {Promise<number>} how many joined */
  async run(count) {
    const room = await this.#server.openRoom();
    const peers = [];
    for (let i = 0; i < count; i += 1) {
      const begin = performance.now();
      peers.push(await this.#server.join(`visitor-${(this.#next += 1)}`, room));
      this.latenciesMs.push(performance.now() - begin);
    }
    for (const peer of peers) peer.close();
    return count;
  }
}

/**
 * What peers cost that do nothing. The first few hundred are not counted: with them the process gets its code compiled
 * and its heap to size, once.
 * @param {number} watchMs how long; at least the server's ping period
 * @returns {Promise<{ kibPerPeer: number, cpuPercent: number }>} resident memory a peer, and CPU while all are idle
 */
export async function measureIdle(server, count, watchMs) {
  const first = await server.admit(Array.from({ length: 500 }, (_, i) => `first-${i}`));
  await server.collectGarbage();
  const empty = await server.usage();
  const peers = await server.admit(Array.from({ length: count }, (_, i) => `idle-${i}`));
  await server.collectGarbage();
  const full = await server.usage();
  await sleep(watchMs); // until the first pings are due
  const before = await server.usage();
  await sleep(watchMs);
  const after = await server.usage();
  for (const peer of [...first, ...peers]) peer.close();
  return {
    kibPerPeer: (full.rssBytes - empty.rssBytes) / 1024 / count,
    cpuPercent: (after.cpuUs - before.cpuUs) / watchMs / 10,
  };
}
