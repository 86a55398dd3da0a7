import { once } from 'node:events';
import { WebSocket } from 'ws';

import { quantile } from '../bench/stats.mjs';

/** So much of a message beside its number: a trickled candidate has about that. */
const filler = 'x'.repeat(160);
/**
 * So many wait for the server at most. A session may send 600 at once; who went on while the server, or the machine, stands
 * still would send more, and rightly be refused some.
 */
const mostUnderWay = 500;

/** How long messages took there and back. */
class RoundTrips {
  #timesMs;

  constructor(timesMs) {
    this.#timesMs = timesMs;
  }

  and(other) {
    return new RoundTrips([...this.#timesMs, ...other.#timesMs]);
  }

  /** @returns {{ count: number, p50Ms: number, p99Ms: number, mostMs: number }} */
  get summary() {
    return {
      count: this.#timesMs.length,
      p50Ms: quantile(this.#timesMs, 0.5),
      p99Ms: quantile(this.#timesMs, 0.99),
      mostMs: quantile(this.#timesMs, 1),
    };
  }
}

/** How they come in, and what they are told then. */
const ways = {
  parity: { hello: 'register', welcome: 'registered_auth' },
  full: { hello: 'join_room', welcome: 'room_joined' },
};
/** Full sessions are told who comes and goes. */
const isNews = ({ type }) => type === 'user_joined' || type === 'user_left' || type === 'room_joined';

/** Two peers that do nothing wrong: one sends a numbered candidate every few ms, the other sends each back. */
export class QuietPair {
  #sockets;
  #timer;
  /** Number -> when it was sent. @type {Map<number, number>} */
  #underWay = new Map();
  #sent = 0;
  #due = 1;
  /** Messages that came twice, out of turn, or that nobody sent; frames that are no candidates; closes. */
  faults = [];
  /** @type {number[]} */
  #roundTripsMs = [];

  /** @param {WebSocket[]} sockets anna's and bert's, both registered */
  constructor([anna, bert]) {
    this.#sockets = [anna, bert];
    bert.on('message', (data) => {
      const frame = JSON.parse(data.toString());
      if (isNews(frame)) return;
      if (frame.type !== 'candidate') this.faults.push(`bert was told ${frame.type}`);
      else bert.send(candidate('bert', 'anna', frame.n));
    });
    anna.on('message', (data) => {
      const frame = JSON.parse(data.toString());
      if (!isNews(frame)) this.#back(frame, performance.now());
    });
    for (const socket of this.#sockets) socket.on('close', (code) => this.faults.push(`closed ${code}`));
  }

  /** @param {string} url @param {{ room_id: string, token: string }} room @param {string[]} idTokens @param {'parity' | 'full'} [kind] */
  static async join(url, room, idTokens, kind = 'parity') {
    const { hello, welcome } = ways[kind];
    const sockets = [];
    for (const [index, name] of ['anna', 'bert'].entries()) {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: hello, peer_id: name, ...room, id_token: idTokens[index] }));
      const [data] = await once(socket, 'message');
      const { type } = JSON.parse(data.toString());
      if (type !== welcome) throw new Error(`${name} was not let in: ${data.toString()}`);
      sockets.push(socket);
    }
    return new QuietPair(sockets);
  }

  start(everyMs) {
    this.#timer = setInterval(() => {
      if (this.#underWay.size >= mostUnderWay) return;
      this.#sent += 1;
      this.#underWay.set(this.#sent, performance.now());
      this.#sockets[0].send(candidate('anna', 'bert', this.#sent));
    }, everyMs);
  }

  /** How many messages, from the beginning. */
  get sent() {
    return this.#sent;
  }

  /** Round trips since the last call. @returns {RoundTrips} */
  take() {
    const times = this.#roundTripsMs;
    this.#roundTripsMs = [];
    return new RoundTrips(times);
  }

  /** No more messages; resolves to how many never came back, though they were waited for. */
  async settle(patienceMs) {
    clearInterval(this.#timer);
    const endsAt = performance.now() + patienceMs;
    while (this.#underWay.size > 0 && performance.now() < endsAt) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this.#underWay.size;
  }

  close() {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) {
      socket.removeAllListeners('close');
      socket.terminate();
    }
  }

  #back({ type, n }, nowMs) {
    const sentAtMs = this.#underWay.get(n);
    if (type !== 'candidate' || sentAtMs === undefined || n !== this.#due) {
      this.faults.push(`anna was told ${type} ${n}, not candidate ${this.#due}`);
    }
    if (sentAtMs === undefined) return;
    this.#underWay.delete(n);
    this.#due = n + 1;
    this.#roundTripsMs.push(nowMs - sentAtMs);
  }
}

function candidate(sender, target, n) {
  return JSON.stringify({ type: 'candidate', sender, target, n, candidate: filler });
}
