/** What was said to the room, as S4's clients read it. */
import { chatTimeMs, type ChatMessage } from '../../protocol/chat.js';
import type { Event } from '../../protocol/messages.js';
import type { JsonObject } from '../../protocol/records.js';
import { fromPeerId } from '../peer-key.js';
import { isoTime } from './envelope.js';
import { userOf } from './room-state.js';

/**
 * S4's documents call its fields `message_id` and `content`, its router reads `id` and `text`: whoever reads either finds it.
 * `isExtended`: with its place in the room, which is asked as `before`.
 */
export function chatPayload(message: ChatMessage, isExtended: boolean): JsonObject {
  return {
    message_id: message.id,
    id: message.id,
    ...userOf(message.from),
    content: message.content,
    text: message.content,
    timestamp: isoTime(chatTimeMs(message)),
    message_type: 'text',
    ...(isExtended ? { seq: message.seq } : {}),
  };
}

/** Only who asks for it is told, and that goes beyond S4. */
export function chatHistory({ messages, next }: Extract<Event, { type: 'chat_page' }>): JsonObject {
  return { messages: messages.map((message) => chatPayload(message, true)), next: next ?? null };
}

export function modeChanged({ mode, reason, by }: Extract<Event, { type: 'mode_changed' }>): JsonObject {
  return { mode, reason, by: by === undefined ? null : fromPeerId(by) };
}
