/** Work that waits for somebody else, timed and traced. Nothing on the relay path does. */
export const spanNames = [
  /** A peer joins or resumes. */
  'join',
  'redis',
  'dynamodb',
  'cognito',
  /** The keys of an issuer. */
  'jwks',
  'media_service',
  'chat_service',
  'room_service',
] as const;

export type SpanName = (typeof spanNames)[number];

/** Ids and counts. Never a token, SDP, a candidate, a payload or what somebody said. */
export type SpanFields = Readonly<Record<string, string | number | boolean>>;

/** A trace that goes through several processes (W3C Trace Context). */
export interface Traces {
  /** Runs it as a part of the trace that a `traceparent` names; of none, where it names none. */
  continueFrom<Result>(traceparent: unknown, run: () => Result): Result;
  /** The `traceparent` that hands on the trace of this moment; `undefined`: there is none. */
  current(): string | undefined;
}

export interface Telemetry {
  /** Absent: nothing is traced. */
  readonly traces?: Traces | undefined;
  /**
   * Runs it, and passes on what it gives or throws. `operation` is one of few words, for instance `PutItem`: it becomes a
   * metric's label. What runs inside belongs to it. `fields` is asked when it is over.
   */
  timed<Result>(
    span: SpanName,
    operation: string,
    run: () => Promise<Result>,
    fields?: () => SpanFields,
  ): Promise<Result>;
}

/** Nobody looks. */
export const noTelemetry: Telemetry = { timed: (_span, _operation, run) => run() };
