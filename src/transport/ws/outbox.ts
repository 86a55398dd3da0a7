import type { Socket } from 'node:net';
import { headerBytes, writeHeader } from './frame.js';
import { noOthers, type Holder, type WaitingBytes } from './waiting-bytes.js';

/** So much is copied into one buffer and leaves in one write. */
const copyUpToBytes = 65_536;
/** A payload above this size is handed to the socket as it is: copying it costs more than a write. */
const largeBytes = 16_384;
const worthWhileBytes = 1_024;

/**
 * Where the frames of a tick are put together. A write that completes at once is done with it when it returns; one
 * that does not leaves something in `writableLength`. (Over TLS none does at once: terminate TLS in front.)
 */
let shared = Buffer.allocUnsafeSlow(copyUpToBytes);

/**
 * The frames on their way to one peer. What is pushed in one turn of the event loop leaves in one write: writes are
 * what a relay spends its time on, and half of the cost of a burst is saved here (the figures are in the bench).
 * It writes frames to the socket itself, past `ws`, which is safe because no extension is ever negotiated.
 */
export class Outbox implements Holder {
  readonly #socket: Socket;
  readonly #maxBytes: number;
  readonly #waiting: WaitingBytes;
  #payloads: Buffer[] = [];
  /** Bytes pushed and not yet handed to the socket, headers included. */
  #pendingBytes = 0;
  #isBehind = false;

  constructor(socket: Socket, maxBytes: number, waiting = noOthers) {
    this.#socket = socket;
    this.#maxBytes = maxBytes;
    this.#waiting = waiting;
  }

  /** A goodbye would wait behind all the rest. */
  giveUp(): void {
    this.#payloads = [];
    this.#pendingBytes = 0;
    this.#socket.destroy();
  }

  get isEmpty(): boolean {
    return this.#payloads.length === 0;
  }

  /**
   * Queues the payload of a text frame. False when the peer is too far behind: then nothing was queued. A peer that
   * has read everything so far takes any one frame.
   */
  push(payload: Buffer): boolean {
    const bytes = payload.length + headerBytes(payload.length);
    const waitingBytes = this.#pendingBytes + this.#socket.writableLength;
    if (waitingBytes > 0 && waitingBytes + bytes > this.#maxBytes) return false;
    this.#pendingBytes += bytes;
    this.#payloads.push(payload);
    return true;
  }

  /** Hands everything to the socket. */
  flush(): void {
    if (this.#payloads.length === 0) return;
    const payloads = this.#payloads;
    const total = this.#pendingBytes;
    this.#payloads = [];
    this.#pendingBytes = 0;
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (total <= copyUpToBytes) this.#writeJoined(payloads, total);
    else this.#writeRuns(payloads, isLarge);
    if (this.#socket.writableLength > 0) this.#fallBehind();
  }

  /** The kernel did not take everything. */
  #fallBehind(): void {
    this.#waiting.set(this, this.#socket.writableLength);
    if (this.#isBehind) return;
    this.#isBehind = true;
    const catchUp = (): void => {
      this.#socket.off('drain', catchUp).off('close', catchUp);
      this.#isBehind = false;
      this.#waiting.set(this, 0);
    };
    this.#socket.on('drain', catchUp).on('close', catchUp);
  }

  #writeRuns(payloads: readonly Buffer[], goesAlone: (payload: Buffer) => boolean): void {
    this.#socket.cork();
    for (const run of runs(payloads, goesAlone)) {
      const [first] = run;
      if (first !== undefined && goesAlone(first)) this.#writeAlone(first);
      else this.#socket.write(joined(run, Buffer.allocUnsafe(framedBytes(run))));
    }
    this.#socket.uncork();
  }

  /** All of it in one write. Half of a relay's time goes into writes, and an allocation a tick can be saved too. */
  #writeJoined(payloads: readonly Buffer[], total: number): void {
    const socket = this.#socket;
    if (socket.writableLength > 0) {
      // Behind a peer that is slow the shared buffer would be held for every few bytes that wait; and what somebody
      // keeps anyway, until the peer has it, must not be held twice.
      this.#writeRuns(payloads, isKeptElsewhere);
      return;
    }
    socket.write(joined(payloads, shared).subarray(0, total));
    // What the kernel did not take at once still points into the buffer: it is that socket's now.
    if (socket.writableLength > 0) shared = Buffer.allocUnsafeSlow(copyUpToBytes);
  }

  #writeAlone(payload: Buffer): void {
    const header = Buffer.allocUnsafe(headerBytes(payload.length));
    writeHeader(header, 0, payload.length);
    this.#socket.write(header);
    this.#socket.write(payload);
  }
}

function isLarge({ length }: Buffer): boolean {
  return length > largeBytes;
}

/** It has its bytes for itself, as a mailbox wants it; and it is worth a write. */
function isKeptElsewhere({ length, buffer }: Buffer): boolean {
  return length > worthWhileBytes && buffer.byteLength <= 2 * length;
}

/** Those that go alone one by one, the others together, in their order. */
function runs(payloads: readonly Buffer[], goesAlone: (payload: Buffer) => boolean): Buffer[][] {
  const found: Buffer[][] = [];
  let small: Buffer[] | undefined;
  for (const payload of payloads) {
    if (goesAlone(payload)) {
      small = undefined;
      found.push([payload]);
    } else if (small === undefined) {
      small = [payload];
      found.push(small);
    } else {
      small.push(payload);
    }
  }
  return found;
}

/** Writes the payloads as frames into a buffer that is large enough, from its beginning. */
function joined(payloads: readonly Buffer[], target: Buffer): Buffer {
  let at = 0;
  for (const payload of payloads) {
    at = writeHeader(target, at, payload.length);
    at += payload.copy(target, at);
  }
  return target;
}

function framedBytes(payloads: readonly Buffer[]): number {
  return payloads.reduce((sum, { length }) => sum + length + headerBytes(length), 0);
}

/** Flushes every outbox that was pushed to in this turn of the event loop, once, at its end. */
export class Flusher {
  #dirty: Outbox[] = [];
  readonly #run = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const outbox of dirty) outbox.flush();
    this.#onFlushed();
  };
  readonly #onFlushed: () => void;

  /** `onFlushed` is called when all was handed to the sockets. */
  constructor(onFlushed: () => void = () => undefined) {
    this.#onFlushed = onFlushed;
  }

  /**
   * Call it after the first push to an outbox that was empty; and when the outbox takes no more: then what was meant for
   * it is timed with this turn, not with whatever is flushed next.
   */
  schedule(outbox: Outbox): void {
    if (this.#dirty.push(outbox) === 1) setImmediate(this.#run);
  }
}
