import { SignalingError } from '../protocol/errors.js';
import type { Context } from './context.js';

/** Nobody waits longer for a refusal. */
const maxDelayMs = 5_000;

/**
 * What is to be said of a bad token. Who has shown too many from one address waits for the answer to the next, and is
 * told until when they come late: guessing gets slow.
 */
export async function answerToBadToken(
  context: Context,
  address: string,
  error: SignalingError,
): Promise<SignalingError> {
  if (error.code !== 'INVALID_TOKEN' && error.code !== 'INVALID_ROOM_TOKEN') return error;
  const { limiter, clock, tally, limits, audit } = context;
  audit.record('token_refused', { address, code: error.code });
  const rule = { name: 'bad_tokens', limit: limits.badTokensPerMinute, perMs: 60_000 };
  const { isAllowed, retryAfterMs } = await limiter.take(rule, address);
  if (isAllowed) return error;
  tally.tokens_delayed += 1;
  await new Promise<void>((resolve) => {
    clock.after(Math.min(maxDelayMs, retryAfterMs), resolve);
  });
  return new SignalingError(error.code, error.message, { cause: error.cause, retryAfterMs });
}
