/** Which answers a browser may show to scripts of another origin (D5, Fetch standard section 3.2). */
import type { IncomingMessage } from 'node:http';

const preflightMaxAgeS = 600;

/** The headers for an answer to this request; none at all while the list is empty. */
export function corsHeaders(
  { headers: { origin } }: IncomingMessage,
  allowed: readonly string[],
): Readonly<Record<string, string>> {
  if (allowed.length === 0) return {};
  const everyone = allowed.includes('*');
  if (origin === undefined || !(everyone || allowed.includes(origin))) return { vary: 'Origin' };
  const exposed = { 'access-control-expose-headers': 'retry-after' };
  if (everyone) return { vary: 'Origin', 'access-control-allow-origin': '*', ...exposed };
  // An origin that the operator names may use its users' cookie.
  const cookies = { 'access-control-allow-credentials': 'true' };
  return { vary: 'Origin', 'access-control-allow-origin': origin, ...cookies, ...exposed };
}

/** Does a browser ask whether it may? A bare OPTIONS does not, and gets the Python server's 405. */
export function isPreflight(request: IncomingMessage): boolean {
  return request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
}

/** What the answer to a preflight from an allowed origin says besides `corsHeaders`. */
export function preflightHeaders(methods: string): Readonly<Record<string, string>> {
  return {
    'access-control-allow-methods': methods,
    'access-control-allow-headers': 'authorization, content-type',
    'access-control-max-age': String(preflightMaxAgeS),
  };
}
