import { Flow } from './messages.mjs';

/** No answer for that long means that messages were lost. */
const patienceMs = 3000;

/** One direction of a pair: the messages that `from` sends to `to`. */
class Lane {
  #from;
  #flow;
  #expected = 0;
  #sentAt = new Float64Array(4096);

  constructor(from, sender, target, key) {
    this.#from = from;
    this.#flow = new Flow(sender, target, from.mask, key);
  }

  get sent() {
    return this.#flow.sent;
  }

  send(count) {
    const now = performance.now();
    for (let i = 0; i < count; i += 1) this.#sentAt[(this.#flow.sent + i) & 4095] = now;
    this.#from.socket.write(this.#flow.take(count));
  }

  /** What has not come by now will not be waited for. */
  giveUp() {
    this.#expected = this.#flow.sent;
  }

  /** @returns the time in milliseconds that it was under way, or NaN when it is not the message that was due */
  take(buffer, start, end, now) {
    const number = this.#flow.numberOf(buffer, start, end);
    const due = number === this.#expected;
    this.#expected = Math.max(this.#expected, number + 1);
    return due ? now - this.#sentAt[number & 4095] : Number.NaN;
  }
}

/**
 * The load of one server: pairs of peers, where whoever receives messages answers each with one of his own. So every
 * socket reads and writes, as it does while two peers negotiate.
 */
export class RelayLoad {
  latenciesMs = [];
  lost = 0;
  reordered = 0;
  /** Receipts that did not come, or came out of turn. Only full sessions get any. */
  receiptFaults = 0;
  #peers = [];
  #lanes = [];
  #running = false;
  #open = 0;
  #idle = () => {};
  #ended = false;

  /**
   * @param {{ admit(ids: string[]): Promise<import('./peer.mjs').Peer[]> }} server
   * @param {string} [key] the field of each message that has its number
   */
  static async prepare(server, pairCount, key) {
    const load = new RelayLoad();
    const ids = Array.from({ length: pairCount }, (_, i) => [`left-${i}`, `right-${i}`]).flat();
    load.#peers = await server.admit(ids);
    for (let i = 0; i < ids.length; i += 2) {
      const [left, right] = [load.#peers[i], load.#peers[i + 1]];
      const there = new Lane(left, ids[i], ids[i + 1], key);
      const back = new Lane(right, ids[i + 1], ids[i], key);
      load.#listen(right, there, back);
      load.#listen(left, back, there);
      load.#lanes.push(there, back);
    }
    return load;
  }

  #listen(peer, incoming, answers) {
    peer.onEnd = () => {
      this.#ended = true;
    };
    let count = 0;
    let now = 0;
    peer.onText = (buffer, start, end) => {
      if (count === 0) now = performance.now();
      count += 1;
      const latencyMs = incoming.take(buffer, start, end, now);
      if (Number.isNaN(latencyMs)) this.reordered += 1;
      else this.latenciesMs.push(latencyMs);
    };
    peer.onDrained = () => {
      const back = count;
      count = 0;
      if (back === 0) return;
      this.#open -= back;
      if (this.#running) this.#send(answers, back);
      else if (this.#open <= 0) this.#idle();
    };
  }

  #send(lane, count) {
    this.#open += count;
    lane.send(count);
  }

  /**
   * Keeps `inFlight` messages of each pair under way for `ms`, then waits until all have come back.
   * @returns {Promise<number>} how many were sent
   */
  async saturate(ms, inFlight) {
    const before = this.#sent();
    this.#running = true;
    for (let i = 0; i < this.#lanes.length; i += 2) this.#send(this.#lanes[i], inFlight);
    await new Promise((resolve) => setTimeout(resolve, ms));
    return this.#settle(before);
  }

  /**
   * Sends single messages at a steady rate for `ms`, whatever the answers do. It spins, because timers would send
   * a few at a time. @returns {Promise<number>} how many were sent
   */
  async pace(ms, perSecond) {
    const before = this.#sent();
    const begin = performance.now();
    let sent = 0;
    await new Promise((resolve) => {
      const step = () => {
        const elapsed = performance.now() - begin;
        if (elapsed >= ms) {
          resolve();
          return;
        }
        if (sent < (elapsed * perSecond) / 1000) {
          this.#send(this.#lanes[sent % this.#lanes.length], 1);
          sent += 1;
        }
        setImmediate(step);
      };
      step();
    });
    return this.#settle(before);
  }

  async #settle(before) {
    this.#running = false;
    if (this.#open > 0) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, patienceMs);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#idle = () => {};
      this.lost += Math.max(0, this.#open);
      for (const lane of this.#lanes) lane.giveUp();
    }
    this.#open = 0;
    if (this.#ended) throw new Error('the server closed a connection under load');
    await this.#collect('accepted');
    return this.#sent() - before;
  }

  /** Waits for the receipts of all that was sent. */
  async #collect(kind) {
    const missing = (peer, index) => peer.collect?.(kind, this.#lanes[index].sent, patienceMs) ?? 0;
    for (const count of await Promise.all(this.#peers.map(missing))) this.receiptFaults += count;
  }

  /** Once, after the last phase. */
  async finish() {
    for (const peer of this.#peers) peer.acknowledge?.();
    await this.#collect('delivered');
  }

  #sent() {
    return this.#lanes.reduce((sum, lane) => sum + lane.sent, 0);
  }

  close() {
    for (const peer of this.#peers) peer.close();
  }
}
