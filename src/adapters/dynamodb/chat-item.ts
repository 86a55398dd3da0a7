import { chatTimeMs, type ChatMessage } from '../../protocol/chat.js';
import { asPeerId, type RoomId } from '../../protocol/ids.js';
import { wellFormed } from '../well-formed.js';

type Item = Record<string, unknown>;

/**
 * A message: `room_id` (S, hash), `seq` (N, range), `id`, `sender`, `user`, `content` (S), `timestamp` (N, unix
 * milliseconds), `expires_at` (N, unix seconds; the table's TTL attribute). Where one of the texts has half a surrogate
 * pair, which DynamoDB cannot hold, `exact` (S) has the four of them as JSON.
 */
export function chatItem(message: ChatMessage, chatTtlS: number): Item {
  const { roomId, id, from, sub, content, seq } = message;
  const texts = [id, from, sub, content];
  const isExact = texts.every((text) => wellFormed(text) === text);
  return {
    ...chatKey(roomId, seq),
    id: wellFormed(id),
    sender: wellFormed(from),
    user: wellFormed(sub),
    content: wellFormed(content),
    timestamp: chatTimeMs(message),
    // By when it was said: whoever stores it again stores the same.
    expires_at: Math.floor(seq / 1_000_000) + chatTtlS,
    ...(!isExact && { exact: JSON.stringify(texts) }),
  };
}

export function chatKey(roomId: RoomId, seq: number): Item {
  return { room_id: wellFormed(roomId), seq };
}

/** `undefined` unless the item has the attributes in their types; attributes that it does not know are let be. */
export function readChatItem(roomId: RoomId, item: Item): ChatMessage | undefined {
  const { seq, id, sender, user, content, exact } = item;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq)) return undefined;
  const [ownId, from, sub, own] = typeof exact === 'string' ? parse(exact) : [id, sender, user, content];
  if (typeof ownId !== 'string' || typeof from !== 'string') return undefined;
  if (typeof sub !== 'string' || typeof own !== 'string') return undefined;
  return { roomId, id: ownId, from: asPeerId(from), sub, content: own, seq };
}

function parse(text: string): readonly unknown[] {
  try {
    const texts: unknown = JSON.parse(text);
    return Array.isArray(texts) ? texts : [];
  } catch {
    // Not an item of ours: it is passed over, and hides no message.
    return [];
  }
}
