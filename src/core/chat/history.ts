import type { ChatArchive } from '../../ports/chat-archive.js';
import type { ChatLog } from '../../ports/chat-log.js';
import type { Clock } from '../../ports/runtime.js';
import type { ChatMessage, ChatPage } from '../../protocol/chat.js';
import type { RoomId } from '../../protocol/ids.js';
import { Turns } from './turns.js';

const usualPage = 50;
/** As many as the log keeps of a room. */
export const mostPage = 200;
/**
 * Of the content of a page, as it is written; a single message may have more. Who asks for all the pages that it may
 * wait for at a time, in a dialect that writes each content twice, is no slow consumer yet.
 */
const pageBytes = 196_608;
/** Who has missed more than this reads the history itself. */
const mostMissed = 1_000;
/** So many rooms look for what they missed at a time: after an outage of the log all do. */
const lookingBackAtOnce = 8;
/** So far the clocks of nodes and of the log may be apart. */
const skewMs = 60_000;

export interface Missed {
  readonly messages: readonly ChatMessage[];
  readonly isWhole: boolean;
  readonly gapsEnd: number | undefined;
}

/** What was said before now: in the log, in the archive, or in both. */
export class ChatHistory {
  readonly #log: ChatLog;
  readonly #archive: ChatArchive;
  readonly #clock: Clock;
  readonly #lookingBack = new Turns(lookingBackAtOnce);
  /** What was said since has not been lost from the log but to make room. */
  #wholeSinceMs: number;
  /** When that was last in doubt. */
  #doubtedAtMs = Number.NEGATIVE_INFINITY;

  constructor(log: ChatLog, archive: ChatArchive, clock: Clock) {
    this.#log = log;
    this.#archive = archive;
    this.#clock = clock;
    this.#wholeSinceMs = clock.now();
  }

  /** The log may have lost its memory. */
  doubtLog(): void {
    this.#wholeSinceMs = this.#doubtedAtMs = this.#clock.now();
  }

  /** Rejects with `STORE_UNAVAILABLE`. `limit` is brought into bounds. */
  async page(roomId: RoomId, before = Number.MAX_SAFE_INTEGER, limit = usualPage): Promise<ChatPage> {
    const most = Math.min(Math.max(Math.trunc(limit), 1), mostPage);
    // The log first: what goes from it to the archive meanwhile is found there.
    const fresh = await this.#log.before(roomId, before, most + 1);
    const isWhole = fresh.length > most && this.#isWhole(fresh);
    const messages = isWhole
      ? fresh
      : merged(await this.#archive.before(roomId, before, most + 1), fresh).slice(-most - 1);
    const shown = fitting(messages.slice(-most));
    const first = shown[0];
    return messages.length > shown.length && first !== undefined
      ? { messages: shown, next: first.seq }
      : { messages: shown };
  }

  /**
   * What the log has after `seq`, oldest first, at most 200. `isWhole`: nothing that was said between `seq` and the first of them is
   * missing. `gapsEnd`: what is missing was said before that; `undefined`: whenever.
   */
  async after(roomId: RoomId, seq: number): Promise<Missed> {
    const [messages, earlier] = await Promise.all([
      this.#log.after(roomId, seq, mostPage),
      seq === 0 ? undefined : this.#log.before(roomId, seq + 1, 1),
    ]);
    // It drops the oldest first: if it has what was before, it has what came after, and there is one gap at most. But
    // after a loss only some of what was before may have been put back.
    const isSure = seq === 0 || seq / 1000 > this.#doubtedAtMs + skewMs;
    const isWhole = earlier === undefined ? messages.length < mostPage : isSure && earlier.length > 0;
    return { messages, isWhole, gapsEnd: messages.at(isSure ? 0 : -1)?.seq };
  }

  /** What the archive has between two places, oldest first: the latest thousand of it, or a few more. */
  async archived(
    roomId: RoomId,
    after: number,
    before = Number.MAX_SAFE_INTEGER,
  ): Promise<readonly ChatMessage[]> {
    const pages: ChatMessage[][] = [];
    let end = before;
    for (let count = 0; count < mostMissed; count += mostPage) {
      const page = await this.#archive.before(roomId, end, mostPage);
      const found = page.filter(({ seq }) => seq > after);
      pages.unshift(found);
      end = found[0]?.seq ?? after;
      if (found.length < mostPage) break;
    }
    return pages.flat();
  }

  /** The same, for a room whose peers do not wait for it. */
  lookBack(roomId: RoomId, after: number, before: number | undefined): Promise<readonly ChatMessage[]> {
    return this.#lookingBack.take(() => this.archived(roomId, after, before));
  }

  /** The message of that place, wherever it is. */
  async at(roomId: RoomId, seq: number): Promise<ChatMessage | undefined> {
    const isIt = (message: ChatMessage): boolean => message.seq === seq;
    const known = (await this.#log.before(roomId, seq + 1, 1)).find(isIt);
    return known ?? (await this.#archive.before(roomId, seq + 1, 1)).find(isIt);
  }

  /** Has the log all that was said since the first of these? */
  #isWhole([first]: readonly ChatMessage[]): boolean {
    return first !== undefined && first.seq / 1000 > this.#wholeSinceMs + skewMs;
  }
}

/** The latest that go into a page. */
function fitting(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  let bytes = 0;
  const over = messages.findLastIndex(({ content }, at) => {
    bytes += Buffer.byteLength(JSON.stringify(content));
    return bytes > pageBytes && at < messages.length - 1;
  });
  return messages.slice(over + 1);
}

/** Two parts of one history as one, in order. */
export function merged(some: readonly ChatMessage[], others: readonly ChatMessage[]): ChatMessage[] {
  const bySeq = new Map([...some, ...others].map((message) => [message.seq, message]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}
