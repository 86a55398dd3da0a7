import { parseFrame, RequestRefused, type Frame } from './frames.js';

/** What of the browsers' WebSocket is used; `ws` has it too. */
export interface WebSocketLike {
  send(text: string): void;
  close(code?: number): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

export interface RoomSocketListener {
  joined(frame: Frame): void;
  /** For good: to try again is no use. */
  refused(refusal: RequestRefused): void;
  /** A frame behind `room_joined`. */
  heard(frame: Frame): void;
  /** Once. `isFinal`: the server does not want it back. `refusal`: why it was not let in this time. */
  ended(isFinal: boolean, refusal?: RequestRefused): void;
}

/** Close codes 44xx: nothing changes by coming again, but for who was too slow to join. */
const [firstFinal, lastFinal, tooSlow] = [4400, 4499, 4408];

/** One socket of a session, from its opening to its end. */
export class RoomSocket {
  readonly #socket: WebSocketLike;
  readonly #listener: RoomSocketListener;
  readonly #late: ReturnType<typeof setTimeout>;
  #isIn = false;
  #isOver = false;

  /** `timeoutMs`: to be in the room. */
  constructor(socket: WebSocketLike, join: Frame, timeoutMs: number, listener: RoomSocketListener) {
    this.#socket = socket;
    this.#listener = listener;
    this.#late = setTimeout(() => {
      if (!this.#isIn) this.drop();
    }, timeoutMs);
    socket.onopen = () => {
      socket.send(JSON.stringify(join));
    };
    socket.onerror = () => {
      this.drop();
    };
    socket.onclose = ({ code }: { readonly code: number }) => {
      this.#end(code >= firstFinal && code <= lastFinal && code !== tooSlow);
    };
    socket.onmessage = ({ data }: { readonly data: unknown }) => {
      const frame = typeof data === 'string' ? parseFrame(data) : undefined;
      if (frame !== undefined) this.#take(frame);
    };
  }

  /** Before the server has let it in there is nobody to hear it, and browsers throw while a socket is opening. */
  send(frame: Frame): void {
    if (this.#isIn && !this.#isOver) this.#socket.send(JSON.stringify(frame));
  }

  /** Ends it, and says so. */
  drop(): void {
    this.#end(false);
  }

  /** Ends it without a word: who calls knows. */
  close(): void {
    this.#isOver = true;
    clearTimeout(this.#late);
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // One that is still opening calls that an error, which ends a Node process where nobody listens.
    socket.onerror = () => undefined;
    socket.close(1000);
  }

  #take(frame: Frame): void {
    if (this.#isIn) {
      this.#listener.heard(frame);
    } else if (frame.type === 'room_joined') {
      this.#isIn = true;
      clearTimeout(this.#late);
      this.#listener.joined(frame);
    } else if (frame.type === 'error') {
      const refusal = new RequestRefused(frame);
      if (!refusal.retryable) this.#listener.refused(refusal);
      this.#end(false, refusal);
    }
  }

  #end(isFinal: boolean, refusal?: RequestRefused): void {
    if (this.#isOver) return;
    this.close();
    this.#listener.ended(isFinal, refusal);
  }
}
