import type { Dialect } from '../../dialects/dialect.js';
import type { Ask, Event } from '../../protocol/messages.js';

/** Encodes an event once for all receivers of one dialect that it goes to in a row, which is what a broadcast is. */
export function createEncoder(): (dialect: Dialect, event: Event, ask: Ask | undefined) => Buffer {
  // Kept until the next one: a signal's bytes, no more than one message.
  let lastEvent: Event | undefined;
  let lastDialect: Dialect | undefined;
  let lastBytes: Buffer = Buffer.alloc(0);
  return (dialect, event, ask) => {
    if (ask !== undefined) return bytesOf(dialect.encode(event, ask));
    if (event !== lastEvent || dialect !== lastDialect) {
      lastBytes = bytesOf(dialect.encode(event, undefined));
      lastEvent = event;
      lastDialect = dialect;
    }
    return lastBytes;
  };
}

function bytesOf(text: Buffer | string): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text;
}
