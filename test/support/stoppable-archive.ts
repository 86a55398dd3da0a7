import { MemoryChatArchive } from '../../src/adapters/memory/memory-chat-archive.js';
import type { ChatArchive } from '../../src/ports/chat-archive.js';
import type { ChatMessage } from '../../src/protocol/chat.js';
import { SignalingError } from '../../src/protocol/errors.js';
import type { RoomId } from '../../src/protocol/ids.js';

/** An archive that can be away, or stand still; and which remembers what it was given. */
export class StoppableArchive implements ChatArchive {
  readonly #archive = new MemoryChatArchive();
  isAway = false;
  #gate: Promise<void> = Promise.resolve();
  /** Every place that it was given, as often as it was, by `store` that succeeded. */
  readonly stored: number[] = [];
  reads = 0;

  /** Until the returned function is called nothing is answered. */
  stall(): () => void {
    let release = (): void => undefined;
    this.#gate = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  async store(messages: readonly ChatMessage[]): Promise<void> {
    await this.#answer();
    await this.#archive.store(messages);
    this.stored.push(...messages.map(({ seq }) => seq));
  }

  async before(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]> {
    this.reads += 1;
    await this.#answer();
    return this.#archive.before(roomId, seq, limit);
  }

  async forget(roomId: RoomId, upTo: number): Promise<void> {
    await this.#answer();
    await this.#archive.forget(roomId, upTo);
  }

  async #answer(): Promise<void> {
    await this.#gate;
    if (this.isAway) throw new SignalingError('STORE_UNAVAILABLE');
  }
}
