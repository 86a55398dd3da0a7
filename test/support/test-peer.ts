import { once } from 'node:events';
import { expect } from '@jest/globals';
import { WebSocket, type ClientOptions } from 'ws';
import { noteSecretsIn } from './test-logs.js';

export type Frame = Record<string, unknown>;

/** One WebSocket of a test: what came in waits in order until the test asks for it. */
export class TestPeer {
  readonly #inbox: string[] = [];
  readonly #waiting: ((text: string | undefined) => void)[] = [];
  /** Code and reason, once the socket is closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  pings = 0;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary) => {
      const text = isBinary ? `binary:${data.toString('hex')}` : data.toString();
      noteSecretsIn(text);
      const next = this.#waiting.shift();
      if (next === undefined) this.#inbox.push(text);
      else next(text);
    });
    socket.on('ping', () => {
      this.pings += 1;
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        for (const next of this.#waiting.splice(0)) next(undefined);
      });
    });
    socket.on('error', (error) => {
      // A refused upgrade is seen by `open`; later errors end in `closed`.
      this.lastError = error;
    });
  }

  lastError: Error | undefined;

  /** `protocols`: the subprotocols that it offers. */
  static async open(
    url: string,
    { protocols = [], ...options }: ClientOptions & { readonly protocols?: string[] } = {},
  ): Promise<TestPeer> {
    const peer = new TestPeer(new WebSocket(url, protocols, options));
    await once(peer.socket, 'open');
    return peer;
  }

  send(frame: Frame | string | Buffer): void {
    const isRaw = typeof frame === 'string' || Buffer.isBuffer(frame);
    this.socket.send(isRaw ? frame : JSON.stringify(frame));
  }

  /** The next frame as it came. Rejects when the socket closes first. */
  async nextRaw(): Promise<string> {
    const waiting = this.#inbox.shift();
    if (waiting !== undefined) return waiting;
    const text = await new Promise<string | undefined>((resolve) => {
      if (this.socket.readyState >= WebSocket.CLOSING) resolve(undefined);
      else this.#waiting.push(resolve);
    });
    if (text === undefined) throw new Error(`the socket closed: ${JSON.stringify(await this.closed)}`);
    return text;
  }

  async next(): Promise<Frame> {
    return JSON.parse(await this.nextRaw()) as Frame;
  }

  /** The next frame must have at least these fields. */
  async expect(fields: Frame): Promise<Frame> {
    const frame = await this.next();
    expect(frame).toMatchObject(fields);
    return frame;
  }

  /**
   * Nothing is on its way to this socket: asks for something that is always answered, and the answer must be the
   * next frame. Frames of one socket are handled and answered in order, so this needs no waiting.
   */
  async expectNothing(): Promise<void> {
    this.send({ type: 'discover_peers', from_peer_id: '\u0002barrier' });
    await this.expect({ type: 'error', code: expect.stringMatching(/^(SENDER_MISMATCH|NOT_IN_ROOM)$/) });
  }

  drop(): void {
    this.socket.terminate();
  }
}
