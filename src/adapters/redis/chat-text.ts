import { createHash } from 'node:crypto';
import type { ChatDraft, ChatMessage, ChatName } from '../../protocol/chat.js';
import { asPeerId, type RoomId } from '../../protocol/ids.js';
import type { ChatNews } from '../../ports/chat-log.js';
import { parseJson, parseNumber } from './room-text.js';

/**
 * A message in Redis is two lines: its place, and `[id, from, sub, content]` as JSON, which has no line breaks. News are
 * lines too: `said`, the place before, the message; `restored`, messages; `archived`, places; `forgotten` alone.
 */
export function draftLine({ id, from, sub, content }: ChatDraft): string {
  return JSON.stringify([id, from, sub, content]);
}

export function messageLines(message: ChatMessage): string {
  return `${String(message.seq)}\n${draftLine(message)}`;
}

/** Who said it under which id, in 22 characters however long those are. */
export function idOf({ sub, from, id }: Pick<ChatName, 'sub' | 'from' | 'id'>): string {
  return createHash('sha256')
    .update(JSON.stringify([sub, from, id]))
    .digest('base64url')
    .slice(0, 22);
}

/** Throws at what is no message. */
export function parseMessage(roomId: RoomId, text: string): ChatMessage {
  const [place = '', line = '', ...rest] = text.split('\n');
  if (rest.length > 0) throw new Error('a message in Redis has another form');
  return asMessage(roomId, place, line);
}

/** By place, each once. What is no message, and not ours, is passed over: it hides no other. */
export function parseMessages(roomId: RoomId, texts: readonly string[]): readonly ChatMessage[] {
  const found = new Map<number, ChatMessage>();
  for (const text of texts) {
    const message = readMessage(roomId, text);
    if (message !== undefined) found.set(message.seq, message);
  }
  return [...found.values()].sort((one, other) => one.seq - other.seq);
}

/** Throws at what is no news. */
export function parseChatNews(roomId: RoomId, text: string): ChatNews {
  const [kind, ...lines] = text.split('\n');
  switch (kind) {
    case 'said': {
      const [previous = '', ...message] = lines;
      return {
        kind,
        message: parseMessage(roomId, message.join('\n')),
        previous: parseNumber(previous),
      };
    }
    case 'restored': {
      const starts = lines.map((_, at) => at).filter((at) => at % 2 === 0);
      const messages = starts.map((at) => asMessage(roomId, lines[at] ?? '', lines[at + 1] ?? ''));
      return { kind, roomId, messages };
    }
    case 'archived':
      return { kind, roomId, seqs: lines.map(parseNumber) };
    case 'forgotten':
      return { kind, roomId };
    default:
      throw new Error('chat news in Redis have another form');
  }
}

function asMessage(roomId: RoomId, place: string, line: string): ChatMessage {
  const fields = parseJson(line);
  if (!Array.isArray(fields) || fields.length !== 4) throw new Error('a message in Redis has another form');
  const [id, from, sub, content] = fields.map(asText);
  if (id === undefined || from === undefined || sub === undefined || content === undefined)
    throw new Error('a message in Redis lacks a text');
  return { roomId, id, from: asPeerId(from), sub, content, seq: parseNumber(place) };
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function readMessage(roomId: RoomId, text: string): ChatMessage | undefined {
  try {
    return parseMessage(roomId, text);
  } catch {
    // Not a message of ours: it is passed over, and hides no other.
    return undefined;
  }
}
