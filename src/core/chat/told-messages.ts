import type { ChatDraft, ChatMessage, ChatName } from '../../protocol/chat.js';

/** So many of the latest are known one by one. */
const most = 512;

/** Which messages of a room were told here, as far as it is remembered. */
export class ToldMessages {
  /** By place, in the order in which they were told. */
  readonly #names = new Map<number, ChatName>();
  readonly #places = new Map<string, number>();
  /** Up to here all that was to be told was. */
  #floor: number;

  constructor(floor: number) {
    this.#floor = floor;
  }

  add({ id, from, sub, seq }: ChatMessage): void {
    const name = { id, from, sub, seq };
    this.#names.set(seq, name);
    this.#places.set(keyOf(name), seq);
    if (this.#names.size <= most) return;
    for (const oldest of this.#names.values()) {
      this.#names.delete(oldest.seq);
      if (this.#places.get(keyOf(oldest)) === oldest.seq) this.#places.delete(keyOf(oldest));
      this.#floor = Math.max(this.#floor, oldest.seq);
      return;
    }
  }

  has(seq: number): boolean {
    return seq <= this.#floor || this.#names.has(seq);
  }

  /** The place of what the same sender said under the same id. */
  placeOf(draft: ChatDraft): number | undefined {
    return this.#places.get(keyOf(draft));
  }

  get names(): readonly ChatName[] {
    return [...this.#names.values()];
  }
}

function keyOf({ sub, from, id }: Pick<ChatName, 'sub' | 'from' | 'id'>): string {
  return JSON.stringify([sub, from, id]);
}
