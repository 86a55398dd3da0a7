import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

const headerBytes = (payloadBytes) => (payloadBytes < 126 ? 2 : payloadBytes < 65536 ? 4 : 10);

/** One masked text frame (RFC 6455 section 5.2). `mask` must not be all zero: `ws` skips the unmasking then. */
export function maskedFrame(payload, mask) {
  const head = headerBytes(payload.length);
  const frame = Buffer.allocUnsafe(head + 4 + payload.length);
  frame[0] = 0x81;
  if (head === 2) frame[1] = 0x80 | payload.length;
  else if (head === 4) {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(payload.length, 2);
  } else {
    frame[1] = 0x80 | 127;
    frame.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  mask.copy(frame, head);
  for (let i = 0; i < payload.length; i += 1) frame[head + 4 + i] = payload[i] ^ mask[i & 3];
  return frame;
}

/**
 * A WebSocket client as thin as can be, so that the load generator never is what limits the run: it does the
 * handshake by hand, writes frames that were masked beforehand and hands out received frames as slices.
 */
export class Peer {
  /** Called with (buffer, start, end) of each text frame's payload; valid only during the call. */
  onText = () => {};
  /** Called when all frames of one read have been handed out. */
  onDrained = () => {};
  /** Called once when the server or the network ended the connection. */
  onEnd = () => {};

  #rest = undefined;
  #waiting = undefined;

  /** @param {import('node:net').Socket} socket after a successful handshake */
  constructor(socket, first) {
    this.socket = socket;
    this.mask = randomBytes(4);
    this.mask[0] |= 1;
    socket.on('data', (chunk) => this.#take(chunk));
    if (first.length > 0) this.#take(first);
  }

  /** @returns {Promise<Peer>} of the class that it is called on; rejects when the server does not answer 101 */
  static open(url) {
    const { hostname, port, pathname, host } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      let head = Buffer.alloc(0);
      const refuse = (error) => {
        socket.destroy();
        reject(error);
      };
      const read = (chunk) => {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.off('data', read);
        if (!head.toString('latin1', 0, end).startsWith('HTTP/1.1 101')) {
          refuse(new Error(`upgrade refused: ${head.toString('latin1', 0, head.indexOf('\r\n'))}`));
          return;
        }
        socket.off('error', refuse);
        const peer = new this(socket, head.subarray(end + 4));
        socket.on('error', () => {}); // 'close' follows and tells
        socket.once('close', () => peer.onEnd());
        resolve(peer);
      };
      socket.on('error', refuse);
      socket.on('data', read);
      socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
    });
  }

  /** Sends one object and resolves with the next text frame, parsed. */
  ask(message) {
    return new Promise((resolve, reject) => {
      const before = this.onText;
      this.#waiting = reject;
      this.onText = (buffer, start, end) => {
        this.onText = before;
        this.#waiting = undefined;
        resolve(JSON.parse(buffer.toString('utf8', start, end)));
      };
      this.socket.once('close', () => this.#waiting?.(new Error('the server closed the connection')));
      this.send(message);
    });
  }

  send(message) {
    this.socket.write(maskedFrame(Buffer.from(JSON.stringify(message)), this.mask));
  }

  close() {
    this.onEnd = () => {};
    this.socket.destroy();
  }

  #take(chunk) {
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    while (data.length - at >= 2) {
      const short = data[at + 1] & 0x7f;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (data.length - at < head) break;
      const length =
        short < 126
          ? short
          : short === 126
            ? data.readUInt16BE(at + 2)
            : Number(data.readBigUInt64BE(at + 2));
      const start = at + head;
      if (data.length - start < length) break;
      at = start + length;
      const opcode = data[start - head] & 0x0f;
      if (opcode === 1) this.receive(data, start, at);
      else if (opcode === 9) this.#pong(data.subarray(start, at));
    }
    if (at < data.length) this.#rest = data.subarray(at);
    this.drained();
  }

  receive(buffer, start, end) {
    this.onText(buffer, start, end);
  }

  drained() {
    this.onDrained();
  }

  #pong(payload) {
    const frame = maskedFrame(payload, this.mask);
    frame[0] = 0x8a;
    this.socket.write(frame);
  }
}
