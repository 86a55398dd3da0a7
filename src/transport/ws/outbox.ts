import type { Socket } from 'node:net';
import { headerBytes, writeHeader } from './frame.js';

/** Frames up to this size are copied into the tick's one buffer; larger ones are handed to the socket as they are. */
const copyUpToBytes = 65_536;

/**
 * The frames on their way to one peer. What is pushed in one turn of the event loop leaves in one write: writes are
 * what a relay spends its time on, and half of the cost of a burst is saved here (the figures are in the bench).
 * It writes frames to the socket itself, past `ws`, which is safe because no extension is ever negotiated.
 */
export class Outbox {
  readonly #socket: Socket;
  readonly #maxBytes: number;
  #payloads: Buffer[] = [];
  /** Bytes pushed and not yet handed to the socket, headers included. */
  #pendingBytes = 0;

  constructor(socket: Socket, maxBytes: number) {
    this.#socket = socket;
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#payloads.length === 0;
  }

  /** Queues the payload of a text frame. False when the peer is too far behind: then nothing was queued. */
  push(payload: Buffer): boolean {
    const bytes = payload.length + headerBytes(payload.length);
    if (this.#pendingBytes + bytes + this.#socket.writableLength > this.#maxBytes) return false;
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
    if (total <= copyUpToBytes) {
      this.#socket.write(joined(payloads, total));
      return;
    }
    this.#socket.cork();
    for (const payload of payloads) {
      const header = Buffer.allocUnsafe(headerBytes(payload.length));
      writeHeader(header, 0, payload.length);
      this.#socket.write(header);
      this.#socket.write(payload);
    }
    this.#socket.uncork();
  }
}

function joined(payloads: readonly Buffer[], total: number): Buffer {
  const buffer = Buffer.allocUnsafe(total);
  let at = 0;
  for (const payload of payloads) {
    at = writeHeader(buffer, at, payload.length);
    at += payload.copy(buffer, at);
  }
  return buffer;
}

/** Flushes every outbox that was pushed to in this turn of the event loop, once, at its end. */
export class Flusher {
  #dirty: Outbox[] = [];
  readonly #run = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const outbox of dirty) outbox.flush();
  };

  /** Call it after the first push to an outbox that was empty. */
  schedule(outbox: Outbox): void {
    if (this.#dirty.push(outbox) === 1) setImmediate(this.#run);
  }
}
