import { pino, type DestinationStream, type Logger as Pino } from 'pino';
import type { LogFields, Logger } from '../../ports/runtime.js';

export interface PinoLoggerSettings {
  /** `debug`, `info`, `warn`, `error` or `silent`. */
  readonly level: string;
  /** Standard output unless given. */
  readonly stream?: DestinationStream;
}

/** The second net: nobody passes these (see `Logger`); should it happen, they do not reach the log. */
const SECRETS = [
  'token',
  'id_token',
  'idToken',
  'roomToken',
  'sdp',
  'candidate',
  'authorization',
  'cookie',
  'payload',
];

const MAX_CAUSES = 4;

/** JSON lines `{level, time, event, …fields, error?}` by pino. */
export class PinoLogger implements Logger {
  private readonly pino: Pino;

  constructor({ level, stream }: PinoLoggerSettings) {
    const options = {
      level,
      base: null,
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label: string) => ({ level: label }) },
      serializers: { error: describeError },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    };
    this.pino = stream === undefined ? pino(options) : pino(options, stream);
  }

  debug(event: string, fields: LogFields = {}): void {
    this.pino.debug(fields, event);
  }

  info(event: string, fields: LogFields = {}): void {
    this.pino.info(fields, event);
  }

  warn(event: string, fields: LogFields = {}): void {
    this.pino.warn(fields, event);
  }

  error(event: string, fields: LogFields = {}): void {
    this.pino.error(fields, event);
  }
}

/**
 * Name, code, text and stack of an error and of its causes. Not its other properties: a vendor's error may carry
 * the request that failed, and with it a token.
 */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : typeof error;
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const parts: readonly unknown[] = error instanceof AggregateError ? error.errors.slice(0, MAX_CAUSES) : [];
  const deeper = depth < MAX_CAUSES;
  return {
    name: error.name,
    ...code,
    message: error.message,
    stack: depth === 0 ? error.stack : undefined,
    ...(deeper && parts.length > 0 ? { errors: parts.map((part) => describeError(part, depth + 1)) } : {}),
    ...(deeper && error.cause !== undefined ? { cause: describeError(error.cause, depth + 1) } : {}),
  };
}
