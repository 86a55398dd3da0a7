const hidden = '[secret]';
const inspected = Symbol.for('nodejs.util.inspect.custom');

/** A token or a key that does not show itself: not as text, not as JSON, not to a debugger's print. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value, for who verifies, compares or sends it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  [inspected](): string {
    return hidden;
  }
}
