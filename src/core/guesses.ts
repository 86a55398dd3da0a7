import { SignalingError } from '../protocol/errors.js';
import { MessageBudget } from './message-budget.js';

/** Addresses remembered; beyond it the one that was heard of least recently is forgotten. */
const maxAddresses = 10_000;

/**
 * Room tokens have 24 bits, so each wrong one costs its address something that comes back slowly. It is taken before a
 * token is looked at, and given back for a right one: however many are tried at once, no more are looked at.
 */
export class Guesses {
  readonly #perMinute: number;
  readonly #budgets = new Map<string, MessageBudget>();

  /** 0: no limit. */
  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Rejects with `RATE_LIMITED` when the address has none left, and the token is not looked at. */
  spend(address: string, nowMs: number, isRight: () => boolean): boolean {
    if (this.#perMinute === 0) return isRight();
    const budget = this.#budgets.get(address) ?? new MessageBudget(this.#perMinute / 60, this.#perMinute);
    const retryAfterMs = budget.take(nowMs);
    if (retryAfterMs > 0)
      throw new SignalingError('RATE_LIMITED', 'Too many wrong room tokens from this address.', {
        retryAfterMs,
      });
    if (isRight()) {
      budget.giveBack(1);
      return true;
    }
    this.#budgets.delete(address);
    this.#budgets.set(address, budget);
    const [oldest] = this.#budgets.keys();
    if (this.#budgets.size > maxAddresses && oldest !== undefined) this.#budgets.delete(oldest);
    return false;
  }
}
