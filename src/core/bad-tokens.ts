import type { Context } from './context.js';

/** Nobody waits longer for a refusal. */
const maxDelayMs = 5_000;

/** Who has shown too many bad tokens from one address waits for the answer to the next: guessing gets slow. */
export async function delayBadToken(context: Context, address: string): Promise<void> {
  const { limiter, clock, tally, badTokensPerMinute } = context;
  const rule = { name: 'bad_tokens', limit: badTokensPerMinute, perMs: 60_000 };
  const { isAllowed, retryAfterMs } = await limiter.take(rule, address);
  if (isAllowed) return;
  tally.tokens_delayed += 1;
  await new Promise<void>((resolve) => {
    clock.after(Math.min(maxDelayMs, retryAfterMs), resolve);
  });
}
