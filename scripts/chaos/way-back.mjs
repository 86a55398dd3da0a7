/** When and where a client tries again after its socket broke. */
const mostBackOffMs = 500;
const firstBackOffMs = 25;

export class WayBack {
  #connect;
  #nodes;
  #timer;
  #failures = 0;
  #notBeforeMs = 0;

  /** @param {() => void} connect @param {number} nodes how many there are @param {number} node the one of now */
  constructor(connect, nodes, node) {
    this.#connect = connect;
    this.#nodes = nodes;
    this.node = node;
  }

  /** It is in. */
  arrived() {
    this.#failures = 0;
    this.#notBeforeMs = 0;
    clearTimeout(this.#timer);
  }

  /** At once or after `inMs`, to the next node unless one is named. */
  go(inMs = 0, node = (this.node + 1) % this.#nodes) {
    this.node = node;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#connect, Math.max(0, inMs));
  }

  /** The socket was ended by the server, which may have said when to come back. */
  goWhenAsked() {
    this.go(this.#notBeforeMs - performance.now());
  }

  /** An attempt failed: full jitter under a bound that doubles. */
  goLater() {
    this.#failures += 1;
    const mostMs = Math.min(mostBackOffMs, firstBackOffMs * 2 ** this.#failures);
    this.go(Math.max(this.#notBeforeMs - performance.now(), Math.random() * mostMs));
  }

  /** The server asked for it. `leave` is called when the time has come and the socket is still open. */
  goAway(inMs, leave) {
    this.#notBeforeMs = performance.now() + inMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(leave, inMs);
  }

  stay() {
    clearTimeout(this.#timer);
  }
}
