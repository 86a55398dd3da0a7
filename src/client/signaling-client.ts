import WebSocket from 'ws';
import { ClientError, systemCode } from './client-error.js';
import { Refusal } from './refusal.js';
import type { RoomSession } from './session-string.js';

/** As often as the server pings; a socket that has not answered by the next one is dead. */
const pingMs = 20_000;
const goodbyeMs = 2_000;
/** A forwarded message may be a little larger than the 1 MiB that its sender was allowed. */
const maxFrameBytes = 2 * 1_048_576;

/** A message from another peer: an offer, an answer or a candidate. */
export type Signal = Readonly<Record<string, unknown>> & { readonly type: string; readonly sender: string };

/** One WebSocket to the signaling server. Signals are handed on in the order in which they came. */
export class SignalingClient {
  /** Resolves when the server closed the socket, or said an error that answers no registration. */
  readonly lost: Promise<ClientError>;
  readonly #socket: WebSocket;
  readonly #onSignal: (signal: Signal) => void;
  readonly #closed: Promise<void>;
  #lose: (reason: ClientError) => void = () => undefined;
  /** Who waits for the answer to `register`. */
  #answer: ((answer: RoomSession | ClientError) => void) | undefined;

  private constructor(socket: WebSocket, onSignal: (signal: Signal) => void) {
    this.#socket = socket;
    this.#onSignal = onSignal;
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
    const stopPinging = keepAlive(socket);
    this.#closed = new Promise((resolve) => {
      socket.once('close', (code) => {
        stopPinging();
        this.#refuse(
          new ClientError('server', `the server closed the connection (${String(code)})`, 'try again'),
        );
        resolve();
      });
    });
    socket.on('message', (data, isBinary) => {
      if (!isBinary && Buffer.isBuffer(data)) this.#receive(data);
    });
  }

  /**
   * @param url for instance `ws://127.0.0.1:8080`
   * @throws ClientError `server` when nobody answers there within `timeoutMs`
   */
  static async connect(
    url: string,
    timeoutMs: number,
    onSignal: (signal: Signal) => void,
  ): Promise<SignalingClient> {
    const socket = new WebSocket(url, {
      handshakeTimeout: timeoutMs,
      perMessageDeflate: false,
      maxPayload: maxFrameBytes,
    });
    const client = new SignalingClient(socket, onSignal);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      // It stays for later errors too: those end in a close, which is what is watched.
      socket.on('error', (error) => {
        const why = systemCode(error) ?? error.message;
        const remedy = 'is the server running? set --ws';
        reject(new ClientError('server', `cannot reach ${url} (${why})`, remedy, { cause: error }));
      });
    });
    return client;
  }

  /**
   * Joins the room under `peerId`.
   * @returns the fields of the server's answer
   * @throws ClientError `room` (a Refusal) when the server says no, `server` when it says nothing
   */
  register(wanted: RoomSession, idToken: string, timeoutMs: number): Promise<RoomSession> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#answer?.(
          new ClientError('server', 'the server does not answer the registration', 'try again later'),
        );
      }, timeoutMs);
      this.#answer = (answer) => {
        clearTimeout(timer);
        this.#answer = undefined;
        if (answer instanceof ClientError) reject(answer);
        else resolve(answer);
      };
      const { peerId, roomId, token } = wanted;
      this.send({ type: 'register', peer_id: peerId, room_id: roomId, token, id_token: idToken });
    });
  }

  /** @throws ClientError `server` when the socket is closed */
  send(message: Readonly<Record<string, unknown>>): void {
    if (this.#socket.readyState !== WebSocket.OPEN) {
      throw new ClientError('server', 'the connection to the server is closed', 'try again');
    }
    this.#socket.send(JSON.stringify(message));
  }

  /** Says goodbye, and hangs up when the server does not answer that. */
  async close(): Promise<void> {
    this.#socket.close(1000);
    const impatience = setTimeout(() => {
      this.#socket.terminate();
    }, goodbyeMs);
    await this.#closed;
    clearTimeout(impatience);
  }

  #receive(data: Buffer): void {
    const frame = parseFrame(data);
    if (frame === undefined) return;
    const { type, sender } = frame;
    if (type === 'registered_auth') {
      const [roomId, token, peerId] = [frame['room_id'], frame['token'], frame['peer_id']];
      if (typeof roomId !== 'string' || typeof token !== 'string' || typeof peerId !== 'string') return;
      this.#answer?.({ roomId, token, peerId });
      return;
    }
    const no = Refusal.of(frame);
    if (no !== undefined) this.#refuse(no);
    // What this client does not know (a later server's notices) is not for it.
    else if (typeof type === 'string' && typeof sender === 'string')
      this.#onSignal({ ...frame, type, sender });
  }

  #refuse(reason: ClientError): void {
    if (this.#answer === undefined) this.#lose(reason);
    else this.#answer(reason);
  }
}

/** Pings the server, so that a connection that died without a word is noticed. Pongs are sent by `ws` itself. */
function keepAlive(socket: WebSocket): () => void {
  let isAnswered = true;
  socket.on('pong', () => {
    isAnswered = true;
  });
  const timer = setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (!isAnswered) {
      socket.terminate();
      return;
    }
    isAnswered = false;
    socket.ping();
  }, pingMs);
  return () => {
    clearInterval(timer);
  };
}

function parseFrame(data: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Not for this client; the server's own frames are JSON.
    return undefined;
  }
}
