import type { ChatDraft, ChatMessage, ChatName } from '../../protocol/chat.js';
import type { RoomId } from '../../protocol/ids.js';
import type { ChatAppended, ChatAppendTerms, ChatLog, ChatNews, ChatTerms } from '../../ports/chat-log.js';
import type { Logger } from '../../ports/runtime.js';
import { withinDeadline } from '../deadline.js';
import { chatScripts } from './chat-lua.js';
import { draftLine, idOf, parseChatNews, parseMessage, parseMessages } from './chat-text.js';
import { keys } from './keys.js';
import { RedisChatWaiting } from './redis-chat-waiting.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisScript } from './redis-script.js';
import type { RedisSubscriber } from './redis-subscriber.js';
import { RedisTime } from './redis-time.js';
import { storeCall } from './store-call.js';

/** As long as the sender of an attempt waits for its answer. */
const ATTEMPT_MS = 1000;
/** A restoring of many messages takes several steps, and no longer. */
const CALL_MS = 3000;
/** What a step is given at once, so that it holds nobody up. */
const STEP_MESSAGES = 64;
const STEP_CHARS = 256 * 1024;
const STEP_SEQS = 500;
const COMPLAIN_MS = 60_000;

const scripts = {
  append: new RedisScript(chatScripts.append),
  restore: new RedisScript(chatScripts.restore),
  recall: new RedisScript(chatScripts.recall),
  archived: new RedisScript(chatScripts.archived),
  forget: new RedisScript(chatScripts.forget),
  last: new RedisScript(chatScripts.last),
  read: new RedisScript(chatScripts.read),
};

type Args = readonly (string | number)[];

export interface RedisChatLogParts {
  readonly redis: RedisConnection;
  readonly subscriber: RedisSubscriber;
  readonly logger?: Logger;
}

