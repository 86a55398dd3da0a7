import type { Socket } from 'node:net';

/**
 * Keeps a peer that has not joined from filling memory (D10) and from staying (T1). `ws` refuses whole messages above its one limit, which
 * is the limit for joined peers; this one counts the bytes of the message that is still on its way.
 */
export class PreJoinGuard {
  static readonly maxBytes = 16_384;
  static readonly tooBig = `At most ${PreJoinGuard.maxBytes} bytes a message before joining a room.`;

  readonly #socket: Socket;
  readonly #cancelDeadline: () => void;
  readonly #count: (chunk: Buffer) => void;
  #unfinishedBytes = 0;
  #frameEnded = false;
  #isPaused = false;

  /** `cancelDeadline` is called when the guard is released; `onTooBig` may be called more than once. */
  constructor(socket: Socket, cancelDeadline: () => void, onTooBig: () => void) {
    this.#socket = socket;
    this.#cancelDeadline = cancelDeadline;
    this.#count = (chunk) => {
      // A frame ended inside this chunk: what is left of it is less than the chunk.
      this.#unfinishedBytes = this.#frameEnded ? 0 : this.#unfinishedBytes + chunk.length;
      this.#frameEnded = false;
      if (this.#unfinishedBytes > PreJoinGuard.maxBytes && !this.#isPaused) onTooBig();
    };
    // After ws's own listener, which has emitted the frames of the chunk by then.
    socket.on('data', this.#count);
  }

  frameEnded(): void {
    this.#frameEnded = true;
  }

  /** While a join is under way nothing is read, and what has come may turn out to be a joined peer's. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  release(): void {
    this.#cancelDeadline();
    this.#socket.off('data', this.#count);
  }
}
