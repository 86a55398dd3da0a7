import { isUtf8 } from 'node:buffer';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { RelayMeter } from '../../ports/relay-meter.js';
import type { Clock } from '../../ports/runtime.js';
import { shred } from './shred.js';
import { noOthers, type Holder, type WaitingBytes } from './waiting-bytes.js';

/** Byte 0 of whole frames without extensions (RFC 6455 section 5.2). */
const wholeText = 0x81;
const wholeBinary = 0x82;
const ping = 0x89;
const pong = 0x8a;
/** A frame that arrives in more pieces than this is put together as it comes. */
const maxPieces = 64;

type DataListener = (this: Socket, chunk: Buffer) => void;
/** Who is told of what is read. */
export interface FrameEvents {
  /** The payload of a whole text frame, unmasked and checked. */
  onText(payload: Buffer): void;
  /** ws is about to answer a ping or a goodbye: what was said before that must leave before it. */
  beforeWs(): void;
}

/** Where it is noted when a piece was read, and how much of what is not all there waits. */
interface ReadTimes {
  readonly relay: RelayMeter;
  readonly clock: Clock;
  readonly waiting?: WaitingBytes;
}

/** Says when ws has put a message together. */
interface MessageSource {
  on(event: 'message', listener: () => void): unknown;
}

type Unmask = (payload: Buffer, mask: Buffer) => void;

/**
 * Reads what a relay is mostly sent, whole masked text frames, past ws. Whole binary frames, pings and pongs are handed
 * to ws one by one, as they came. Everything else, fragments and whatever breaks the protocol, is left to ws together
 * with all that follows: it answers as always. Worth 5 to 6 % of the CPU of a relayed message, because ws's receiver
 * is a stream of its own behind the socket.
 */
export class FrameReader implements Holder {
  readonly #stream: Socket;
  readonly #wsListener: DataListener;
  readonly #maxBytes: number;
  readonly #events: FrameEvents;
  readonly #times: ReadTimes;
  readonly #waiting: WaitingBytes;
  readonly #ws: MessageSource | undefined;
  readonly #onData = (chunk: Buffer): void => {
    const { relay, clock } = this.#times;
    relay.begin(this.#events, clock);
    this.#read(chunk);
    relay.end();
  };
  /** The beginning of a frame that is not all there, and how long it has to be to go on. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #neededBytes = 0;
  #isDelegated = false;

  private constructor(
    stream: Socket,
    wsListener: DataListener,
    maxBytes: number,
    events: FrameEvents,
    times: ReadTimes,
    ws: MessageSource | undefined,
  ) {
    this.#times = times;
    this.#waiting = times.waiting ?? noOthers;
    this.#ws = ws;
    this.#stream = stream;
    this.#wsListener = wsListener;
    this.#maxBytes = maxBytes;
    this.#events = events;
    stream.off('data', wsListener);
    stream.on('data', this.#onData);
    stream.once('close', () => {
      this.#forget();
    });
  }

  /**
   * Takes the place of ws's listener on a socket that has just been upgraded.
   * False, and nothing done, where ws's is not the only listener: then ws reads everything, slower and as well.
   */
  static attach(
    stream: Socket,
    maxBytes: number,
    events: FrameEvents,
    times: ReadTimes,
    ws?: MessageSource,
  ): boolean {
    const [wsListener, ...others] = stream.listeners('data') as DataListener[];
    if (wsListener === undefined || others.length > 0) return false;
    new FrameReader(stream, wsListener, maxBytes, events, times, ws);
    return true;
  }

  giveUp(): void {
    this.#stream.destroy();
    this.#forget();
  }

