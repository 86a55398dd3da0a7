import { once } from 'node:events';
import { WebSocket } from 'ws';

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket client that keeps every frame it is sent until the test has read it. */
export class Peer {
  /** Protocol pings of the server so far. */
  pings = 0;
  readonly #socket: WebSocket;
  readonly #frames: string[] = [];
  #closed: Closed | undefined;
  #arrived: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer, isBinary) => {
      // The Python server sends text only, and so do we.
      this.#frames.push(isBinary ? `binary: ${data.toString('hex')}` : data.toString());
      this.#arrived();
    });
    socket.on('ping', () => {
      this.pings += 1;
    });
    socket.on('close', (code, reason) => {
      this.#closed = { code, reason: reason.toString() };
      this.#arrived();
    });
  }

  static async open(url: string): Promise<Peer> {
    const socket = new WebSocket(url);
    const peer = new Peer(socket);
    await once(socket, 'open');
    return peer;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Sends text as it is, a Buffer as a binary frame, anything else as compact JSON. Returns what was sent. */
  send(message: unknown): string {
    const data = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message);
    this.#socket.send(data);
    return data.toString();
  }

  /** The next frame that was not read yet. Rejects when the socket closes before one comes. */
  async next(): Promise<string> {
    await this.#until(() => this.#frames.length > 0);
    const frame = this.#frames.shift();
    if (frame === undefined) throw new Error(`closed ${JSON.stringify(this.#closed)} and no frame`);
    return frame;
  }

  /**
   * Every frame that is still unread, once the server has dealt with all that this peer sent so far and has
   * delivered all that it had for it. Two pings: the answer to the first may overtake frames that the server
   * collects for one write, the second comes a turn of its event loop later.
   */
  async rest(): Promise<string[]> {
    for (let round = 0; round < 2 && this.isOpen; round += 1) {
      const pong = once(this.#socket, 'pong');
      this.#socket.ping();
      await Promise.race([pong, this.#until(() => false)]);
    }
    return this.#frames.splice(0);
  }

  /** Closes as a client that leaves; resolves when the closing handshake is over. */
  async leave(): Promise<void> {
    this.#socket.close();
    await this.closed();
  }

  /** How the socket was closed, once it is. */
  async closed(): Promise<Closed> {
    await this.#until(() => false);
    if (this.#closed === undefined) throw new Error('not closed');
    return this.#closed;
  }

  /** Until the condition holds or the socket is closed. */
  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && this.#closed === undefined) {
      await new Promise<void>((resolve) => {
        const before = this.#arrived;
        this.#arrived = () => {
          before();
          resolve();
        };
      });
    }
  }
}
