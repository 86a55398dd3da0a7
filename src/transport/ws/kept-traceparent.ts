import type { IncomingMessage } from 'node:http';

/** It has 55 characters (W3C Trace Context), in later versions more. */
const maxChars = 256;

/** It stays as long as its session, traced or not: what is too long to be one would be memory for free. */
export function keptTraceparent({ headers }: IncomingMessage): string | undefined {
  const header = headers['traceparent'];
  return typeof header === 'string' && header.length <= maxChars ? header : undefined;
}
