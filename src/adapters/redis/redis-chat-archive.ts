import type { ChatMessage } from '../../protocol/chat.js';
import type { RoomId } from '../../protocol/ids.js';
import type { ChatArchive } from '../../ports/chat-archive.js';
import { messageLines, parseMessages } from './chat-text.js';
import { keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisScript } from './redis-script.js';
import { storeCall } from './store-call.js';

/** Of a room. */
const MAX_MESSAGES = 100_000;

/** KEYS[1] the room's archive; ARGV: how long it is kept (s), at most how many, then places and messages. */
const STORE = new RedisScript(`
for at = 3, #ARGV, 2 do
  if redis.call('ZCOUNT', KEYS[1], ARGV[at], ARGV[at]) == 0 then redis.call('ZADD', KEYS[1], ARGV[at], ARGV[at + 1]) end
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -(tonumber(ARGV[2]) + 1))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return {}
`);

/** KEYS[1] the room's archive; ARGV[1]: up to where. Removing many one by one would hold others up, and mostly none stays. */
const FORGET = new RedisScript(`
if redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[1], '+inf') == 0 then redis.call('UNLINK', KEYS[1])
else redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1]) end
return {}
`);

export interface RedisChatArchiveParts {
  readonly redis: RedisConnection;
  /** How long chat is kept after the last word in the room, in seconds. */
  readonly chatTtlS: number;
  readonly maxMessages?: number;
}

/** Where chat stays when there is Redis and no DynamoDB. As lasting as Redis is; of each room the latest messages. */
export class RedisChatArchive implements ChatArchive {
  constructor(private readonly parts: RedisChatArchiveParts) {}

  async store(messages: readonly ChatMessage[]): Promise<void> {
    const [first] = messages;
    if (first === undefined) return;
    const { redis, chatTtlS, maxMessages = MAX_MESSAGES } = this.parts;
    const told = messages.flatMap((message) => [message.seq, messageLines(message)]);
    const name = keys.chatArchive(first.roomId);
    await storeCall(() =>
      redis.run((client) => STORE.run(client, [name], [chatTtlS, maxMessages, ...told]), 'archive_store'),
    );
  }

  before(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]> {
    const read = (): Promise<string[]> =>
      this.parts.redis.run(
        (client) =>
          client.zrevrangebyscore(keys.chatArchive(roomId), `(${String(seq)}`, '-inf', 'LIMIT', 0, limit),
        'archive_read',
      );
    return storeCall(async () => parseMessages(roomId, await read()));
  }

  async forget(roomId: RoomId, upTo: number): Promise<void> {
    const name = keys.chatArchive(roomId);
    await storeCall(() =>
      this.parts.redis.run((client) => FORGET.run(client, [name], [upTo]), 'archive_forget'),
    );
  }
}
