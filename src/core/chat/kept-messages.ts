import type { ChatMessage } from '../../protocol/chat.js';
import type { RoomId } from '../../protocol/ids.js';

/** Of all rooms together. */
const mostChars = 33_554_432;
/** What a message costs beside its content. */
const messageChars = 300;

interface Entry {
  readonly message: ChatMessage;
  readonly sinceMs: number;
  /** It was this node that gave it to the log. */
  isOwn: boolean;
}

/**
 * What was said in this node's rooms and is not known to be in the archive: the log may lose its memory. Bounded; what is
 * too much is dropped, the oldest first, because the log has it all the same.
 */
export class KeptMessages {
  readonly #mostOfRoom: number;
  readonly #rooms = new Map<RoomId, Map<number, Entry>>();
  /** In the order of their coming. */
  readonly #all = new Set<Entry>();
  #chars = 0;
  /** Called with each room of which nothing is left. */
  onEmpty: (roomId: RoomId) => void = () => undefined;

  constructor(mostOfRoom: number) {
    this.#mostOfRoom = mostOfRoom;
  }

  get size(): number {
    return this.#all.size;
  }

  add(message: ChatMessage, nowMs: number): void {
    const { roomId, seq } = message;
    const room = this.#rooms.get(roomId) ?? new Map<number, Entry>();
    if (room.has(seq)) return;
    const entry = { message, sinceMs: nowMs, isOwn: false };
    this.#rooms.set(roomId, room.set(seq, entry));
    this.#all.add(entry);
    this.#chars += charsOf(message);
    if (room.size > this.#mostOfRoom) this.remove(roomId, [...room.keys()].slice(0, 1));
    while (this.#chars > mostChars) this.#dropOldest();
  }

  /** This node is the first to bring it to the archive. */
  own({ roomId, seq }: ChatMessage): void {
    const entry = this.#rooms.get(roomId)?.get(seq);
    if (entry !== undefined) entry.isOwn = true;
  }

  remove(roomId: RoomId, seqs: readonly number[]): void {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return;
    for (const seq of seqs) {
      const entry = room.get(seq);
      if (entry === undefined) continue;
      room.delete(seq);
      this.#all.delete(entry);
      this.#chars -= charsOf(entry.message);
    }
    if (room.size > 0) return;
    this.#rooms.delete(roomId);
    this.onEmpty(roomId);
  }

  drop(roomId: RoomId): void {
    this.remove(roomId, [...(this.#rooms.get(roomId)?.keys() ?? [])]);
  }

  has(roomId: RoomId): boolean {
    return this.#rooms.has(roomId);
  }

  rooms(): readonly RoomId[] {
    return [...this.#rooms.keys()];
  }

  find(roomId: RoomId, seq: number): ChatMessage | undefined {
    return this.#rooms.get(roomId)?.get(seq)?.message;
  }

  /** Of one room, by their places: those after `seq` that were here by then. */
  of(roomId: RoomId, { after = 0, byMs = Number.POSITIVE_INFINITY } = {}): readonly ChatMessage[] {
    const found: ChatMessage[] = [];
    for (const { message, sinceMs } of this.#rooms.get(roomId)?.values() ?? [])
      if (message.seq > after && sinceMs <= byMs) found.push(message);
    return found.sort((a, b) => a.seq - b.seq);
  }

  /** Rooms with something that this node said, or that nobody has brought to the archive since then. */
  due(thenMs: number): readonly RoomId[] {
    return this.rooms().filter((roomId) => {
      for (const { isOwn, sinceMs } of this.#rooms.get(roomId)?.values() ?? [])
        if (isOwn || sinceMs <= thenMs) return true;
      return false;
    });
  }

  #dropOldest(): void {
    for (const { message } of this.#all) {
      this.remove(message.roomId, [message.seq]);
      return;
    }
  }
}

function charsOf({ id, from, sub, content }: ChatMessage): number {
  return messageChars + id.length + from.length + sub.length + content.length;
}
