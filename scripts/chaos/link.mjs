import { WebSocket } from 'ws';

/**
 * One socket of a client, from the attempt to join to its end. It reports to its listener synchronously, because
 * frames may follow `room_joined` in the same read.
 *
 * @typedef {object} LinkListener
 * @property {(link: Link, reply: object) => void} joined `room_joined` came
 * @property {(link: Link, frame: object) => void} heard a frame after it
 * @property {(link: Link, end: { code: number, refusal?: object }) => void} ended once; 1006 when it just broke.
 *   `refusal`: the error frame that answered the join
 */
export class Link {
  /** Called with the client's name, the address, an arrow and the frame of everything that is sent or had. */
  static onTrace = () => {};

  /** @type {Promise<number>} the code, when the socket is closed */
  closed;
  #socket;
  #listener;
  #trace;
  #timer;
  #isJoined = false;
  #isFrozen = false;
  #isOver = false;

  /** @param {number} timeoutMs to be joined in @param {LinkListener} listener */
  constructor(url, joinFrame, timeoutMs, listener) {
    this.#listener = listener;
    this.#trace = (arrow, frame) => Link.onTrace(joinFrame.peer_id, url, arrow, frame);
    this.#socket = new WebSocket(url, { perMessageDeflate: false });
    this.#socket.on('open', () => this.send(joinFrame));
    this.#socket.on('message', (data) => this.#take(data));
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', (code) => {
        resolve(code);
        if (!this.#isFrozen) this.#end({ code }); // a frozen end hears of nothing
      });
    });
    this.#socket.on('error', () => {}); // 'close' follows and tells
    this.#timer = setTimeout(() => this.#end({ code: 1006 }), timeoutMs);
  }

  get isJoined() {
    return this.#isJoined;
  }

  send(frame) {
    if (this.#isOver || this.#isFrozen || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#trace('>', frame);
    this.#socket.send(JSON.stringify(frame));
  }

  /** Breaks the connection without a word, and does not report it: who calls it knows. */
  cut() {
    if (!this.#isOver) this.#trace('x', { type: 'cut' });
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket.terminate();
  }

  /** Half-open: nothing is read or written any more, and the other end is not told. */
  freeze() {
    this.#trace('x', { type: 'freeze' });
    this.#isFrozen = true;
    this.#socket.pause();
  }

  /** The network is back: what was under way is read, to the end of the connection. */
  thaw() {
    this.#isOver = true;
    this.#socket.resume();
  }

  /** Only the reading stops. */
  stopReading() {
    this.#socket.pause();
  }

  readOn() {
    this.#socket.resume();
  }

  #take(data) {
    if (this.#isOver || this.#isFrozen) return;
    const frame = JSON.parse(data.toString());
    this.#trace('<', frame);
    if (this.#isJoined) {
      this.#listener.heard(this, frame);
    } else if (frame.type === 'room_joined') {
      this.#isJoined = true;
      clearTimeout(this.#timer);
      this.#listener.joined(this, frame);
    } else if (frame.type === 'error') {
      this.#end({ code: 1000, refusal: frame });
    }
  }

  #end(end) {
    if (this.#isOver) return;
    this.#trace('x', { type: 'end', ...end });
    this.cut();
    this.#listener.ended(this, end);
  }
}
