/** A full session as our SDK holds it: it counts, acknowledges, resumes on any node, and sends again. */
import { Inbox } from './inbox.mjs';
import { Link } from './link.mjs';
import { Outgoing } from './outgoing.mjs';
import { Roster } from './roster.mjs';
import { WayBack } from './way-back.mjs';

const ackEveryFrames = 16;
const beatMs = 1_000;
/** How long an abandoned half-open socket stays as it is. */
const frozenMs = 3_000;

const isFinal = (code) => code >= 4400 && code <= 4499;
const countUp = (counts, name) => {
  counts[name] = (counts[name] ?? 0) + 1;
};

export class SessionClient {
  /** Which of its sessions this is: one more each time that it had to begin afresh. */
  epoch = 0;
  /** Attempts to begin afresh that were given up or failed in the store: the server may have begun a session all the same. */
  abandoned = 0;
  /** Frames had since `room_joined`. */
  count = 0;
  stats = { attempts: 0, resumes: 0, errors: {}, refusedJoins: {}, closes: {} };
  /** It does not come back: it left, broke off, or was told not to. @type {'left' | 'vanished' | 'refused' | undefined} */
  end = undefined;
  /** When it last came in, by `performance.now()`. */
  beganAtMs = 0;
  /** When its end came. */
  endedAtMs = 0;
  /** Called with each frame, for what only some scenes look at. */
  onFrame = () => {};
  resumeExtras = {}; // what a claim says besides
  inbox = new Inbox();

  #place;
  #urls;
  #observer;
  #timing;
  /** @type {Link | undefined} */
  #link;
  #wayBack;
  #claim;
  #beat;
  #heardAtMs = 0;
  #acknowledged = 0;
  #onEnd = () => {};
  #numbers = new Map();