/** [Q2] The chat that all nodes share, in Redis. The steps are scripts (`chat-lua.ts`), and each publishes what it does. */
export class RedisChatLog implements ChatLog {
  private readonly time = new RedisTime();
  private readonly list = new RedisChatWaiting();
  private readonly listeners: ((news: ChatNews) => void)[] = [];
  private malformed = 0;
  private complainedAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: RedisChatLogParts) {}

  onNews(listener: (news: ChatNews) => void): void {
    this.listeners.push(listener);
  }

  onRestored(listener: () => void): void {
    this.parts.subscriber.onRestored(listener);
  }

  watch(roomId: RoomId): Promise<void> {
    return storeCall(() =>
      this.parts.subscriber.subscribe(keys.chatChannel(roomId), (payload) => {
        const news = this.parse(roomId, payload);
        if (news !== undefined) for (const listener of this.listeners) listener(news);
      }),
    );
  }

  unwatch(roomId: RoomId): void {
    this.parts.subscriber.unsubscribe(keys.chatChannel(roomId));
  }

  /** A message that is sent again after all of 200 later ones were archived is taken at its word: its first one is gone. */
  append(draft: ChatDraft, { maxWaiting, above = 0 }: ChatAppendTerms): Promise<ChatAppended> {
    const { roomId, id, from, sub, content } = draft;
    return storeCall(async () => {
      const args = [maxWaiting, idOf(draft), draftLine(draft), above];
      const [word, previous, place, rest] = await this.step('append', roomId, args, true);
      const said = { kind: 'said', previous: Number(previous) } as const;
      const message = { roomId, id, from, sub, content, seq: Number(place) };
      if (word === 'said') return { ...said, message, isRepeat: false, dropped: Number(rest) };
      const first = rest === undefined ? message : parseMessage(roomId, rest);
      return { ...said, message: first, isRepeat: true, dropped: 0 };
    });
  }

  async after(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]> {
    const found = await this.read(roomId, ['ZRANGEBYSCORE', `(${String(seq)}`, '+inf', limit]);
    return found.slice(0, limit);
  }

  async before(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]> {
    const found = await this.read(roomId, ['ZREVRANGEBYSCORE', `(${String(seq)}`, '-inf', limit]);
    return found.slice(Math.max(0, found.length - limit));
  }

  last(roomId: RoomId): Promise<number> {
    return storeCall(async () => Number((await this.step('last', roomId, []))[1]));
  }

  restore(roomId: RoomId, messages: readonly ChatMessage[], { maxWaiting }: ChatTerms): Promise<void> {
    return storeCall(() =>
      withinDeadline(CALL_MS, async (signal) => {
        for (const some of portions(messages)) {
          signal.throwIfAborted();
          const told = some.flatMap((message) => [message.seq, idOf(message), draftLine(message)]);
          await this.step('restore', roomId, [maxWaiting, ...told], true);
        }
      }),
    );
  }

  async recall(roomId: RoomId, names: readonly ChatName[]): Promise<void> {
    if (names.length === 0) return;
    const told = names.flatMap((name) => [name.seq, idOf(name)]);
    await storeCall(() => this.step('recall', roomId, told));
  }

  waitingRooms(limit: number): Promise<readonly RoomId[]> {
    return storeCall(() =>
      this.parts.redis.run((client) => this.list.rooms(client, limit), 'chat_waiting_rooms'),
    );
  }

  waiting(roomId: RoomId, limit: number): Promise<readonly ChatMessage[]> {
    if (limit <= 0) return Promise.resolve([]);
    const read = (): Promise<string[]> =>
      this.parts.redis.run((client) => client.zrange(keys.chatBuffer(roomId), 0, limit - 1), 'chat_waiting');
    return storeCall(async () => parseMessages(roomId, await read()));
  }

  archived(roomId: RoomId, seqs: readonly number[]): Promise<void> {
    return storeCall(() =>
      withinDeadline(CALL_MS, async (signal) => {
        for (let at = 0; at < seqs.length; at += STEP_SEQS) {
          signal.throwIfAborted();
          await this.step('archived', roomId, seqs.slice(at, at + STEP_SEQS));
        }
      }),
    );
  }

  forget(roomId: RoomId): Promise<number> {
    return storeCall(async () => Number((await this.step('forget', roomId, []))[1]));
  }

  private read(roomId: RoomId, args: Args): Promise<readonly ChatMessage[]> {
    return storeCall(async () => parseMessages(roomId, (await this.step('read', roomId, args)).slice(1)));
  }

  /** Resolves to the script's answer: its word first. `adds`: something may wait for the archive afterwards. */
  private step(
    name: keyof typeof scripts,
    roomId: RoomId,
    args: Args,
    adds = false,
  ): Promise<readonly string[]> {
    const { redis } = this.parts;
    const publish = redis.shards === undefined ? 'PUBLISH' : 'SPUBLISH';
    const chat = [keys.chatBuffer(roomId), keys.chatRecent(roomId), keys.chatIds(roomId)];
    return redis.run(async (client) => {
      if (adds) {
        const listedAtMs = performance.now();
        const redisMs = await this.list.list(client, roomId);
        // [N10] What follows has a deadline from the first time on. In a cluster this is another node's clock.
        if (this.time.deadline(0) === 0) this.time.learn(redisMs, listedAtMs);
      }
      const askedAtMs = performance.now();
      const all = [publish, this.time.deadline(ATTEMPT_MS), ...args];
      const answer = await scripts[name].run(client, [...chat, keys.chatChannel(roomId)], all);
      if (answer[0] !== 'late') return answer;
      // The answer is here in time: it is the idea of Redis's clock that is wrong. The connection tries again.
      this.time.learn(Number(answer[1]), askedAtMs);
      throw new Error('Redis has another time than was thought');
    }, `chat_${name}`);
  }

  /** What is no news is dropped; one line a minute tells how many that were. What it was is missed, and read later. */
  private parse(roomId: RoomId, payload: Buffer): ChatNews | undefined {
    try {
      return parseChatNews(roomId, payload.toString());
    } catch {
      this.malformed += 1;
      if (performance.now() < this.complainedAtMs + COMPLAIN_MS) return undefined;
      this.complainedAtMs = performance.now();
      this.parts.logger?.warn('redis_chat_malformed', { count: this.malformed });
      return undefined;
    }
  }
}

function* portions(messages: readonly ChatMessage[]): Generator<readonly ChatMessage[]> {
  let portion: ChatMessage[] = [];
  let chars = 0;
  for (const message of messages) {
    portion.push(message);
    chars += message.content.length;
    if (portion.length < STEP_MESSAGES && chars < STEP_CHARS) continue;
    yield portion;
    [portion, chars] = [[], 0];
  }
  if (portion.length > 0) yield portion;
}
