/** Where chat stays. */
import { DynamoChatArchive } from '../adapters/dynamodb/dynamo-chat-archive.js';
import { HttpChatArchive } from '../adapters/http/http-chat-archive.js';
import { MemoryChatArchive } from '../adapters/memory/memory-chat-archive.js';
import { RedisChatArchive } from '../adapters/redis/redis-chat-archive.js';
import type { RedisConnection } from '../adapters/redis/redis-connection.js';
import type { Config } from '../config.js';
import type { ChatArchive } from '../ports/chat-archive.js';
import { nothingToClose, type Surroundings } from './surroundings.js';

interface Chat {
  readonly archive: ChatArchive;
  readonly decision: string;
  readonly close: () => void;
}

export function chooseChatArchive(
  { chatServiceUrl: url, internalServiceKey: key, dynamo, chatTtlS }: Config,
  { logger, telemetry }: Surroundings,
  redis: RedisConnection | undefined,
): Chat {
  if (url !== undefined && key !== undefined) {
    const onRefused = (
      { roomId, seq }: { readonly roomId: string; readonly seq: number },
      status: number,
    ): void => {
      logger.error('chat_refused_by_service', { room: roomId, seq, status });
    };
    const archive = new HttpChatArchive({ url, key: key.reveal(), onRefused, telemetry });
    return { archive, decision: `Chat: kept by ${url}.`, close: nothingToClose };
  }
  if (dynamo !== undefined) {
    const archive = new DynamoChatArchive({ ...dynamo, table: dynamo.chatTable, chatTtlS, telemetry });
    const close = (): void => {
      archive.close();
    };
    return { archive, decision: `Chat: DynamoDB table ${dynamo.chatTable} in ${dynamo.region}.`, close };
  }
  if (redis !== undefined) {
    const archive = new RedisChatArchive({ redis, chatTtlS });
    return { archive, decision: `Chat: ${redis.name}, as lasting as that is.`, close: nothingToClose };
  }
  const decision = 'Chat: in this process only.';
  return { archive: new MemoryChatArchive(), decision, close: nothingToClose };
}
