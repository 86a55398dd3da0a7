import type { Clock, Logger } from '../../ports/runtime.js';
import type { ChatMessage } from '../../protocol/chat.js';
import type { RoomId } from '../../protocol/ids.js';
import type { Seat } from '../session.js';
import { isThere, type Audience } from './audience.js';
import { merged, type ChatHistory } from './history.js';
import type { KeptMessages } from './kept-messages.js';

const retryMs = 1_000;

export interface CatchUpParts {
  readonly audience: Audience;
  readonly history: ChatHistory;
  readonly kept: KeptMessages;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The place of the last message that was told in the room. */
  readonly latest: (roomId: RoomId) => number;
}

/** Peers that come from another node, or have been between two: they are told what was said meanwhile, and nothing newer before that. */
export class CatchUp {
  readonly #parts: CatchUpParts;
  /** One at a time for each; the newest goes on. */
  readonly #runs = new WeakMap<Seat, symbol>();

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
  }

  begin(seat: Seat): void {
    seat.isBehindInChat = true;
    const run = Symbol('run');
    this.#runs.set(seat, run);
    void this.#run(seat, () => this.#runs.get(seat) === run && isThere(seat));
  }

  /** Ends when the seat is level, or nobody sits there any more, or another node is asking for it. */
  async #run(seat: Seat, isOn: () => boolean): Promise<void> {
    const { latest, audience, clock, logger } = this.#parts;
    const roomId = seat.room.id;
    while (isOn()) {
      const end = latest(roomId);
      if (seat.chatSeq >= end) {
        // In the same turn: the next message finds it level.
        seat.isBehindInChat = false;
        return;
      }
      try {
        const missed = await this.#missed(roomId, seat.chatSeq);
        if (!isOn()) return;
        for (const message of missed) audience.tellOne(seat, message);
        // Nobody has anything of that time any more.
        if (missed.length === 0) seat.chatSeq = end;
      } catch (error) {
        logger.warn('chat_not_read', { room: roomId, error });
        await new Promise<void>((resolve) => {
          clock.after(retryMs, resolve);
        });
      }
    }
  }

  async #missed(roomId: RoomId, seq: number): Promise<readonly ChatMessage[]> {
    const { history, kept } = this.#parts;
    const { messages, isWhole, gapsEnd } = await history.after(roomId, seq);
    const older = isWhole ? [] : await this.#archived(roomId, seq, gapsEnd);
    if (messages.length > 0 || older.length > 0) return merged(older, messages);
    return kept.of(roomId, { after: seq });
  }

  /** An archive that does not answer keeps nobody from what is said now. */
  async #archived(roomId: RoomId, seq: number, before: number | undefined): Promise<readonly ChatMessage[]> {
    try {
      return await this.#parts.history.archived(roomId, seq, before);
    } catch (error) {
      this.#parts.logger.warn('chat_not_read', { room: roomId, error });
      return [];
    }
  }
}
