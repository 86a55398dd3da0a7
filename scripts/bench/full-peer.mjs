import { Peer } from './peer.mjs';

/** A client must acknowledge at least every 16 frames. */
const framesPerAck = 16;
/** `{"type":"o` and `{"type":"c`: nothing else that this load provokes begins so. */
const kindAt = '{"type":"'.length;
const [offer, candidate] = Buffer.from('oc');

/** A peer that joins with `join_room`: it counts and acknowledges frames, and gets receipts for its messages. */
export class FullPeer extends Peer {
  /** Text frames since the join, whose own answer is not counted. */
  #had = -1;
  #acknowledged = 0;
  /** The number of the message whose receipt is due next. */
  #due = { accepted: 0, delivered: 0 };
  #faults = 0;
  #check = () => {};

  receive(buffer, start, end) {
    this.#had += 1;
    const kind = buffer[start + kindAt];
    if (this.#had === 0 || kind === offer || kind === candidate) {
      this.onText(buffer, start, end);
      return;
    }
    const { type, reply_to: id } = JSON.parse(buffer.toString('utf8', start, end));
    if (id === undefined) return; // who came, or that a probe found nobody
    if (type in this.#due) {
      if (this.#due[type] !== Number(id)) this.#faults += 1;
      this.#due[type] = Math.max(this.#due[type], Number(id) + 1);
    } else this.#faults += 1;
  }

  drained() {
    this.onDrained();
    if (this.#had - this.#acknowledged >= framesPerAck) this.acknowledge();
    this.#check();
  }

  acknowledge() {
    this.#acknowledged = this.#had;
    this.send({ type: 'ack', count: this.#had });
  }

  /**
   * Waits for receipts, for a while.
   * @param {'accepted' | 'delivered'} kind
   * @param {number} count of messages sent so far
   * @returns {Promise<number>} how many are missing, or were out of turn since the last call
   */
  async collect(kind, count, patienceMs) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      this.#check = () => {
        if (this.#due[kind] < count) return;
        clearTimeout(timer);
        resolve();
      };
      this.#check();
    });
    this.#check = () => {};
    const faults = this.#faults + count - this.#due[kind];
    this.#faults = 0;
    return faults;
  }
}
