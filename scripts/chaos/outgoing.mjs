/**
 * What a client wants to be delivered, in order for each target, until it is. The rules of the wire for senders:
 * what is not `delivered` is sent again when the session goes on over another socket, before anything new; what is
 * refused but may be tried again is, and whatever is behind it for that target waits and follows in order.
 *
 * @typedef {{ frame: { id: string, target: string }, isAccepted: boolean, wasSent: boolean }} Entry
 */

/** The server remembers the latest 256 ids of a sender: no more than these may be without an answer. */
const window = 200;

/** Messages to one target. */
class Lane {
  /** @type {Entry[]} */
  unsent = [];
  /** @type {Map<string, Entry>} by id, in the order of sending */
  inFlight = new Map();
  /** After a refusal one message goes ahead until it is accepted, so that nothing can overtake a refused one. */
  isProbing = false;
  /** The id of that message while it is under way. */
  probe = undefined;
  /** Waits before it tries again. */
  timer = undefined;
}

export class Outgoing {
  /** Counts for the report. `acceptedBehind`: the server took a message behind one that it refused. */
  stats = { sent: 0, repeated: 0, refused: {}, refusedForGood: 0, acceptedBehind: 0 };
  /** Called with the frame of every refusal. */
  onRefused = () => {};
  #send;
  #pauseMs;
  /** @type {Map<string, Lane>} */
  #lanes = new Map();
  /** @type {Map<string, Lane>} what waits for an answer, by id */
  #waiting = new Map();
  #isOpen = false;

  /** @param {(frame: object) => void} send @param {number} pauseMs before a refused message is tried again */
  constructor(send, pauseMs) {
    this.#send = send;
    this.#pauseMs = pauseMs;
  }

  /** How many messages are not delivered yet. */
  get pending() {
    let pending = this.#waiting.size;
    for (const { unsent } of this.#lanes.values()) pending += unsent.length;
    return pending;
  }

  /** What waits, a word for each target. */
  describe() {
    return [...this.#lanes]
      .filter(([, { unsent, inFlight }]) => unsent.length + inFlight.size > 0)
      .map(([target, { unsent, inFlight }]) => {
        const accepted = [...inFlight.values()]
          .filter(({ isAccepted }) => isAccepted)
          .map(({ frame }) => frame.n);
        const [first] = inFlight.size > 0 ? inFlight.values() : unsent;
        return (
          `to ${target} ${inFlight.size} under way (${accepted.length} of them accepted), ${unsent.length} waiting, ` +
          `the first is ${first.frame.n}`
        );
      });
  }

  add(frame) {
    let lane = this.#lanes.get(frame.target);
    if (lane === undefined) this.#lanes.set(frame.target, (lane = new Lane()));
    lane.unsent.push({ frame, isAccepted: false, wasSent: false });
    this.#flush(lane);
  }

  /** The session goes on over another socket, or began anew: what was not delivered is sent again. */
  open() {
    for (const lane of this.#lanes.values()) {
      clearTimeout(lane.timer);
      lane.timer = undefined;
      lane.isProbing = false;
      lane.probe = undefined;
      this.#takeBack(lane, [...lane.inFlight.values()]);
    }
    this.#isOpen = true;
    this.#flushAll();
  }

  /** The socket broke. */
  close() {
    this.#isOpen = false;
  }

  accepted(id) {
    const lane = this.#waiting.get(id);
    if (lane === undefined) return;
    lane.inFlight.get(id).isAccepted = true;
    if (lane.probe !== id) return;
    lane.isProbing = false;
    lane.probe = undefined;
    this.#flush(lane);
  }

  delivered(id) {
    const lane = this.#waiting.get(id);
    if (lane === undefined) return;
    this.#waiting.delete(id);
    lane.inFlight.delete(id);
    if (lane.probe === id) {
      lane.isProbing = false;
      lane.probe = undefined;
    }
    this.#flushAll();
  }

  /** @param {{ code: string, retryable: boolean, reply_to: string, retry_after_ms?: number }} refusal */
  refused(refusal) {
    const { reply_to: id, code, retryable } = refusal;
    const lane = this.#waiting.get(id);
    if (lane === undefined) return;
    this.stats.refused[code] = (this.stats.refused[code] ?? 0) + 1;
    this.onRefused(refusal);
    const entries = [...lane.inFlight.values()];
    if (!retryable) {
      this.stats.refusedForGood += 1;
      this.#waiting.delete(id);
      lane.inFlight.delete(id);
      return;
    }
    const behind = entries.slice(entries.findIndex(({ frame }) => frame.id === id));
    this.stats.acceptedBehind += behind.slice(1).filter(({ isAccepted }) => isAccepted).length;
    this.#takeBack(lane, behind);
    lane.isProbing = true;
    lane.probe = undefined;
    clearTimeout(lane.timer);
    lane.timer = setTimeout(
      () => {
        lane.timer = undefined;
        this.#flush(lane);
      },
      Math.max(refusal.retry_after_ms ?? 0, this.#pauseMs * (0.5 + Math.random())),
    );
  }

  /** The target's session has ended, and with it what was under way to it. What was not sent waits for the next one. */
  targetLeft(target) {
    const lane = this.#lanes.get(target);
    if (lane === undefined) return;
    for (const id of lane.inFlight.keys()) this.#waiting.delete(id);
    lane.inFlight.clear();
    lane.probe = undefined;
    this.#flushAll();
  }

  /** Nothing more goes to that target. */
  forget(target) {
    const lane = this.#lanes.get(target);
    if (lane === undefined) return;
    clearTimeout(lane.timer);
    for (const id of lane.inFlight.keys()) this.#waiting.delete(id);
    this.#lanes.delete(target);
  }

  forgetAll() {
    for (const target of [...this.#lanes.keys()]) this.forget(target);
  }

  /** @param {Entry[]} entries the last ones of those in flight, in order */
  #takeBack(lane, entries) {
    for (const entry of entries) {
      lane.inFlight.delete(entry.frame.id);
      this.#waiting.delete(entry.frame.id);
      entry.isAccepted = false;
    }
    lane.unsent.unshift(...entries);
  }

  #flushAll() {
    for (const lane of this.#lanes.values()) this.#flush(lane);
  }

  #flush(lane) {
    while (this.#isOpen && lane.timer === undefined && lane.unsent.length > 0) {
      if (this.#waiting.size >= window || lane.probe !== undefined) return;
      const entry = lane.unsent.shift();
      if (lane.isProbing) lane.probe = entry.frame.id;
      lane.inFlight.set(entry.frame.id, entry);
      this.#waiting.set(entry.frame.id, lane);
      this.stats[entry.wasSent ? 'repeated' : 'sent'] += 1;
      entry.wasSent = true;
      this.#send(entry.frame);
    }
  }
}
