import type { ChatArchive } from '../../ports/chat-archive.js';
import type { ChatLog } from '../../ports/chat-log.js';
import type { Clock, Logger, Tally } from '../../ports/runtime.js';
import { chatTimeMs, type ChatMessage } from '../../protocol/chat.js';
import type { RoomId } from '../../protocol/ids.js';
import { eachOf } from './each-of.js';
import type { KeptMessages } from './kept-messages.js';

/** Messages that the archive is given at a time, and rooms that the log is asked for. */
const mostAtOnce = 100;
const roomsAtOnce = 4;
/** What its own node has not brought to the archive after so many times of flushing, any other does. */
const patience = 3;
const longestWaitMs = 30_000;
/** So many failures, and nothing that succeeded, and the rest is not tried. */
const failuresTold = 4;
/** So many rooms are known to have failed. */
const mostFailed = 10_000;

export interface FlusherParts {
  readonly log: ChatLog;
  readonly archive: ChatArchive;
  readonly kept: KeptMessages;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tally: Tally;
  readonly everyMs: number;
  /** Gives the log again what it may have lost. */
  readonly putBack: (roomId: RoomId, messages: readonly ChatMessage[]) => Promise<void>;
}

interface Round {
  failed: number;
  succeeded: number;
}

/**
 * Brings what waits in the log to the archive. All nodes do: first each what it gave to the log itself, later what others
 * have left. The archive stores once what it is given twice.
 */
export class Flusher {
  readonly #parts: FlusherParts;
  /** Rooms that are being flushed or forgotten. */
  readonly #busy = new Map<RoomId, Promise<void>>();
  /** Rooms that waited when the log was asked last. */
  #waiting: ReadonlySet<RoomId> = new Set();
  #asksAtMs = 0;
  /** Rooms that failed when they were last tried, the one that was tried longest ago first. */
  readonly #failed = new Set<RoomId>();
  /** Rounds in a row in which the archive took nothing. */
  #failures = 0;
  #isAway = false;
  #running: Promise<void> = Promise.resolve();
  #cancel: () => void = () => undefined;
  #isClosing = false;
  #isOver = false;

  constructor(parts: FlusherParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#asksAtMs = this.#parts.clock.now() + this.#patienceMs;
    this.#schedule();
  }

  /** Brings what it can to the archive in that time. */
  async close(withinMs: number): Promise<void> {
    this.#isClosing = true;
    this.#cancel();
    const { kept, clock } = this.#parts;
    let cancel: () => void = () => undefined;
    const over = new Promise<void>((resolve) => {
      cancel = clock.after(withinMs, resolve);
    });
    const flushed = this.#running.then(() => this.#flushAll(kept.due(Number.NEGATIVE_INFINITY)));
    await Promise.race([flushed, over]);
    this.#isOver = true;
    cancel();
  }

  /** Does something to a room while nothing of it is under way to the archive from here. */
  async without(roomId: RoomId, run: () => Promise<void>): Promise<void> {
    for (let busy = this.#busy.get(roomId); busy !== undefined; busy = this.#busy.get(roomId)) await busy;
    await this.#alone(roomId, run);
  }

  get #patienceMs(): number {
    return patience * this.#parts.everyMs;
  }

