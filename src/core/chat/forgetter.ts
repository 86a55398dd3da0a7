import type { RoomId } from '../../protocol/ids.js';
import type { Context } from '../context.js';
import type { Flusher } from './flusher.js';

/** What is under way to the archive from another node has come there in this time. */
const settledMs = 5_000;
const retriesMs = [1_000, 5_000, 20_000];

/** Deleted rooms: what was said in them goes too. */
export class Forgetter {
  readonly #context: Context;
  readonly #flusher: Flusher;
  #isClosed = false;

  constructor(context: Context, flusher: Flusher) {
    this.#context = context;
    this.#flusher = flusher;
  }

  /** Never rejects. */
  async forget(roomId: RoomId): Promise<void> {
    const { clock, chatLog, chatArchive } = this.#context;
    let upTo: number | undefined;
    await this.#insist(roomId, () =>
      this.#flusher.without(roomId, async () => {
        // The log first, and once: nobody brings to the archive what it does not have.
        upTo ??= await chatLog.forget(roomId);
        await chatArchive.forget(roomId, upTo);
      }),
    );
    // Another node may have been about to bring something there.
    const end = upTo;
    if (end !== undefined && !this.#isClosed)
      clock.after(settledMs, () => void this.#insist(roomId, () => chatArchive.forget(roomId, end)));
  }

  close(): void {
    this.#isClosed = true;
  }

  async #insist(roomId: RoomId, run: () => Promise<void>): Promise<void> {
    const { logger, clock } = this.#context;
    for (const waitMs of [...retriesMs, undefined]) {
      if (this.#isClosed) return;
      try {
        await run();
        return;
      } catch (error) {
        if (waitMs === undefined) logger.warn('chat_not_forgotten', { room: roomId, error });
      }
      if (waitMs === undefined) return;
      await new Promise<void>((resolve) => {
        clock.after(waitMs, resolve);
      });
    }
  }
}
