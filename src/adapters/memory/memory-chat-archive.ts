import type { ChatMessage } from '../../protocol/chat.js';
import type { RoomId } from '../../protocol/ids.js';
import type { ChatArchive } from '../../ports/chat-archive.js';

/** Of all rooms together, in characters. */
const MAX_CHARS = 32 * 1024 * 1024;
/** What a message costs beside its content. */
const FRAME_CHARS = 100;

interface Kept {
  chars: number;
  /** By `seq`. */
  messages: ChatMessage[];
}

/** Where chat stays as long as this process. Bounded: when it is full, the room with the most loses its older half. */
export class MemoryChatArchive implements ChatArchive {
  private readonly rooms = new Map<RoomId, Kept>();
  private chars = 0;

  constructor(private readonly maxChars = MAX_CHARS) {}

  store(messages: readonly ChatMessage[]): Promise<void> {
    for (const message of messages) this.put(message);
    while (this.chars > this.maxChars) this.shed();
    return Promise.resolve();
  }

  before(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]> {
    const found = (this.rooms.get(roomId)?.messages ?? []).filter((message) => message.seq < seq);
    return Promise.resolve(found.slice(Math.max(0, found.length - limit)));
  }

  forget(roomId: RoomId, upTo: number): Promise<void> {
    const kept = this.rooms.get(roomId);
    if (kept === undefined) return Promise.resolve();
    const { messages } = kept;
    kept.messages = messages.filter(({ seq }) => seq > upTo);
    for (const message of messages) if (message.seq <= upTo) this.count(kept, -charsOf(message));
    if (kept.messages.length === 0) this.rooms.delete(roomId);
    return Promise.resolve();
  }

  private put(message: ChatMessage): void {
    const kept = this.rooms.get(message.roomId) ?? { chars: 0, messages: [] };
    this.rooms.set(message.roomId, kept);
    // Nearly always the last.
    let at = kept.messages.length;
    while (at > 0 && (kept.messages[at - 1]?.seq ?? 0) > message.seq) at--;
    if (kept.messages[at - 1]?.seq === message.seq) return;
    kept.messages.splice(at, 0, message);
    this.count(kept, charsOf(message));
  }

  private shed(): void {
    let [biggest] = this.rooms;
    for (const room of this.rooms) if (room[1].chars > (biggest?.[1].chars ?? 0)) biggest = room;
    if (biggest === undefined) return;
    const [roomId, kept] = biggest;
    for (const message of kept.messages.splice(0, Math.ceil(kept.messages.length / 2))) {
      this.count(kept, -charsOf(message));
    }
    if (kept.messages.length === 0) this.rooms.delete(roomId);
  }

  private count(kept: Kept, chars: number): void {
    kept.chars += chars;
    this.chars += chars;
  }
}

function charsOf({ id, from, sub, content }: ChatMessage): number {
  return FRAME_CHARS + id.length + from.length + sub.length + content.length;
}
