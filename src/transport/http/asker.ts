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

/** 429. `reason`: where the family of clients looks for it. */
export function tooMany(retryAfterMs: number, reason: 'detail' | 'error'): Reply {
  const headers = retryAfter(retryAfterMs);
  const text = `Too many requests from this address: try again in ${headers['retry-after']} s`;
  return jsonReply(429, { [reason]: text, retry_after_ms: Math.ceil(retryAfterMs) }, headers);
}

/** Whole seconds (RFC 9110 section 10.2.3), never too early and never 0. */
export function retryAfter(ms: number): { readonly 'retry-after': string } {
  return { 'retry-after': String(Math.max(1, Math.ceil(ms / 1000))) };
}
