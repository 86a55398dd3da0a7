import { pino, type DestinationStream, type Logger as Pino } from 'pino';
import type { LogFields, Logger } from '../../ports/runtime.js';
import { describeError, maxLogChars } from './describe-error.js';
import { standardOutput } from '../standard-output.js';

export interface PinoLoggerSettings {
  /** `debug`, `info`, `warn`, `error` or `silent`. */
  readonly level: string;
  /** The name of this node, on every line. */
  readonly node?: string;
  /** Standard output unless given. */
  readonly stream?: DestinationStream;
}

/** The second net: nobody can pass these (see `LogFields`); should a type be got round, they do not reach the log. */
const SECRETS = [
  'token',
  'id_token',
  'idToken',
  'roomToken',
  'resumeToken',
  'credential',
  'password',
  'sdp',
  'candidate',
  'authorization',
  'cookie',
  'content',
  'payload',
  'frame',
];

/** JSON lines `{level, time, node, event, …fields, error?}` by pino: one an event, times in UTC (ISO 8601). */
export class PinoLogger implements Logger {
  private readonly pino: Pino;

  constructor({ level, node, stream }: PinoLoggerSettings) {
    const options = {
      level,
      base: node === undefined ? null : { node },
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label: string) => ({ level: label }), log: plain },
      serializers: { error: describeError },
      redact: { paths: SECRETS, censor: '[redacted]' },
    };
    this.pino = pino(options, stream ?? standardOutput());
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

/** Clients name rooms and peers: what they chose is cut, and an object that got here goes no further. */
function plain(fields: Record<string, unknown>): Record<string, unknown> {
  const bounded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) bounded[name] = name === 'error' ? value : short(value);
  return bounded;
}

function short(value: unknown): unknown {
  if (typeof value === 'string')
    return value.length > maxLogChars ? `${value.slice(0, maxLogChars)}…` : value;
  if (Array.isArray(value)) return value.map((item) => (typeof item === 'string' ? short(item) : '[object]'));
  return typeof value === 'object' && value !== null ? '[object]' : value;
}