  /**
   * @param {{ name: string, room: { room_id: string, token: string }, idToken: string }} place
   * @param {string[]} urls of all nodes @param {number} node where to begin @param {import('./ledger.mjs').Ledger} observer
   * @param {{ joinMs?: number, silenceMs?: number, pauseMs?: number }} [timing] how long a join may take, how long
   *   silence is taken for life, how long a refused message waits
   */
  constructor(place, urls, node, observer, { joinMs = 2_000, silenceMs = 2_500, pauseMs = 60 } = {}) {
    this.name = place.name;
    this.#place = place;
    this.#urls = urls;
    this.#observer = observer;
    this.#timing = { joinMs, silenceMs };
    this.#wayBack = new WayBack(() => this.connect(), urls.length, node);
    this.outgoing = new Outgoing((frame) => this.#link?.send(frame), pauseMs);
    this.roster = new Roster(
      (peerId) => observer.joined(this, peerId),
      (peerId, how) => {
        this.outgoing.targetLeft(peerId);
        observer.left(this, peerId, how);
      },
      (peerId) => observer.strayLeave(this, peerId),
    );
    this.#beat = setInterval(() => this.#tick(), beatMs);
  }

  get roomId() {
    return this.#place.room.room_id;
  }

  /** The index of the node that it is on, or tries to be. */
  get node() {
    return this.#wayBack.node;
  }

  get isIn() {
    return this.#link?.isJoined === true;
  }

  connect() {
    if (this.end !== undefined) return;
    this.stats.attempts += 1;
    const { name, room, idToken } = this.#place;
    const frame = { type: 'join_room', ...room, id_token: idToken, peer_id: name };
    if (this.#claim !== undefined) frame.resume = { ...this.#claim, ...this.resumeExtras, count: this.count };
    this.#link = new Link(this.#urls[this.node], frame, this.#timing.joinMs, this);
  }

  /** @returns {number} the message's number for that target, from 0 */
  send(type, target, extra) {
    const n = this.#numbers.get(target) ?? 0;
    this.#numbers.set(target, n + 1);
    this.outgoing.add({ type, target, id: `${target}#${n}`, n, ...extra });
    return n;
  }

  /** Says something that is not sent again. */
  say(frame) {
    this.#link?.send(frame);
  }

  /** The connection breaks. It comes back after `backMs`, to `node` or else to the next one. */
  cut({ backMs = 0, node } = {}) {
    if (this.end !== undefined) return;
    if (!this.isIn && this.#claim === undefined) this.abandoned += 1;
    this.#release()?.cut();
    this.#wayBack.go(backMs, node);
  }

  freeze() {
    if (!this.isIn || this.end !== undefined) return;
    this.#link.freeze();
  }

  /**
   * Goes on over another socket although the one of now is open; that one is not read any more.
   * @param {{ node: number, isFresh?: boolean }} how `isFresh`: without a claim to the session of now
   * @returns {Link} the old one, for the caller to end
   */
  moveOn({ node, isFresh = false }) {
    const old = this.#release();
    old.freeze();
    if (isFresh) this.#claim = undefined;
    this.#wayBack.go(0, node);
    return old;
  }

  /** The socket of now stops reading, or reads on; nothing else changes. */
  read(isReading) {
    if (isReading) this.#link?.readOn();
    else this.#link?.stopReading();
  }

  /** Says goodbye, for good. Resolves when it was answered, or when the connection broke before. */
  leave() {
    this.end = 'left';
    return new Promise((resolve) => {
      this.#onEnd = resolve;
      if (this.isIn) this.#link.send({ type: 'leave_room' });
      else this.dispose();
    });
  }

  /** Breaks off, for good. */
  vanish() {
    this.dispose();
  }

  dispose() {
    this.end ??= 'vanished';
    this.endedAtMs ||= performance.now();
    clearInterval(this.#beat);
    this.#release()?.cut();
    this.outgoing.forgetAll();
    this.#onEnd();
  }

  joined(_link, reply) {
    const resumed = reply.resumed === true;
    this.#claim = { session_id: reply.session_id, resume_token: reply.resume_token };
    this.#wayBack.arrived();
    this.#heardAtMs = this.beganAtMs = performance.now();
    if (resumed) this.stats.resumes += 1;
    else [this.epoch, this.count] = [this.epoch + 1, 0];
    // The server knows the count that the claim carried.
    this.#acknowledged = this.count;
    this.#observer.began(this, resumed);
    this.roster.reconcile(reply.peers.map(({ peer_id: peerId }) => peerId));
    this.outgoing.open();
  }

  heard(link, frame) {
    if (link !== this.#link) return;
    this.#heardAtMs = performance.now();
    this.onFrame(frame);
    if (frame.type === 'ack') return;
    this.count += 1;
    this.#handlers[frame.type]?.(frame);
    if (link === this.#link && this.count - this.#acknowledged >= ackEveryFrames) this.#acknowledge();
  }

  ended(link, { code, refusal }) {
    if (link !== this.#link) return;
    this.#release();
    if (link.isJoined) countUp(this.stats.closes, code);
    if (refusal !== undefined) countUp(this.stats.refusedJoins, refusal.code);
    const isOpen = refusal === undefined || refusal.code === 'STORE_UNAVAILABLE';
    if (!link.isJoined && this.#claim === undefined && isOpen) this.abandoned += 1;
    if (isFinal(code)) this.end ??= 'refused';
    if (this.end !== undefined) this.dispose();
    else if (link.isJoined) this.#wayBack.goWhenAsked();
    else this.#wayBack.goLater();
  }

  #handlers = {
    offer: (frame) => this.#take(frame),
    answer: (frame) => this.#take(frame),
    candidate: (frame) => this.#take(frame),
    accepted: (frame) => this.outgoing.accepted(frame.reply_to),
    delivered: (frame) => this.outgoing.delivered(frame.reply_to),
    error: (frame) => {
      countUp(this.stats.errors, frame.code);
      if (frame.reply_to !== undefined) this.outgoing.refused(frame);
    },
    user_joined: (frame) => this.roster.add(frame.peer_id),
    user_left: (frame) => this.roster.remove(frame.peer_id),
    go_away: (frame) => this.#wayBack.goAway(frame.retry_in_ms, () => this.cut()),
    room_left: () => this.end === 'left' && this.dispose(),
  };

  #take(frame) {
    if (frame.id !== undefined && this.inbox.isNew(frame)) this.#observer.heard(this, frame);
  }

  #tick() {
    if (!this.isIn) return;
    if (performance.now() - this.#heardAtMs > this.#timing.silenceMs) {
      const old = this.#release();
      setTimeout(() => old.cut(), frozenMs);
      if (this.end === undefined) this.#wayBack.go();
      else this.dispose();
      return;
    }
    this.#link.send({ type: 'heartbeat' });
    this.#acknowledge();
  }

  #acknowledge() {
    if (this.count === this.#acknowledged) return;
    this.#acknowledged = this.count;
    this.#link.send({ type: 'ack', count: this.count });
  }

  #release() {
    const link = this.#link;
    this.#link = undefined;
    this.outgoing.close();
    this.#wayBack.stay();
    return link;
  }
}
