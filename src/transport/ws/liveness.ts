import type { Clock } from '../../ports/runtime.js';

/** Something that can be pinged. */
export interface Pingable {
  /** Has anything been heard since the last ping? Sends the next one, or ends what is dead. */
  checkAlive(): void;
}

/** One sweep serves all sockets; each is looked at once a period, the load spread over this many slots. */
const slotCount = 20;

/**
 * Pings every socket once per `periodMs`, the first time one period after it came, and ends those that have not
 * answered the last one: the Python server's 20 s ping and 20 s pong time-out.
 */
export class Liveness {
  readonly #clock: Clock;
  readonly #slotMs: number;
  readonly #slots: readonly Set<Pingable>[] = Array.from({ length: slotCount }, () => new Set<Pingable>());
  #current = 0;
  #cancel: () => void;

  constructor(clock: Clock, periodMs: number) {
    this.#clock = clock;
    this.#slotMs = Math.max(1, Math.floor(periodMs / slotCount));
    this.#cancel = this.#schedule();
  }

  /** Watches until the returned function is called. */
  watch(socket: Pingable): () => void {
    const slot = this.#slots[this.#current] ?? new Set<Pingable>();
    slot.add(socket);
    return () => {
      slot.delete(socket);
    };
  }

  stop(): void {
    this.#cancel();
  }

  #schedule(): () => void {
    return this.#clock.after(this.#slotMs, () => {
      this.#current = (this.#current + 1) % slotCount;
      for (const socket of this.#slots[this.#current] ?? []) socket.checkAlive();
      this.#cancel = this.#schedule();
    });
  }
}
