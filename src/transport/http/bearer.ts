import type { IncomingMessage } from 'node:http';

/**
 * The token of the Authorization header, as the Python server reads it: every `Bearer ` is cut out of the value,
 * wherever it stands, and what remains is the token. `undefined` without the header.
 */
export function bearerOf(request: IncomingMessage): string | undefined {
  return request.headers.authorization?.replaceAll('Bearer ', '');
}
