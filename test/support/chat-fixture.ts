/** What is said in tests of chat, and what a node hears of it. */
import { randomBytes } from 'node:crypto';
import type { ChatLog, ChatNews } from '../../src/ports/chat-log.js';
import type { ChatDraft, ChatMessage } from '../../src/protocol/chat.js';
import { asPeerId, asRoomId, type RoomId } from '../../src/protocol/ids.js';

export const freshRoom = (): RoomId => asRoomId(randomBytes(6).toString('hex'));

export function draft(roomId: RoomId, id: string, fields: Partial<ChatDraft> = {}): ChatDraft {
  return { roomId, id, from: asPeerId('anna'), sub: 'sub of anna', content: `content of ${id}`, ...fields };
}

/** Messages of a room, a millisecond apart, the last one said just now. */
export function spoken(roomId: RoomId, count: number, fields: Partial<ChatDraft> = {}): ChatMessage[] {
  const nowUs = Date.now() * 1000;
  return Array.from({ length: count }, (_, at) => ({
    ...draft(roomId, `m${String(at)}`, fields),
    seq: nowUs - (count - 1 - at) * 1000,
  }));
}

/** Texts that have broken something somewhere. */
export const oddTexts: readonly string[] = [
  '',
  '\n\n\t\r\0\u2028',
  '"quotes" and \\n backslashes',
  '{"type":"said"}',
  '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🙂👩‍👩‍👧 עברית',
  'half a pair: \ud800, the other: \udc00',
];

/** All that one node's log tells. */
export class ChatProbe {
  readonly news: ChatNews[] = [];
  restored = 0;
  readonly #looks = new Set<() => void>();

  constructor(readonly log: ChatLog) {
    log.onNews((news) => {
      this.news.push(news);
      this.#look();
    });
    log.onRestored(() => {
      this.restored += 1;
      this.#look();
    });
  }

  said(): { readonly message: ChatMessage; readonly previous: number }[] {
    return this.news
      .filter((news) => news.kind === 'said')
      .map(({ message, previous }) => ({ message, previous }));
  }

  /** Resolves when that holds; looks again with each news. */
  async until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
    });
  }

  #look(): void {
    for (const look of this.#looks) look();
  }
}
