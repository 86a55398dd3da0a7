/**
 * What really happened: who is where, what was sent, what was seen, and who was told what. Clients report to it
 * synchronously, so that their own view and the truth can be compared at any moment. Times are milliseconds of
 * `performance.now()`.
 *
 * @typedef {import('./session-client.mjs').SessionClient} SessionClient
 * @typedef {{ observer: string, subject: string, what: 'joined' | 'left' | 'stray', how?: string, atMs: number }} Notice
 */

/** Messages of one client to another; the index is the message's number. */
export class Stream {
  sentAtMs = [];
  /** Which session of either end it was sent in. */
  epochs = [];
  /** When the application saw it first. */
  seenAtMs = [];
  /** Numbers in the order of being seen, each as often as it was. */
  arrivals = [];

  /** @param {SessionClient} from @param {SessionClient} to */
  constructor(from, to) {
    this.from = from;
    this.to = to;
  }

  sent() {
    this.sentAtMs.push(performance.now());
    this.epochs.push([this.from.epoch, this.to.epoch]);
  }

  seen(n) {
    this.arrivals.push(n);
    this.seenAtMs[n] ??= performance.now();
  }

  /** Did both sessions that it was sent between last until now? */
  isBetweenSurvivors(n) {
    const [from, to] = this.epochs[n];
    const lasts = this.from.end === undefined && this.to.end === undefined;
    return lasts && from === this.from.epoch && to === this.to.epoch;
  }
}

export class Ledger {
  /** @type {Map<string, SessionClient>} by name; names are never used again */
  clients = new Map();
  /** When a client set out to leave for good, by name. @type {Map<string, number>} */
  endedAtMs = new Map();
  /** @type {Notice[]} */
  notices = [];
  /** Sessions that did not survive: the client had to begin afresh. @type {{ name: string, atMs: number }[]} */
  freshStarts = [];
  /** @type {Map<string, Stream>} */
  #streams = new Map();

  add(client) {
    this.clients.set(client.name, client);
  }

  /** The client is about to leave or break off for good. */
  ending(client) {
    this.endedAtMs.set(client.name, performance.now());
  }

  get streams() {
    return [...this.#streams.values()];
  }

  stream(from, to) {
    const key = `${from}>${to}`;
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = new Stream(this.clients.get(from), this.clients.get(to));
      this.#streams.set(key, stream);
    }
    return stream;
  }

  /** Who is in a room now, or expected back. */
  presentIn(roomId) {
    return [...this.clients.values()].filter(
      (client) => client.roomId === roomId && client.end === undefined,
    );
  }

  /** @param {SessionClient} client */
  send(client, type, to, extra) {
    this.stream(client.name, to).sent();
    client.send(type, to, extra);
  }

  // What clients report.

  began(client, resumed) {
    if (!resumed && client.epoch > 1) this.freshStarts.push({ name: client.name, atMs: performance.now() });
  }

  heard(client, frame) {
    if (typeof frame.n === 'number') this.stream(frame.sender, client.name).seen(frame.n);
  }

  joined(client, subject) {
    this.#note({ observer: client.name, subject, what: 'joined' });
  }

  left(client, subject, how) {
    this.#note({ observer: client.name, subject, what: 'left', how });
  }

  strayLeave(client, subject) {
    this.#note({ observer: client.name, subject, what: 'stray' });
  }

  #note(notice) {
    this.notices.push({ ...notice, atMs: performance.now() });
  }
}
