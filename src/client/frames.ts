/** Frames of the flat dialect, as they stand on the wire (`src/dialects/README.md`). */
export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

/** `undefined`: it is none. */
export function parseFrame(text: string): Frame | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isFrame =
      typeof value === 'object' && value !== null && typeof Reflect.get(value, 'type') === 'string';
    return isFrame ? (value as Frame) : undefined;
  } catch {
    // The server sends nothing but JSON; whatever else this is, it is not for us.
    return undefined;
  }
}

/** The server said no to a request. */
export class RequestRefused extends Error {
  /** One of the server's error codes. */
  readonly code: string;
  /** The same may be said again later, after `retryAfterMs` at the earliest. */
  readonly retryable: boolean;
  readonly retryAfterMs: number;

  constructor({ code, message, retryable, retry_after_ms: retryAfterMs }: Readonly<Record<string, unknown>>) {
    super(typeof message === 'string' ? message : 'The server refused without a reason.');
    this.name = 'RequestRefused';
    this.code = typeof code === 'string' ? code : 'INTERNAL';
    this.retryable = retryable === true;
    this.retryAfterMs = typeof retryAfterMs === 'number' ? retryAfterMs : 0;
  }
}

/** No answer came: in time, or before the session was lost. */
export class RequestLost extends Error {
  constructor(verb: string, why: string) {
    super(`${verb} was not answered: ${why}`);
    this.name = 'RequestLost';
  }
}
