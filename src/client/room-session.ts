/** A full session of the flat dialect, for browsers and Node: it counts, acknowledges, and goes on over new sockets. */
import { RequestLost, type RequestRefused, type Frame } from './frames.js';
import { PendingRequests } from './pending-requests.js';
import { RoomSocket, type WebSocketLike } from './room-socket.js';

export interface RoomSessionOptions {
  /** Addresses of nodes that share the room, for instance `wss://signal.example.org`; the next one is tried when one is lost. */
  readonly urls: readonly string[];
  readonly roomId: string;
  /** The room's token; open rooms need none. */
  readonly token?: string;
  readonly idToken?: string;
  readonly peerId?: string;
  readonly role?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** `WebSocket` of the browser, or of `ws`. */
  readonly openSocket: (url: string) => WebSocketLike;
  /** Milliseconds for the first join, and for the answer to a request. */
  readonly timeoutMs?: number;
}

export type SessionEnd = 'left' | 'refused' | 'lost';

const defaultTimeoutMs = 10_000;
const ackEveryFrames = 16;
const ackEveryMs = 1_000;
const firstPauseMs = 100;
const longestPauseMs = 2_000;
/** Longer than any window of the server: who was away for so long is not waited for. */
const giveUpMs = 60_000;

/**
 * Frames are given to listeners by their `type`, in order. `resumed` and `restarted` are said when another socket goes on: with
 * the same session, or with a new one, whose roster is in that frame.
 */
export class RoomSession {
  /** Resolves when it is over for good. */
  readonly ended: Promise<SessionEnd>;
  readonly #options: RoomSessionOptions;
  readonly #listeners = new Map<string, Set<(frame: Frame) => void>>();
  readonly #pending: PendingRequests;
  #socket: RoomSocket | undefined;
  #joined: Frame | undefined;
  #count = 0;
  #acknowledged = 0;
  #chatSeq = 0;
  #node = 0;
  #attempts = 0;
  #lostAtMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #beat: ReturnType<typeof setInterval>;
  #end: (how: SessionEnd) => void = () => undefined;
  #isOver = false;
  /** Why the last socket was not let in. */
  #refusal: RequestRefused | undefined;
  #answerFirst: ((answer: Frame | Error) => void) | undefined;

