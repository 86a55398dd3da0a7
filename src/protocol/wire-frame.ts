const inspected = Symbol.for('nodejs.util.inspect.custom');

/** The very bytes of a frame, for receivers of the same dialect. What is in it is its peers' own: it does not print. */
export class WireFrame {
  /** `isSigned`: whom it is from stands in it, so it may be handed on as it is. */
  constructor(
    readonly dialect: string,
    readonly bytes: Buffer,
    readonly isSigned: boolean,
  ) {}

  toJSON(): string {
    return `[${this.bytes.length} bytes of ${this.dialect}]`;
  }

  [inspected](): string {
    return this.toJSON();
  }
}
