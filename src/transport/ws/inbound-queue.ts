/** Frames that came while their session waits for a join. */
export interface InboundFrame {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

/** What the queue does to the socket that feeds it. */
export interface InboundTap {
  /** Handles one frame; a promise means that the next one must wait for it. It never rejects. */
  handle(frame: InboundFrame): Promise<void> | undefined;
  /** Stop and start reading: what is not read waits in the kernel, and nothing is lost. */
  pause(): void;
  resume(): void;
  /** More came in one piece than any honest client sends at once. True: that was the end of the socket. */
  overflow(): boolean;
}

/** Frames in one chunk of the socket behind a join that still waits. A client trickles some dozens at most. */
const maxParked = 256;

/** Strictly one frame after another; costs nothing while nobody waits. */
export class InboundQueue {
  readonly #tap: InboundTap;
  #parked: InboundFrame[] | undefined;

  constructor(tap: InboundTap) {
    this.#tap = tap;
  }

  /** Is a frame of this session still being handled? */
  get isWaiting(): boolean {
    return this.#parked !== undefined;
  }

  push(frame: InboundFrame): void {
    if (this.#parked === undefined) {
      this.#run(frame);
    } else if (this.#parked.push(frame) > maxParked && this.#tap.overflow()) {
      this.#parked = [];
    }
  }

  /** What comes from now on must wait for this. */
  wait(waiting: Promise<void> | undefined): void {
    if (waiting === undefined) return;
    this.#parked ??= [];
    this.#tap.pause();
    void waiting.then(() => {
      this.#drain();
    });
  }

  /** Forgets what waits. */
  clear(): void {
    if (this.#parked !== undefined) this.#parked = [];
  }

  /** True when the session must wait. */
  #run(frame: InboundFrame): boolean {
    const waiting = this.#tap.handle(frame);
    this.wait(waiting);
    return waiting !== undefined;
  }

  #drain(): void {
    for (let next = this.#parked?.shift(); next !== undefined; next = this.#parked?.shift()) {
      if (this.#run(next)) return;
    }
    this.#parked = undefined;
    this.#tap.resume();
  }
}
