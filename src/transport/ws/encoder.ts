import type { Dialect, Scope } from '../../dialects/dialect.js';
import type { Ask, Event } from '../../protocol/messages.js';

export type Encoder = (
  dialect: Dialect,
  event: Event,
  ask: Ask | undefined,
  scope: Scope,
) => Buffer | undefined;

/**
 * Encodes an event once for all receivers of one dialect that it goes to in a row, which is what a broadcast is. An
 * event is told in one room, so what a dialect knows of the room is the same for all of them.
 */
export function createEncoder(): Encoder {
  // Kept until the next one: a signal's bytes, no more than one message.
  let lastEvent: Event | undefined;
  let lastDialect: Dialect | undefined;
  let lastBytes: Buffer | undefined;
  return (dialect, event, ask, scope) => {
    if (ask !== undefined) return bytesOf(dialect.encode(event, ask, scope));
    if (event !== lastEvent || dialect !== lastDialect) {
      lastBytes = bytesOf(dialect.encode(event, undefined, scope));
      lastEvent = event;
      lastDialect = dialect;
    }
    return lastBytes;
  };
}

function bytesOf(text: Buffer | string | undefined): Buffer | undefined {
  return typeof text === 'string' ? Buffer.from(text) : text;
}