  /** A session may outlive its socket; what its last message had come to must not. */
  #forget(): void {
    this.#pieces = [];
    this.#waiting.set(this, 0);
  }

  #read(chunk: Buffer): void {
    if (this.#pieces.length === 0) {
      this.#readFrames(chunk);
      return;
    }
    this.#pieces.push(chunk);
    this.#pieceBytes += chunk.length;
    if (this.#pieceBytes < this.#neededBytes) {
      if (this.#pieces.length > maxPieces) this.#pieces = [Buffer.concat(this.#pieces)];
      this.#waiting.set(this, this.#pieceBytes);
      return;
    }
    const data = Buffer.concat(this.#pieces);
    this.#forget();
    this.#readFrames(data);
  }

  #readFrames(data: Buffer): void {
    let at = 0;
    while (at < data.length && !this.#isDelegated) {
      const left = data.length - at;
      const short = left < 2 ? 0 : (data[at + 1] ?? 0) & 0x7f;
      const headBytes = short < 126 ? 6 : short === 126 ? 8 : 14;
      if (left >= 2 && !isSimple(data[at] ?? 0, data[at + 1] ?? 0)) {
        this.#delegate(data.subarray(at));
        return;
      }
      if (left < headBytes) {
        this.#wait(data.subarray(at), headBytes);
        return;
      }
      const length =
        short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : readLength(data, at + 2);
      if (length > this.#maxBytes) {
        this.#delegate(data.subarray(at));
        // ws refuses it at its header, and reads on, so that the far end gets to the goodbye.
        this.#stream.on('data', shred);
        return;
      }
      const end = at + headBytes + length;
      if (end > data.length) {
        this.#wait(data.subarray(at), end - at);
        return;
      }
      if (!this.#handle(data, at, at + headBytes, end)) {
        this.#delegate(data.subarray(at));
        return;
      }
      at = end;
    }
  }

  /** One whole frame. False when it is text that is no UTF-8: ws knows what to say. */
  #handle(data: Buffer, start: number, payloadAt: number, end: number): boolean {
    const first = data[start] ?? 0;
    if (first === wholeText) {
      const payload = data.subarray(payloadAt, end);
      const mask = data.subarray(payloadAt - 4, payloadAt);
      unmask(payload, mask);
      if (isUtf8(payload)) {
        this.#events.onText(payload);
        return true;
      }
      unmask(payload, mask);
      return false;
    }
    this.#events.beforeWs();
    this.#wsListener.call(this.#stream, data.subarray(start, end));
    return true;
  }

  #wait(piece: Buffer, neededBytes: number): void {
    this.#pieces = [piece];
    this.#pieceBytes = piece.length;
    this.#neededBytes = neededBytes;
  }

  /** ws gets its place back, before whoever listens after it, and all that comes. */
  #delegate(rest: Buffer): void {
    this.#isDelegated = true;
    this.#stream.off('data', this.#onData);
    this.#stream.prependListener('data', this.#wsListener);
    this.#events.beforeWs();
    this.#wsListener.call(this.#stream, rest);
    this.#countFragments(rest.length);
  }

  /** What came since ws has last made a message of it waits there. */
  #countFragments(restBytes: number): void {
    let unfinishedBytes = restBytes;
    this.#ws?.on('message', () => {
      unfinishedBytes = 0;
    });
    this.#stream.on('data', ({ length }: Buffer) => {
      unfinishedBytes += length;
      this.#waiting.set(this, unfinishedBytes);
    });
  }
}

/**
 * A frame after which ws waits for nothing and finds no fault: whole, masked, without an extension's bits, text, binary
 * or a short ping or pong (RFC 6455 section 5).
 */
function isSimple(first: number, second: number): boolean {
  const isMasked = (second & 0x80) !== 0;
  if (first === wholeText || first === wholeBinary) return isMasked;
  return (first === ping || first === pong) && isMasked && (second & 0x7f) < 126;
}

/** A 64-bit length; what does not fit a number is longer than any limit. */
function readLength(data: Buffer, at: number): number {
  return data.readUInt32BE(at) === 0 ? data.readUInt32BE(at + 4) : Infinity;
}

/** bufferutil's, which ws uses too, where it could be installed. */
function loadUnmask(): Unmask {
  try {
    return (createRequire(import.meta.url)('bufferutil') as { readonly unmask: Unmask }).unmask;
  } catch {
    // An optional native package: without it the same in JavaScript, a little slower.
    return (payload, mask) => {
      for (let at = 0; at < payload.length; at += 1) payload[at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
    };
  }
}

const unmask = loadUnmask();
