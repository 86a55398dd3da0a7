/** What flat peers are told of what was said to the room, and of the room's mode. */
import { chatTimeMs, type ChatMessage } from '../../protocol/chat.js';
import type { Event } from '../../protocol/messages.js';
import type { JsonObject } from '../../protocol/records.js';
import { fromPeerId } from '../peer-key.js';

/**
 * A message as S1's clients read it, whichever of their two names for its sender and its time they know: `timestamp` is in
 * unix milliseconds, `createdAt` the same in ISO 8601. `seq` is what is asked as `before`.
 */
export function chatCard(message: ChatMessage): JsonObject {
  const sender = fromPeerId(message.from);
  const timestamp = chatTimeMs(message);
  return {
    id: message.id,
    room_id: message.roomId,
    sender,
    senderId: sender,
    content: message.content,
    timestamp,
    createdAt: new Date(timestamp).toISOString(),
    seq: message.seq,
  };
}

/** `next` is null where nothing was said before. */
export function chatPage({
  messages,
  next,
}: {
  readonly messages: readonly ChatMessage[];
  readonly next?: number | undefined;
}): JsonObject {
  return { messages: messages.map(chatCard), next: next ?? null };
}

export function modeChanged({ mode, reason, by }: Extract<Event, { type: 'mode_changed' }>): JsonObject {
  return { type: 'room_mode_changed', mode, reason, by: by === undefined ? null : fromPeerId(by) };
}
