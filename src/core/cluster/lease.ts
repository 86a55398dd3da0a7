import type { Presence } from '../../ports/presence.js';
import type { Clock, Logger, Tally } from '../../ports/runtime.js';

/** A node that has not renewed its lease for so long is taken for dead. */
const leaseMs = 6_000;
const renewEveryMs = 2_000;
/** Peers that live are written down this often; what is written lasts three times as long (S1). */
const touchEveryMs = 10_000;

export interface LeaseParts {
  readonly presence: Presence;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tally: Tally;
  readonly graceMs: number;
  /** Peers on a socket here. */
  readonly seats: () => Parameters<Presence['touch']>[0];
  /** Others may have swept this node's seats. */
  readonly onLapsed: () => void;
  /** Called with each renewal. */
  readonly onRound: () => void;
}

/** Says that this node lives, and ends what dead nodes have left. */
export class Lease {
  readonly #parts: LeaseParts;
  #cancel: (() => void) | undefined;
  #isClosed = false;
  /**
   * Since when this node's own lease has held without a gap. When Redis stood still, every lease ran out, and nobody
   * is dead: who could not keep its own lease for a whole term is no judge of others.
   */
  #witnessSinceMs: number | undefined;
  #touchedAtMs = 0;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  /** The presence answered the last time: this node is known to the others. */
  get isHeld(): boolean {
    return this.#witnessSinceMs !== undefined;
  }

  /** The first lease. Rejects when the presence does not answer. */
  async start(): Promise<void> {
    await this.#parts.presence.renewLease(leaseMs);
    this.#witnessSinceMs = this.#parts.clock.now();
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    try {
      await this.#parts.presence.release();
    } catch (error) {
      // Then it ends by itself.
      this.#parts.logger.warn('lease_not_released', { error });
    }
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#cancel = this.#parts.clock.after(renewEveryMs, () => {
      void this.#round().then(() => {
        this.#schedule();
      });
    });
  }

  async #round(): Promise<void> {
    const { presence, clock, logger, seats, onLapsed, onRound } = this.#parts;
    try {
      if (await presence.renewLease(leaseMs)) {
        this.#witnessSinceMs ??= clock.now();
      } else {
        logger.warn('lease_lapsed');
        this.#witnessSinceMs = clock.now();
        onLapsed();
      }
      onRound();
      if (clock.now() - this.#touchedAtMs >= touchEveryMs - renewEveryMs / 2) {
        this.#touchedAtMs = clock.now();
        await presence.touch(seats());
      }
      if (clock.now() - this.#witnessSinceMs >= leaseMs) await this.#sweep();
    } catch (error) {
      this.#witnessSinceMs = undefined;
      logger.debug('lease_not_renewed', { error });
    }
  }

  async #sweep(): Promise<void> {
    const { presence, logger, tally, graceMs } = this.#parts;
    for (const node of await presence.lapsedNodes()) {
      if (node === presence.nodeId) continue;
      const ended = await presence.sweep(node, graceMs);
      tally.sessions_swept += ended;
      if (ended > 0) logger.warn('node_swept', { node, sessions: ended });
    }
  }
}
