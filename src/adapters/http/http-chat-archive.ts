import { z } from 'zod';
import { chatTimeMs, type ChatMessage } from '../../protocol/chat.js';
import { SignalingError } from '../../protocol/errors.js';
import { asPeerId, type RoomId } from '../../protocol/ids.js';
import type { ChatArchive } from '../../ports/chat-archive.js';
import { noTelemetry, type Telemetry } from '../../ports/telemetry.js';
import { withinDeadline } from '../deadline.js';
import { wellFormed } from '../well-formed.js';
import { InternalHttp, pathPart, UnreadableAnswer } from './internal-http.js';

const CALL_MS = 4000;
const POSTS_AT_ONCE = 8;
/** 201 messages of 16,000 characters, escaped. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** Messages of calls that failed half way, which need not be posted again. */
const MAX_TAKEN = 10_000;
/** The service says of the message itself that it will never take it. */
const NEVER = [400, 413, 422];

const pageSchema = z.object({
  messages: z.array(
    z.object({
      id: z.string(),
      senderId: z.string(),
      userId: z.string(),
      content: z.string(),
      seq: z.int().nonnegative(),
    }),
  ),
});

export interface HttpChatArchiveSettings {
  /** Of the Chat Service (`CHAT_SERVICE_URL`). */
  readonly url: string;
  /** `INTERNAL_SERVICE_KEY`. A SECRET. */
  readonly key: string;
  /** The service has refused a message for good, by that status; it is not in the archive and will not be posted again. */
  readonly onRefused?: (message: ChatMessage, status: number) => void;
  /** Bound of one call with all its requests. */
  readonly callTimeoutMs?: number;
  readonly telemetry?: Telemetry;
}

/**
 * [Q12] The Chat Service. `POST /internal/chats` takes one message, `{id, roomId, senderId, userId, content, createdAt
 * (ISO 8601), seq}`, with an `Idempotency-Key: {room id, URL-encoded}/{seq}`; any 2xx or 409 means that it has it.
 * `GET /internal/chats/{roomId}?before=&limit=` answers `{messages}` of the same fields, the newest `limit` before that
 * `seq`; `DELETE /internal/chats/{roomId}?before=` removes all before that `seq`. There, 404 means that it has none.
 */
export class HttpChatArchive implements ChatArchive {
  readonly #http: InternalHttp;
  readonly #onRefused: (message: ChatMessage, status: number) => void;
  readonly #callMs: number;
  readonly #telemetry: Telemetry;
  /** Keys of what the service has, of calls that did not succeed as a whole: so that a slow service gets on. */
  readonly #taken = new Set<string>();

  constructor(settings: HttpChatArchiveSettings) {
    const { url, key, onRefused = () => undefined, callTimeoutMs = CALL_MS } = settings;
    this.#telemetry = settings.telemetry ?? noTelemetry;
    this.#http = new InternalHttp({
      traces: this.#telemetry.traces,
      baseUrl: url,
      key,
      timeoutMs: callTimeoutMs,
      maxAnswerBytes: MAX_ANSWER_BYTES,
    });
    this.#onRefused = onRefused;
    this.#callMs = callTimeoutMs;
  }

  store(messages: readonly ChatMessage[]): Promise<void> {
    return this.#telemetry.timed('chat_service', 'store', () => this.#store(messages));
  }

  before(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]> {
    return this.#telemetry.timed('chat_service', 'before', () => this.#before(roomId, seq, limit));
  }

  forget(roomId: RoomId, upTo: number): Promise<void> {
    return this.#telemetry.timed('chat_service', 'forget', () => this.#forget(roomId, upTo));
  }

  async #store(messages: readonly ChatMessage[]): Promise<void> {
    const rest = messages.filter((message) => !this.#taken.has(keyOf(message)));
    const endsAtMs = performance.now() + this.#callMs;
    await orUnavailable(
      withinDeadline(this.#callMs, async (signal) => {
        const post = async (): Promise<void> => {
          for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
            signal.throwIfAborted();
            await this.#post(next, Math.max(1, endsAtMs - performance.now()));
          }
        };
        const lanes = await Promise.allSettled(
          Array.from({ length: POSTS_AT_ONCE }, () =>
            post().catch((error: unknown) => {
              // The others need not try: the call has failed.
              rest.length = 0;
              throw error;
            }),
          ),
        );
        for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason;
      }),
    );
    for (const message of messages) this.#taken.delete(keyOf(message));
  }

  #before(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]> {
    const query = { limit, ...(Number.isSafeInteger(seq) && { before: seq }) };
    return orUnavailable(
      (async () => {
        const { status, body } = await this.#http.request('GET', pathOf(roomId), { query });
        if (status === 404) return [];
        if (status !== 200) throw refusal(status);
        const { messages } = pageSchema.parse(body);
        const found = messages
          .filter((message) => message.seq < seq)
          .map(({ id, senderId, userId, content, seq: place }) => {
            return { roomId, id, from: asPeerId(senderId), sub: userId, content, seq: place };
          })
          .sort((one, other) => one.seq - other.seq);
        return found.slice(Math.max(0, found.length - limit));
      })(),
    );
  }

  async #forget(roomId: RoomId, upTo: number): Promise<void> {
    const query = { before: upTo + 1 };
    const status = await orUnavailable(
      this.#statusOf(() => this.#http.request('DELETE', pathOf(roomId), { query })),
    );
    if (!isDone(status) && status !== 404) throw unavailable(refusal(status));
  }

  async #post(message: ChatMessage, timeoutMs: number): Promise<void> {
    const { id, roomId, from, sub, content, seq } = message;
    const createdAt = new Date(chatTimeMs(message)).toISOString();
    const body = { id, roomId, senderId: from, userId: sub, content, createdAt, seq };
    const headers = { 'idempotency-key': keyOf(message) };
    const status = await this.#statusOf(() =>
      this.#http.request('POST', '/internal/chats', { body, headers, timeoutMs }),
    );
    if (NEVER.includes(status)) this.#onRefused(message, status);
    else if (!isDone(status) && status !== 409) throw refusal(status);
    // What nobody asks for any more goes by and by.
    for (const oldest of this.#taken) {
      if (this.#taken.size < MAX_TAKEN) break;
      this.#taken.delete(oldest);
    }
    this.#taken.add(keyOf(message));
  }

  /** Whatever is in the answer, its status says what has become of it. */
  async #statusOf(ask: () => Promise<{ readonly status: number }>): Promise<number> {
    try {
      return (await ask()).status;
    } catch (error) {
      if (error instanceof UnreadableAnswer) return error.status;
      throw error;
    }
  }
}

function keyOf({ roomId, seq }: ChatMessage): string {
  return `${encodeURIComponent(wellFormed(roomId))}/${String(seq)}`;
}

function pathOf(roomId: RoomId): string {
  return `/internal/chats/${pathPart(roomId)}`;
}

function isDone(status: number): boolean {
  return status >= 200 && status < 300;
}

function refusal(status: number): Error {
  return new Error(`the Chat Service answered ${String(status)}`);
}

function unavailable(cause: unknown): SignalingError {
  return new SignalingError('STORE_UNAVAILABLE', undefined, { cause });
}

async function orUnavailable<Result>(call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (cause) {
    throw unavailable(cause);
  }
}
