import type { ChatDraft, ChatMessage, ChatName } from '../../protocol/chat.js';
import type { Clock, Logger } from '../../ports/runtime.js';
import type { RoomId } from '../../protocol/ids.js';
import { merged, mostPage, type ChatHistory } from './history.js';
import { ToldMessages } from './told-messages.js';

/** News and answers come by different ways: what seems to be missing is mostly just behind. */
const patienceMs = 25;
const retryMs = 1_000;
/** So many wait for one that is missing; what is more is in the log. */
const mostAhead = 1_000;

export interface Heard {
  readonly message: ChatMessage;
  /** The place of the one before; `undefined`: not known. */
  readonly previous: number | undefined;
}

export interface ToldRoomParts {
  readonly history: ChatHistory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In order, each once. */
  readonly tell: (message: ChatMessage) => void;
  /** What should have been told before others that were. */
  readonly tellLate: (message: ChatMessage) => void;
}

/** Tells what is said in a room in the one order that all nodes agree on, whatever order it is heard in. */
export class ToldRoom {
  readonly #id: RoomId;
  readonly #parts: ToldRoomParts;
  #last = 0;
  /** `undefined`: where to begin is not known yet. */
  #told: ToldMessages | undefined;
  /** Heard before its time, by places. */
  #ahead: Heard[] = [];
  #isReading = false;
  /** What was read last is not all that there is. */
  #isBehind = false;
  #cancelRead: (() => void) | undefined;
  #isClosed = false;

  constructor(id: RoomId, parts: ToldRoomParts) {
    this.#id = id;
    this.#parts = parts;
  }

  /** The place of the last that was told. */
  get last(): number {
    return this.#last;
  }

  /** What was said up to that place is nobody's news here. */
  begin(last: number): void {
    this.#last = last;
    this.#told = new ToldMessages(last);
    this.#goOn();
  }

  /** The place of what the same sender said here under the same id. */
  placeOf(draft: ChatDraft): number | undefined {
    return this.#told?.placeOf(draft);
  }

  /** Of the latest that were told here. */
  get names(): readonly ChatName[] {
    return this.#told?.names ?? [];
  }

  hear(heard: Heard): void {
    const { seq } = heard.message;
    if (this.#told !== undefined && seq <= this.#last) return;
    let at = this.#ahead.length;
    while (at > 0 && (this.#ahead[at - 1]?.message.seq ?? 0) > seq) at -= 1;
    const twin = this.#ahead[at - 1];
    if (twin?.message.seq === seq) {
      if (twin.previous === undefined) this.#ahead[at - 1] = heard;
    } else if (this.#ahead.length < mostAhead) {
      this.#ahead.splice(at, 0, heard);
    } else {
      this.#isBehind = true;
    }
    this.#goOn();
  }

  /** These have come back to the log after it had lost them. */
  restored(messages: readonly ChatMessage[]): void {
    if (this.#told === undefined) return;
    for (const message of messages) this.#tellLate(message);
    if (messages.some(({ seq }) => seq > this.#last)) void this.look();
  }

  /** Reads what was not told. Never rejects; a log that does not answer is asked again later. */
  async look(): Promise<void> {
    if (this.#told === undefined) return;
    this.#isBehind = true;
    await this.#read();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRead?.();
  }

  /** Tells what follows on what was told. If something is missing, the log is read a little later. */
  #goOn(): void {
    if (this.#told === undefined) return;
    for (;;) {
      const next = this.#ahead[0];
      if (next === undefined) break;
      // The one before it may be older than what was told: then the log has lost its memory, and it is the next one.
      const isNext = next.previous !== undefined && next.previous <= this.#last;
      if (!isNext && next.message.seq > this.#last) break;
      this.#ahead.shift();
      this.#tell(next.message);
    }
    if (this.#ahead.length > 0) this.#readIn(patienceMs);
  }

  #tell(message: ChatMessage): void {
    if (message.seq <= this.#last) return;
    this.#last = message.seq;
    this.#told?.add(message);
    this.#parts.tell(message);
  }

  #tellLate(message: ChatMessage): void {
    if (this.#told === undefined || message.seq > this.#last || this.#told.has(message.seq)) return;
    this.#told.add(message);
    this.#parts.tellLate(message);
  }

  #readIn(ms: number): void {
    if (this.#isClosed || this.#isReading || this.#cancelRead !== undefined) return;
    this.#cancelRead = this.#parts.clock.after(ms, () => {
      this.#cancelRead = undefined;
      // It may have come meanwhile.
      if (this.#mustRead()) void this.#read();
    });
  }

  #mustRead(): boolean {
    return !this.#isClosed && (this.#isBehind || this.#ahead.length > 0);
  }

  /** Until this room is level with the log. */
  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    let waitMs: number | undefined;
    try {
      while (this.#mustRead()) await this.#readPage();
    } catch (error) {
      this.#parts.logger.warn('chat_not_read', { room: this.#id, error });
      this.#isBehind = true;
      waitMs = retryMs;
    }
    this.#isReading = false;
    if (waitMs !== undefined) this.#readIn(waitMs);
  }

  async #readPage(): Promise<void> {
    this.#isBehind = false;
    const from = this.#last;
    const heardUpTo = this.#ahead.at(-1)?.message.seq ?? 0;
    const { messages, isWhole, gapsEnd } = await this.#parts.history.after(this.#id, from);
    if (this.#isClosed) return;
    if (!isWhole) void this.#lookBack(from, gapsEnd);
    if (messages.length >= mostPage) this.#isBehind = true;
    const end = this.#isBehind ? (messages.at(-1)?.seq ?? 0) : heardUpTo;
    // What was heard before the log was read and is not in it, the log has lost.
    const heard = this.#ahead.flatMap(({ message }) => (message.seq <= end ? [message] : []));
    for (const message of merged(messages, heard)) this.#tell(message);
    this.#goOn();
  }

  /** The log does not reach back to what was told last. The archive may be slow: nobody waits for it. */
  async #lookBack(from: number, before: number | undefined): Promise<void> {
    try {
      const found = await this.#parts.history.lookBack(this.#id, from, before);
      if (this.#isClosed) return;
      for (const message of found) {
        if (message.seq > this.#last) this.#tell(message);
        else this.#tellLate(message);
      }
    } catch (error) {
      this.#parts.logger.warn('chat_not_read', { room: this.#id, error });
    }
  }
}
