import type { Audit } from '../ports/audit.js';
import type { RateLimiter } from '../ports/rate-limiter.js';
import type { Clock, Tally } from '../ports/runtime.js';
import { SignalingError } from '../protocol/errors.js';

/** Nobody waits longer for a refusal. */
const maxDelayMs = 5_000;
/** Answers that wait at a time: each holds its request, and whoever is held back may send more of them, or go away. */
const maxWaiting = 1_000;

interface BadTokenPorts {
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  readonly tally: Tally;
}

/** Guessing gets slow: who has shown too much that is wrong from one address waits for the answer to the next. */
export class BadTokens {
  readonly #ports: BadTokenPorts;
  readonly #perMinute: number;
  #waiting = 0;

  /** 0: no limit. */
  constructor(ports: BadTokenPorts, perMinute: number) {
    this.#ports = ports;
    this.#perMinute = perMinute;
  }

  /**
   * Counts a token or a key that is wrong. Resolves when that may be said: to 0, or, when there were too many, to how
   * many milliseconds the next should be left alone. Never rejects.
   */
  async count(address: string): Promise<number> {
    const { limiter, clock, tally } = this.#ports;
    const rule = { name: 'bad_tokens', limit: this.#perMinute, perMs: 60_000 };
    const { isAllowed, retryAfterMs } = await limiter.take(rule, address);
    if (isAllowed) return 0;
    if (this.#waiting >= maxWaiting) return retryAfterMs;
    tally.tokens_delayed += 1;
    this.#waiting += 1;
    await new Promise<void>((resolve) => {
      clock.after(Math.min(maxDelayMs, retryAfterMs), resolve);
    });
    this.#waiting -= 1;
    return retryAfterMs;
  }
}

/** What is to be said of a bad token, once it may be said; of one too many also when to come back. */
export async function answerToBadToken(
  { badTokens, audit }: { readonly badTokens: BadTokens; readonly audit: Audit },
  address: string,
  error: SignalingError,
): Promise<SignalingError> {
  if (error.code !== 'INVALID_TOKEN' && error.code !== 'INVALID_ROOM_TOKEN') return error;
  audit.record('token_refused', { address, code: error.code });
  const retryAfterMs = await badTokens.count(address);
  if (retryAfterMs === 0) return error;
  return new SignalingError(error.code, error.message, { cause: error.cause, retryAfterMs });
}
