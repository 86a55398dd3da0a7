import type { ChatMessage } from '../../protocol/chat.js';
import type { RoomId } from '../../protocol/ids.js';
import type { Context } from '../context.js';
import { eachOf } from './each-of.js';
import type { KeptMessages } from './kept-messages.js';
import type { ToldRoom } from './told-room.js';

const roomsAtOnce = 8;
const messagesAtOnce = 200;
const retryMs = 1_000;

/** After the log was away: what it may have lost is put back, and what was missed is read. */
export class Restorer {
  readonly #context: Context;
  readonly #kept: KeptMessages;
  readonly #room: (roomId: RoomId) => ToldRoom | undefined;
  readonly #left = new Set<RoomId>();
  #isRunning = false;
  #cancel: () => void = () => undefined;
  #isClosed = false;

  constructor(context: Context, kept: KeptMessages, room: (roomId: RoomId) => ToldRoom | undefined) {
    this.#context = context;
    this.#kept = kept;
    this.#room = room;
  }

  begin(rooms: Iterable<RoomId>): void {
    for (const roomId of rooms) this.#left.add(roomId);
    void this.#run();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  /** Rejects when it is not known whether the log has them. */
  async putBack(roomId: RoomId, messages: readonly ChatMessage[]): Promise<void> {
    if (await this.#isGone(roomId)) {
      this.#kept.drop(roomId);
      return;
    }
    const { chatLog, chatMaxWaiting: maxWaiting } = this.#context;
    for (let at = 0; at < messages.length; at += messagesAtOnce)
      await chatLog.restore(roomId, messages.slice(at, at + messagesAtOnce), { maxWaiting });
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#cancel();
    try {
      while (this.#left.size > 0 && !this.#isClosed) await eachOf(this.#left, roomsAtOnce, this.#restore);
    } catch (error) {
      this.#context.logger.warn('chat_not_restored', { error });
      this.#cancel = this.#context.clock.after(retryMs, () => void this.#run());
    } finally {
      this.#isRunning = false;
    }
  }

  readonly #restore = async (roomId: RoomId): Promise<void> => {
    if (this.#isClosed) return;
    // If the log is away again meanwhile it is to be done again.
    this.#left.delete(roomId);
    try {
      const kept = this.#kept.of(roomId);
      if (kept.length > 0) await this.putBack(roomId, kept);
      await this.#recall(roomId);
    } catch (error) {
      this.#left.add(roomId);
      throw error;
    }
    await this.#room(roomId)?.look();
  };

  /** What is in the archive need not be put back, but who says it again after a loss must not say it twice. */
  async #recall(roomId: RoomId): Promise<void> {
    const { hub, chatLog } = this.#context;
    const names = this.#room(roomId)?.names ?? [];
    if (names.length > 0 && hub.room(roomId) !== undefined) await chatLog.recall(roomId, names);
  }

  /** The room was deleted while the log was away: what was said in it must not come back. */
  async #isGone(roomId: RoomId): Promise<boolean> {
    const { hub, store } = this.#context;
    return hub.room(roomId) === undefined && (await store.find(roomId)) === undefined;
  }
}
