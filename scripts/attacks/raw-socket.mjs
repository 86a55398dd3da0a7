import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

import { maskedFrame } from '../bench/peer.mjs';

/** So much of what comes is kept, to be looked at. */
const maxHead = 16_384;

/** What it costs to be polite is not spent: bytes go out as they are given, and what comes is counted. */
export class RawSocket {
  #socket;
  /** Bytes that were read. */
  received = 0;
  /** The first of them. */
  #head = Buffer.alloc(0);
  /** The end of the last piece: too short for a status, and one may go on in the next. */
  #tail = '';
  /** Of the answers to requests, as they came. @type {string[]} */
  statuses = [];
  /** Resolves when the connection is gone, whoever ended it. */
  closed;
  isOpen = true;
  /** It ended otherwise than by a goodbye. @type {string | undefined} */
  fault;

  constructor(socket) {
    this.#socket = socket;
    socket.on('error', (error) => {
      this.fault = error.code;
    });
    socket.on('data', (chunk) => {
      this.received += chunk.length;
      this.#count(chunk);
      if (this.#head.length < maxHead) this.#head = Buffer.concat([this.#head, chunk]).subarray(0, maxHead);
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isOpen = false;
        resolve(undefined);
      });
    });
  }

  /**
   * Resolves when the connection stands or has failed.
   * @param {number} port @param {{ from?: string, allowHalfOpen?: boolean }} [options] `from`: an address of the loopback network
   */
  static open(port, { from, allowHalfOpen = false } = {}) {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen, noDelay: true, localAddress: from });
    const raw = new RawSocket(socket);
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(raw));
      socket.once('close', () => resolve(raw));
    });
  }

  /** The same, upgraded if the server will. @param {string} [path] @param {string[]} [headers] */
  static async upgrade(port, { path = '/', headers = [], ...options } = {}) {
    const raw = await RawSocket.open(port, options);
    raw.write(upgradeRequest(port, path, headers));
    await raw.until(() => raw.text.includes('\r\n\r\n'));
    return raw;
  }

  /** The beginning of what came, as Latin-1. */
  get text() {
    return this.#head.toString('latin1');
  }

  /** Status of the first answer; 0: there was none. */
  get status() {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.text)?.[1] ?? 0);
  }

  get isWritable() {
    return this.isOpen && this.#socket.writable;
  }

  /** Close code of the goodbye, if it is in the beginning of what came. */
  get closeCode() {
    const head = this.#head;
    const text = this.text;
    for (let at = text.indexOf('\r\n\r\n') + 4; at > 3 && at + 4 <= head.length;) {
      const short = head[at + 1] & 0x7f;
      const start = at + (short < 126 ? 2 : 4);
      const length = short < 126 ? short : head.readUInt16BE(at + 2);
      if ((head[at] & 0x0f) === 8) return head.readUInt16BE(start);
      at = start + length;
    }
    return 0;
  }

  /** False: what was sent before has not gone yet. */
  write(bytes) {
    return this.isWritable && this.#socket.write(bytes);
  }

  /** @returns {number} */
  get answers() {
    return this.statuses.length;
  }

  #count(chunk) {
    const text = this.#tail + chunk.toString('latin1');
    for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3})/g)) this.statuses.push(status);
    this.#tail = text.slice(1 - 'HTTP/1.1 200'.length);
  }

  /** What is not read waits in the kernel, then at the server. */
  stopReading() {
    this.#socket.pause();
  }

  /** Says that nothing more comes, and stays. */
  end() {
    this.#socket.end();
  }

  drop() {
    this.#socket.destroy();
  }

  /** Resolves when what was written has gone, or the connection has. */
  async drained() {
    if (!this.isWritable || this.#socket.writableLength === 0) return;
    await new Promise((resolve) => {
      const done = () => {
        this.#socket.off('drain', done).off('close', done);
        resolve(undefined);
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }

  /** Resolves when that is so after something came, or the connection is gone. */
  async until(isSo) {
    while (this.isOpen && !isSo()) {
      await new Promise((resolve) => {
        const done = () => {
          this.#socket.off('data', done);
          this.#socket.off('close', done);
          resolve(undefined);
        };
        this.#socket.on('data', done);
        this.#socket.on('close', done);
      });
    }
  }
}

export function upgradeRequest(port, path = '/', headers = []) {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Version: 13',
    ...headers,
    '\r\n',
  ].join('\r\n');
}

const mask = Buffer.from([1, 2, 3, 4]);
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** One masked frame. @param {{ isLast?: boolean, isCompressed?: boolean }} [flags] */
export function rawFrame(opcode, payload = Buffer.alloc(0), { isLast = true, isCompressed = false } = {}) {
  const frame = maskedFrame(Buffer.from(payload), mask);
  frame[0] = (isLast ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode;
  return frame;
}

export const said = (message) => rawFrame(opcodes.text, JSON.stringify(message));
