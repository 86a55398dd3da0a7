import type { Presence } from '../../ports/presence.js';
import type { Clock, Logger, Tally } from '../../ports/runtime.js';
import type { NodeId } from '../../protocol/ids.js';

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
  #isLooking = false;

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
      void this.#renew().then(() => {
        this.#schedule();
      });
    });
  }

  async #renew(): Promise<void> {
    const { presence, clock, logger, onLapsed, onRound } = this.#parts;
    try {
      if (await presence.renewLease(leaseMs)) {
        this.#witnessSinceMs ??= clock.now();
      } else {
        logger.warn('lease_lapsed');
        this.#witnessSinceMs = clock.now();
        onLapsed();
      }
      onRound();
      void this.#look();
    } catch (error) {
      this.#witnessSinceMs = undefined;
      logger.debug('lease_not_renewed', { error });
    }
  }

  /** What may take long is done beside the renewals, one at a time. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { presence, clock, logger, seats } = this.#parts;
    try {
      if (clock.now() - this.#touchedAtMs >= touchEveryMs - renewEveryMs / 2) {
        this.#touchedAtMs = clock.now();
        await presence.touch(seats());
      }
      for (const node of this.#isWitness ? await presence.lapsedNodes() : []) {
        if (node !== presence.nodeId && this.#isWitness) await this.#sweep(node);
      }
    } catch (error) {
      logger.debug('nodes_not_looked_at', { error });
    } finally {
      this.#isLooking = false;
    }
  }

  get #isWitness(): boolean {
    const sinceMs = this.#witnessSinceMs;
    return sinceMs !== undefined && this.#parts.clock.now() - sinceMs >= leaseMs;
  }

  async #sweep(node: NodeId): Promise<void> {
    const { presence, logger, tally, graceMs } = this.#parts;
    const ended = await presence.sweep(node, graceMs);
    tally.sessions_swept += ended;
    if (ended > 0) logger.warn('node_swept', { other: node, sessions: ended });
  }
}
