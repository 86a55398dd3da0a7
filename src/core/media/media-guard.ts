import type { MediaService } from '../../ports/media-service.js';
import type { Clock, Logger, Tally } from '../../ports/runtime.js';
import { SignalingError } from '../../protocol/errors.js';
import type { RoomId, SessionId } from '../../protocol/ids.js';
import type { Kept } from '../../protocol/media-api.js';

const roundMs = 1_000;
/** A service without rooms of this node is asked for its load in each so many rounds. */
const idleRounds = 10;
const failuresToLeave = 2;
/** What a room adds to the load of a service until that says itself what it has; at a hundred of them it is full. */
const loadOfRoom = 0.01;

export type NamedRooms = ReadonlyMap<RoomId, readonly SessionId[]>;

export interface GuardParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tally: Tally;
  /** Rooms of this node that are at the service, and who is in them. */
  readonly rooms: () => NamedRooms;
  /** It has answered with what it has of these. */
  readonly onKept: (rooms: NamedRooms, kept: Kept) => void;
  readonly onLost: () => void;
  readonly onBack: () => void;
}

/**
 * Asks one Media Service every second how it is, and with that says who is in which rooms. When it has failed twice
 * nobody waits for it any more, until it answers one of these rounds.
 */
export class MediaGuard {
  readonly name: string;
  readonly #service: MediaService;
  readonly #parts: GuardParts;
  #isOpen = true;
  /** Rounds that failed, one after another; a call that failed since the last one counts as another. */
  #failures = 0;
  #hasCallFailed = false;
  #quietRounds = 0;
  #load = 0;
  #placed = 0;
  #cancel: (() => void) | undefined;
  #isEnded = false;

  constructor(service: MediaService, parts: GuardParts) {
    this.name = service.name;
    this.#service = service;
    this.#parts = parts;
  }

  /** It can be asked just now. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The share of what it is good for that is taken, as far as this node knows. */
  get load(): number {
    return this.#load + this.#placed * loadOfRoom;
  }

  /** A room was placed there: it will be more than it says. */
  burden(): void {
    this.#placed += 1;
  }

  start(): void {
    void this.#round(true);
  }

  end(): void {
    this.#isEnded = true;
    this.#cancel?.();
  }

  /** Rejects with `MEDIA_UNAVAILABLE` at once while nobody waits for it; else settles as `ask` does. */
  async call<Answer>(ask: (service: MediaService) => Promise<Answer>): Promise<Answer> {
    if (!this.#isOpen) throw new SignalingError('MEDIA_UNAVAILABLE');
    try {
      return await ask(this.#service);
    } catch (error) {
      if (error instanceof SignalingError && error.code === 'MEDIA_UNAVAILABLE') this.#suspect();
      throw error;
    }
  }

  /** The next round tells, and is not waited for. Calls alone prove nothing: one room may hang for itself. */
  #suspect(): void {
    if (this.#hasCallFailed || this.#isEnded) return;
    this.#hasCallFailed = true;
    if (this.#cancel === undefined) return;
    this.#cancel();
    this.#cancel = undefined;
    void this.#round(true);
  }

  async #round(isFirst = false): Promise<void> {
    this.#cancel = undefined;
    const rooms = this.#parts.rooms();
    const isUrgent = isFirst || !this.#isOpen || this.#failures > 0 || this.#hasCallFailed;
    this.#quietRounds = rooms.size > 0 || isUrgent ? 0 : this.#quietRounds + 1;
    if (this.#quietRounds % idleRounds === 0) await this.#ask(rooms);
    if (this.#isEnded) return;
    this.#cancel = this.#parts.clock.after(roundMs, () => void this.#round());
  }

  async #ask(rooms: NamedRooms): Promise<void> {
    let kept: Kept | undefined;
    try {
      if (rooms.size > 0) kept = await this.#service.keep(rooms);
      this.#load = (kept ?? (await this.#service.health())).load;
      this.#placed = 0;
    } catch (error) {
      if (!this.#isEnded) this.#failed(error);
      return;
    }
    if (this.#isEnded) return;
    try {
      this.#answered();
      if (kept !== undefined) this.#parts.onKept(rooms, kept);
    } catch (error) {
      this.#parts.logger.error('media_round_failed', { service: this.name, error });
    }
  }

  #answered(): void {
    this.#failures = 0;
    this.#hasCallFailed = false;
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#parts.logger.info('media_service_back', { service: this.name });
    this.#parts.onBack();
  }

  #failed(error: unknown): void {
    this.#failures += this.#hasCallFailed ? 2 : 1;
    this.#hasCallFailed = false;
    if (!this.#isOpen || this.#failures < failuresToLeave) return;
    this.#isOpen = false;
    const { logger, tally } = this.#parts;
    tally.media_outages += 1;
    const why = error instanceof SignalingError ? (error.cause ?? error) : error;
    logger.warn('media_service_lost', { service: this.name, error: why });
    try {
      this.#parts.onLost();
    } catch (failure) {
      logger.error('media_round_failed', { service: this.name, error: failure });
    }
  }
}
