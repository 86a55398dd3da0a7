import type { Ask } from '../../protocol/messages.js';
import { Lane } from '../lane.js';
import { MessageBudget } from '../message-budget.js';

/** So many messages of one peer wait for their place. */
const mostWaiting = 64;
/** So many have their place and are still to be told here. */
const mostAsks = 64;
/** So many times what may be said a second may be said at once. */
const burstS = 10;

/** A seat as one that says something: its messages get their places one after another, and so many a second. */
export class Speaker {
  readonly lane = new Lane(mostWaiting);
  readonly budget: MessageBudget;
  /** What still waits for its place does not get one any more. */
  isSilenced = false;
  /** What it has asked to be said and has not been told yet, by the id of the message. */
  readonly #asks = new Map<string, Ask>();

  /** 0: no limit. */
  constructor(perSecond: number) {
    this.budget = new MessageBudget(perSecond, perSecond * burstS);
  }

  expect(id: string, ask: Ask): void {
    this.#asks.set(id, ask);
    if (this.#asks.size <= mostAsks) return;
    // It is told all the same, and known by its id.
    for (const oldest of this.#asks.keys()) {
      this.#asks.delete(oldest);
      return;
    }
  }

  expects(id: string): boolean {
    return this.#asks.has(id);
  }

  /** What the message of that id answers, once. */
  takeAsk(id: string): Ask | undefined {
    const ask = this.#asks.get(id);
    this.#asks.delete(id);
    return ask;
  }

  /** False: it was told meanwhile. */
  giveUp(id: string, ask: Ask): boolean {
    return this.#asks.get(id) === ask && this.#asks.delete(id);
  }
}
