/** Less is there for a moment with everybody. */
const worthCountingBytes = 65_536;

/** Who holds bytes for a far end. */
export interface Holder {
  /** Ends the connection, and lets go of them. */
  giveUp(): void;
}

/**
 * What this process holds for far ends that do not read what they are told, or do not finish what they say. Each has its own
 * bound; thousands of them together would still fill the memory, and then everybody would be gone. When all is too much,
 * who holds most gives up, until it is not.
 */
export class WaitingBytes {
  readonly #mostBytes: number;
  readonly #onShed: () => void;
  readonly #held = new Map<Holder, number>();
  #totalBytes = 0;

  constructor(mostBytes: number, onShed: () => void = () => undefined) {
    this.#mostBytes = mostBytes;
    this.#onShed = onShed;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** So much waits now; what is little counts as nothing. */
  set(holder: Holder, bytes: number): void {
    const before = this.#held.get(holder) ?? 0;
    const now = bytes < worthCountingBytes ? 0 : bytes;
    if (now === before) return;
    this.#totalBytes += now - before;
    if (now === 0) this.#held.delete(holder);
    else this.#held.set(holder, now);
    while (this.#totalBytes > this.#mostBytes) this.#shed();
  }

  #shed(): void {
    let [largest] = this.#held;
    for (const entry of this.#held) if (largest === undefined || entry[1] > largest[1]) largest = entry;
    if (largest === undefined) return;
    const [holder] = largest;
    this.set(holder, 0);
    this.#onShed();
    holder.giveUp();
  }
}

/** For who has no others beside it. */
export const noOthers = new WaitingBytes(Number.POSITIVE_INFINITY);
