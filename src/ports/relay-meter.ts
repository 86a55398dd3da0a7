import { Histogram } from './histogram.js';

/** The two clocks of `Clock`, in milliseconds. */
interface Times {
  now(): number;
  elapsed(): number;
}

/** From 50 microseconds to 5 seconds. */
const boundsMs = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000];

/**
 * How long messages take from the sender's socket to the receiver's. One reading of the clock for each turn of the event loop
 * that reads messages, and one for its flush; a message costs a comparison and an addition.
 *
 * `local`: from when the turn came to the first piece that held a message to when the frames of that turn were handed to their
 * sockets, by one monotonic clock; so what a message waits behind others that came at the same time is in it. `remote`: from
 * when the sender's node gave the oldest letter of its batch to the link, to the same moment here, by the wall clocks of two
 * hosts: as good as these agree, and no finer than a millisecond. What seems to have come before it left counts as 0, and in
 * `skewed` too.
 * Not in it: what waited behind its sender's join or limit, what was parked for a peer that changed nodes, and frames in
 * fragments.
 */
export class RelayMeter {
  readonly local = new Histogram(boundsMs);
  readonly remote = new Histogram(boundsMs);
  skewed = 0;
  #reader: unknown;
  /** Handed over since the piece, or the batch, was begun. */
  #count = 0;
  /** Of this turn, and when its first was read. */
  #localCount = 0;
  #sinceMs = 0;
  /** Pairs of a time and a count, until the flush; the array is used again. */
  readonly #remotes: number[] = [];
  #remoteEnd = 0;

  /** A piece was read off the socket of `reader`. */
  begin(reader: unknown, clock: Times): void {
    this.#reader = reader;
    this.#count = 0;
    if (this.#localCount === 0) this.#sinceMs = clock.elapsed();
  }

  /** A message is on its way to the socket of `receiver`. The reader itself only writes its own out for others. */
  handed(receiver: unknown): void {
    if (receiver !== this.#reader) this.#count += 1;
  }

  /** All of that piece was handled. */
  end(): void {
    this.#reader = undefined;
    this.#localCount += this.#count;
    this.#count = 0;
  }

  /** Handles letters of another node, the oldest of which it wrote at `sentAtMs` of its wall clock. */
  letters(sentAtMs: number, handle: () => void): void {
    this.#count = 0;
    handle();
    if (this.#count === 0) return;
    this.#remotes[this.#remoteEnd] = sentAtMs;
    this.#remotes[this.#remoteEnd + 1] = this.#count;
    this.#remoteEnd += 2;
    this.#count = 0;
  }

  /** Everything that was on its way was handed to its socket. */
  flushed(clock: Times): void {
    if (this.#localCount > 0) {
      this.local.observe(clock.elapsed() - this.#sinceMs, this.#localCount);
      this.#localCount = 0;
    }
    if (this.#remoteEnd > 0) {
      const nowMs = clock.now();
      for (let at = 0; at < this.#remoteEnd; at += 2) {
        const tookMs = nowMs - (this.#remotes[at] ?? nowMs);
        const times = this.#remotes[at + 1] ?? 0;
        if (tookMs < 0) this.skewed += times;
        this.remote.observe(Math.max(0, tookMs), times);
      }
      this.#remoteEnd = 0;
    }
  }
}
