import { pino } from 'pino';

type Fields = Readonly<Record<string, unknown>>;

/** One line an event. Never pass SDP, DTLS or RTP parameters. */
export interface MediaLog {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
}

export type MediaLogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

/** JSON lines `{level, time, event, …fields}` on standard output. */
export function createMediaLog(level: MediaLogLevel): MediaLog {
  const log = pino({
    level,
    base: null,
    messageKey: 'event',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: describeError },
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

/** The library puts values, of RTP parameters too, into brackets and quotes: they are left out. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error;
  const message = error.message
    .replace(/\[[^\]]*\]?/g, '[…]')
    .replace(/"[^"]*"?/g, '"…"')
    .slice(0, 200);
  const cause =
    error.cause === undefined || depth > 3 ? {} : { cause: describeError(error.cause, depth + 1) };
  return { name: error.name, message, ...cause };
}
