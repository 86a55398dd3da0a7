import type { ChatDraft, ChatMessage, ChatName } from '../../protocol/chat.js';
import type { ChatAppended, ChatTerms } from '../../ports/chat-log.js';

const RECENT = 200;
const HOUR_MS = 3_600_000;
/** Ids that are known again, at most. */
const IDS = 250_000;

/** The chat of one room, as long as the log has it. */
export class MemoryChatRoom {
  usedAtMs = 0;
  /** By `seq`, as the other one. */
  private recent: ChatMessage[] = [];
  /** Not in the archive yet. */
  private waitingOnes: ChatMessage[] = [];
  /** Who said it and its id -> its place. In the order of their arrival. */
  private readonly ids = new Map<string, number>();

  /** What was said up to there, in a room of the same name, is to be nowhere. */
  constructor(private readonly forgottenUpTo = 0) {}

  /**
   * `now` in unix microseconds; `floor`: no place of this room, remembered or not, was above it. What is sent again after
   * all of 200 later messages were archived is taken at its word: its first saying is gone.
   */
  append(draft: ChatDraft, { maxWaiting }: ChatTerms, now: number, floor: number): ChatAppended {
    const known = this.ids.get(keyOf(draft));
    if (known !== undefined) {
      const [previous] = this.before(known, 1);
      const message = this.all().find(({ seq }) => seq === known) ?? { ...draft, seq: known };
      return { kind: 'said', message, previous: previous?.seq ?? 0, isRepeat: true, dropped: 0 };
    }
    const previous = this.last;
    const message = { ...draft, seq: Math.max(previous + 1, floor + 1, now) };
    this.recent.push(message);
    this.waitingOnes.push(message);
    this.ids.set(keyOf(draft), message.seq);
    return { kind: 'said', message, previous, isRepeat: false, dropped: this.trim(maxWaiting, now) };
  }

  /** Those that it did not have. */
  restore(messages: readonly ChatMessage[], { maxWaiting }: ChatTerms, now: number): readonly ChatMessage[] {
    const places = new Set([...this.recent, ...this.waitingOnes].map(({ seq }) => seq));
    const put = messages.filter((message) => {
      if (message.seq <= this.forgottenUpTo) return false;
      // Also when it was said again meanwhile, and has another place now; under this one it may only be recalled.
      const known = this.ids.get(keyOf(message)) ?? message.seq;
      if (places.has(message.seq) || known !== message.seq) return false;
      places.add(message.seq);
      this.ids.set(keyOf(message), message.seq);
      return true;
    });
    if (put.length === 0) return put;
    this.recent = [...this.recent, ...put].sort(bySeq);
    this.waitingOnes = [...this.waitingOnes, ...put].sort(bySeq);
    this.trim(maxWaiting, now);
    return put;
  }

  /** These were said, wherever they are now. */
  recall(names: readonly ChatName[], now: number): void {
    const oldest = Math.max(this.forgottenUpTo, now - HOUR_MS * 1000);
    for (const name of names) {
      const key = keyOf(name);
      if (name.seq > oldest && !this.ids.has(key)) this.ids.set(key, name.seq);
    }
  }

  get last(): number {
    return Math.max(this.recent.at(-1)?.seq ?? 0, this.waitingOnes.at(-1)?.seq ?? 0);
  }

  get hasWaiting(): boolean {
    return this.waitingOnes.length > 0;
  }

  after(seq: number, limit: number): readonly ChatMessage[] {
    return this.all()
      .filter((message) => message.seq > seq)
      .slice(0, limit);
  }

  before(seq: number, limit: number): readonly ChatMessage[] {
    const found = this.all().filter((message) => message.seq < seq);
    return found.slice(Math.max(0, found.length - limit));
  }

  waiting(limit: number): readonly ChatMessage[] {
    return this.waitingOnes.slice(0, limit);
  }

  archived(seqs: readonly number[]): void {
    const gone = new Set(seqs);
    this.waitingOnes = this.waitingOnes.filter(({ seq }) => !gone.has(seq));
  }

  private all(): readonly ChatMessage[] {
    const first = this.recent[0]?.seq;
    // What waits longer than the recent ones reach back.
    const older = this.waitingOnes.filter(({ seq }) => first === undefined || seq < first);
    return [...older, ...this.recent];
  }

  /** Answers how many were dropped that the archive has not. */
  private trim(maxWaiting: number, now: number): number {
    this.recent.splice(0, this.recent.length - RECENT);
    for (const [key, seq] of this.ids) {
      if (seq > now - HOUR_MS * 1000 && this.ids.size <= IDS) break;
      this.ids.delete(key);
    }
    return this.waitingOnes.splice(0, this.waitingOnes.length - maxWaiting).length;
  }
}

function keyOf({ sub, from, id }: Pick<ChatName, 'sub' | 'from' | 'id'>): string {
  return JSON.stringify([sub, from, id]);
}

function bySeq(one: ChatMessage, other: ChatMessage): number {
  return one.seq - other.seq;
}