  #schedule(): void {
    if (this.#isClosing) return;
    const { clock, everyMs } = this.#parts;
    // Nodes that began at the same time do not stay together.
    const usualMs = everyMs * (0.75 + Math.random() / 4);
    const longMs = Math.min(longestWaitMs, everyMs * 2 ** this.#failures);
    this.#cancel = clock.after(this.#failures === 0 ? usualMs : longMs, () => {
      this.#running = this.#round().then(() => {
        this.#schedule();
      });
    });
  }

  async #round(): Promise<void> {
    const { kept, clock, logger } = this.#parts;
    let left: readonly RoomId[] = [];
    try {
      left = await this.#leftByOthers();
    } catch (error) {
      logger.warn('chat_rooms_not_read', { error });
    }
    await this.#flushAll(new Set([...kept.due(clock.now() - this.#patienceMs), ...left]));
  }

  /** Rooms that wait for so long that whoever should have flushed them has not. */
  async #leftByOthers(): Promise<readonly RoomId[]> {
    const { log, clock } = this.#parts;
    if (clock.now() < this.#asksAtMs) return [];
    this.#asksAtMs = clock.now() + this.#patienceMs;
    const rooms = await log.waitingRooms(mostAtOnce);
    const before = this.#waiting;
    this.#waiting = new Set(rooms);
    if (rooms.length < mostAtOnce) return rooms.filter((roomId) => before.has(roomId));
    // There are more than it tells of: not the same ones need be named next time.
    this.#asksAtMs = 0;
    const thenMs = clock.now() - this.#patienceMs;
    const left: RoomId[] = [];
    await eachOf(rooms, roomsAtOnce, async (roomId) => {
      const [oldest] = await log.waiting(roomId, 1);
      if (oldest !== undefined && chatTimeMs(oldest) < thenMs) left.push(roomId);
    });
    return left;
  }

  async #flushAll(rooms: Iterable<RoomId>): Promise<void> {
    const { logger } = this.#parts;
    const round: Round = { failed: 0, succeeded: 0 };
    await eachOf(this.#inOrder(rooms), roomsAtOnce, async (roomId) => {
      const isHopeless = round.failed >= failuresTold && round.succeeded === 0;
      if (this.#isOver || isHopeless || this.#busy.has(roomId)) return;
      await this.#alone(roomId, () => this.#flush(roomId, round));
    });
    const { failed, succeeded } = round;
    this.#failures = failed > 0 && succeeded === 0 ? this.#failures + 1 : 0;
    if (succeeded === 0 || !this.#isAway) return;
    this.#isAway = false;
    logger.info('chat_archived_again');
  }

  /** Those that failed last, so that rooms of which the archive takes nothing stand before no others. */
  #inOrder(rooms: Iterable<RoomId>): readonly RoomId[] {
    const all = new Set(rooms);
    const failed = [...this.#failed].filter((roomId) => all.has(roomId));
    return [...[...all].filter((roomId) => !this.#failed.has(roomId)), ...failed];
  }

  /** Whether it failed is known of the room from now on. */
  #note(roomId: RoomId, hasFailed: boolean): void {
    this.#failed.delete(roomId);
    if (hasFailed) this.#failed.add(roomId);
    for (const oldest of this.#failed) {
      if (this.#failed.size <= mostFailed) return;
      this.#failed.delete(oldest);
    }
  }

  async #alone(roomId: RoomId, run: () => Promise<void>): Promise<void> {
    const busy = run().finally(() => {
      this.#busy.delete(roomId);
    });
    this.#busy.set(
      roomId,
      busy.catch(() => undefined),
    );
    await busy;
  }

  async #flush(roomId: RoomId, round: Round): Promise<void> {
    const { kept, clock, logger } = this.#parts;
    try {
      const thenMs = clock.now() - this.#patienceMs;
      if ((await this.#bring(roomId)) > 0) round.succeeded += 1;
      const stale = kept.of(roomId, { byMs: thenMs });
      if (stale.length > 0) await this.#settle(roomId, stale);
      this.#note(roomId, false);
    } catch (error) {
      this.#note(roomId, true);
      round.failed += 1;
      if (this.#isAway) return;
      this.#isAway = true;
      logger.warn('chat_not_archived', { room: roomId, error });
    }
  }

  /** Everything of a room that waits. Resolves to how much that was. */
  async #bring(roomId: RoomId): Promise<number> {
    const { log, kept, tally } = this.#parts;
    let count = 0;
    while (!this.#isOver) {
      const messages = await log.waiting(roomId, mostAtOnce);
      if (messages.length === 0) break;
      await this.#store(messages);
      const seqs = messages.map(({ seq }) => seq);
      await log.archived(roomId, seqs);
      kept.remove(roomId, seqs);
      tally.chats_archived += seqs.length;
      count += seqs.length;
      if (seqs.length < mostAtOnce) break;
    }
    return count;
  }

  async #store(messages: readonly ChatMessage[]): Promise<void> {
    const { archive, tally } = this.#parts;
    try {
      await archive.store(messages);
    } catch (error) {
      tally.chat_flushes_failed += 1;
      throw error;
    }
  }

  /**
   * These do not wait, as far as the log knows: either they are in the archive and the news of it was missed, or the log has
   * lost them. Put back, they are brought there again, or have been.
   */
  async #settle(roomId: RoomId, stale: readonly ChatMessage[]): Promise<void> {
    const { kept } = this.#parts;
    await this.#parts.putBack(roomId, stale);
    await this.#bring(roomId);
    kept.remove(
      roomId,
      stale.map(({ seq }) => seq),
    );
  }
}
