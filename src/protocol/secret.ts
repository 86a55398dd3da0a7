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

/** Tokens (RFC 7519), logins in addresses, Bearer values. */
const quoted =
  /eyJ[\w-]{8,}\.[\w-]*(\.[\w-]*)?|(?<=:\/\/)[^\s/@"']{1,256}(?=@)|(?<=\bBearer )[\w.~+/=-]{8,}/g;

/**
 * For texts of others, which may quote what they were given. `maxChars`: what is longer is cut, because the search takes
 * quadratic time; 4,000 at most.
 */
export function withoutSecrets(text: string, maxChars: number): string {
  return text.slice(0, maxChars).replace(quoted, '[redacted]');
}
