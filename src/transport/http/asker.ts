import type { Request } from 'express';
import type { RateLimiter } from '../../ports/rate-limiter.js';
import type { Tally } from '../../ports/runtime.js';
import { jsonReply, type Reply } from './reply.js';

/** Who asks, and how often it may. */
export interface Asker {
  readonly limiter: RateLimiter;
  readonly tally: Pick<Tally, 'requests_limited'>;
  /** The caller's token, by whatever way it may come. */
  readonly credentialOf: (request: Request) => string | undefined;
  /** The caller's address, as limits count it. */
  readonly addressOf: (request: Request) => string;
}

/**
 * 429. `Retry-After` is whole seconds (RFC 9110 section 10.2.3), never too early and never 0. `reason`: where the family
 * of clients looks for it.
 */
export function tooMany(retryAfterMs: number, reason: 'detail' | 'error'): Reply {
  const seconds = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  const text = `Too many requests from this address: try again in ${seconds} s`;
  const body = { [reason]: text, retry_after_ms: Math.ceil(retryAfterMs) };
  return jsonReply(429, body, { 'retry-after': seconds });
}
