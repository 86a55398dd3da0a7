import { randomBytes } from 'node:crypto';
import { pino, type DestinationStream } from 'pino';
import { standardOutput } from '../adapters/standard-output.js';
import { withoutSecrets } from '../protocol/secret.js';

/** All that a line may carry: ids, codes and numbers. No field takes an object, so SDP and RTP parameters cannot get there. */
export interface MediaLogFields {
  readonly room?: string;
  readonly epoch?: string;
  /** The session of a peer. */
  readonly owner?: string;
  /** Of a worker. */
  readonly pid?: number;
  readonly path?: string;
  readonly code?: string;
  readonly http?: string;
  /** Name and text are written, without the values in it. */
  readonly error?: unknown;
}

/** One line an event. */
export interface MediaLog {
  debug(event: string, fields?: MediaLogFields): void;
  info(event: string, fields?: MediaLogFields): void;
  warn(event: string, fields?: MediaLogFields): void;
  error(event: string, fields?: MediaLogFields): void;
}

export type MediaLogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

const maxChars = 256;
const maxMessageChars = 200;

/** JSON lines `{level, time, node, event, …fields}`, on standard output unless a stream is given. */
export function createMediaLog(level: MediaLogLevel, stream: DestinationStream = standardOutput()): MediaLog {
  const options = {
    level,
    // New with each start, as a signaling node's.
    base: { node: `media-${randomBytes(4).toString('hex')}` },
    messageKey: 'event',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: bounded },
    serializers: { error: describeError },
  };
  const log = pino(options, stream);
  if (stream === standardOutput())
    standardOutput().onLost((count) => {
      log.error({ count }, 'lines_lost');
    });
  return {
    debug: (event, fields = {}) => {
      log.debug(fields, event);
    },
    info: (event, fields = {}) => {
      log.info(fields, event);
    },
    warn: (event, fields = {}) => {
      log.warn(fields, event);
    },
    error: (event, fields = {}) => {
      log.error(fields, event);
    },
  };
}

/** Callers name rooms and owners. */
function bounded(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' && value.length > maxChars ? `${value.slice(0, maxChars)}…` : value,
    ]),
  );
}

/** The library puts values, of RTP parameters too, into brackets and quotes: they are left out. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error;
  const bare = error.message.replace(/\[[^\]]*\]?/g, '[…]').replace(/"[^"]*"?/g, '"…"');
  const message = withoutSecrets(bare, maxMessageChars);
  const cause =
    error.cause === undefined || depth > 3 ? {} : { cause: describeError(error.cause, depth + 1) };
  return { name: error.name, message, ...cause };
}