  private constructor(options: RoomSessionOptions) {
    this.#options = options;
    this.#pending = new PendingRequests(options.timeoutMs ?? defaultTimeoutMs);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#beat = setInterval(() => {
      this.#acknowledge();
    }, ackEveryMs);
  }

  /** Rejects with `RequestRefused` (`retryable`: it did not get better in time) or `RequestLost` (no node answered). */
  static async join(options: RoomSessionOptions): Promise<RoomSession> {
    const session = new RoomSession(options);
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        session.#over('lost');
        reject(session.#refusal ?? new RequestLost('join_room', 'no node answered in time'));
      }, options.timeoutMs ?? defaultTimeoutMs);
      session.#answerFirst = (answer) => {
        clearTimeout(late);
        session.#answerFirst = undefined;
        if (answer instanceof Error) reject(answer);
        else resolve();
      };
      session.#connect();
    });
    return session;
  }

  /** The last `room_joined`. */
  get welcome(): Frame {
    if (this.#joined === undefined) throw new Error('the session has not joined');
    return this.#joined;
  }

  get peerId(): string {
    return String(this.welcome['peer_id']);
  }

  /** @returns what ends the listening */
  on(type: string, listener: (frame: Frame) => void): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /** Sent now or never: between two sockets it is dropped. */
  send(frame: Frame): void {
    if (this.#joined !== undefined) this.#socket?.send(frame);
  }

  /** Asks for something and resolves with the answer. Rejects with `RequestRefused` or `RequestLost`. */
  request(frame: Frame): Promise<Frame> {
    return this.#pending.ask(frame, (asked) => {
      this.send(asked);
    });
  }

  /** Says goodbye, for good. */
  async leave(): Promise<void> {
    this.send({ type: 'leave_room' });
    this.#over('left');
    await this.ended;
  }

  #connect(): void {
    const { urls, openSocket, timeoutMs = defaultTimeoutMs } = this.#options;
    const socket = new RoomSocket(
      openSocket(urls[this.#node % urls.length] ?? ''),
      this.#joinFrame(),
      timeoutMs,
      {
        joined: (frame) => {
          this.#welcomed(frame);
        },
        refused: (refusal) => {
          this.#answerFirst?.(refusal);
          this.#over('refused');
        },
        heard: (frame) => {
          this.#heard(frame);
        },
        ended: (isFinal, refusal) => {
          this.#refusal = refusal;
          if (isFinal) this.#over('refused');
          if (this.#socket === socket) this.#lost();
        },
      },
    );
    this.#socket = socket;
  }

  #joinFrame(): Frame {
    const { roomId, token, idToken, peerId, role, metadata } = this.#options;
    const resume = this.#joined && {
      session_id: this.#joined['session_id'],
      resume_token: this.#joined['resume_token'],
      count: this.#count,
      chat_seq: this.#chatSeq,
    };
    const name = this.#joined?.['peer_id'] ?? peerId;
    return {
      type: 'join_room',
      room_id: roomId,
      token,
      id_token: idToken,
      peer_id: name,
      role,
      metadata,
      resume,
    };
  }

  #welcomed(frame: Frame): void {
    const isFirst = this.#joined === undefined;
    const isResumed = frame['resumed'] === true;
    this.#joined = frame;
    [this.#attempts, this.#lostAtMs] = [0, 0];
    if (!isResumed) this.#count = 0;
    this.#acknowledged = this.#count;
    if (isFirst) {
      this.#answerFirst?.(frame);
      return;
    }
    if (!isResumed) this.#pending.lose('the session was lost');
    this.#tell({ ...frame, type: isResumed ? 'resumed' : 'restarted' });
  }

  #heard(frame: Frame): void {
    if (frame.type !== 'ack') this.#count += 1;
    const { seq, reply_to: replyTo } = frame;
    if (frame.type === 'chat_message' && typeof seq === 'number')
      this.#chatSeq = Math.max(this.#chatSeq, seq);
    if (typeof replyTo === 'string') this.#pending.answer(replyTo, frame);
    this.#tell(frame);
    if (frame.type === 'go_away') this.#moveOn(Number(frame['retry_in_ms']));
    if (this.#count - this.#acknowledged >= ackEveryFrames) this.#acknowledge();
  }

  #tell(frame: Frame): void {
    for (const listener of [...(this.#listeners.get(frame.type) ?? [])]) listener(frame);
  }

  #acknowledge(): void {
    if (this.#joined === undefined || this.#count === this.#acknowledged) return;
    this.#acknowledged = this.#count;
    this.send({ type: 'ack', count: this.#count });
  }

  /** This node ends: another one goes on. */
  #moveOn(inMs: number): void {
    const socket = this.#socket;
    setTimeout(() => {
      if (this.#socket === socket) socket?.drop();
    }, inMs);
  }

  #lost(): void {
    this.#socket = undefined;
    if (this.#isOver) return;
    const nowMs = Date.now();
    this.#lostAtMs ||= nowMs;
    if (nowMs - this.#lostAtMs > giveUpMs) {
      this.#over('lost');
      return;
    }
    this.#node += 1;
    this.#attempts += 1;
    // Full jitter; the first attempt at another node comes at once.
    const most = this.#attempts === 1 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** this.#attempts);
    this.#timer = setTimeout(() => {
      this.#connect();
    }, Math.random() * most);
  }

  #over(how: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearInterval(this.#beat);
    this.#pending.lose('the session is over');
    this.#socket?.close();
    this.#end(how);
  }
}
