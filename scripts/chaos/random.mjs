/** Numbers that are a pure function of their seed (mulberry32): the same seed, the same faults. */
export class Random {
  #state;

  /** @param {number} seed a whole number */
  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** @returns {number} from 0 up to, but without, 1 */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** @returns {number} a whole number from `low` to `high`, both included */
  whole(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** @template Item @param {readonly Item[]} items @returns {Item} */
  pick(items) {
    return items[this.whole(0, items.length - 1)];
  }

  /** @template Item @param {readonly Item[]} items @returns {Item[]} the same in another order */
  shuffle(items) {
    const rest = [...items];
    const shuffled = [];
    while (rest.length > 0) shuffled.push(...rest.splice(this.whole(0, rest.length - 1), 1));
    return shuffled;
  }
}
