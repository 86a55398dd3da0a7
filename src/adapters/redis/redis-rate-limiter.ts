import type { NodeId } from '../../protocol/ids.js';
import type { RateLimiter, RateRule, Verdict } from '../../ports/rate-limiter.js';
import type { Clock, Logger } from '../../ports/runtime.js';
import { keys } from './keys.js';
import { QuickRedis } from './quick-redis.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisHeldCounts } from './redis-held-counts.js';
import { RedisScript } from './redis-script.js';

const ALLOWED: Verdict = { isAllowed: true, retryAfterMs: 0 };

/**
 * The generic cell rate algorithm (ITU-T I.371) by Redis's clock: one number a key, when all of the limit is there again.
 * Answers how many ms to wait, 0 when it is taken. KEYS[1] the number; ARGV: 1 limit, 2 per ms, 3 cost.
 */
const TAKE = new RedisScript(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local limit, per = tonumber(ARGV[1]), tonumber(ARGV[2])
local each = per / limit
local from = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or '') or 0, now), now + per)
local till = from + math.min(tonumber(ARGV[3]), limit) * each
local wait = till - now - per - math.min(0.5, each / 2)
if wait > 0 then return {string.format('%.0f', math.ceil(wait))} end
redis.call('SET', KEYS[1], string.format('%.3f', till), 'PX', string.format('%.0f', math.ceil(till - now)))
return {'0'}
`);

export interface RedisRateLimiterParts {
  readonly redis: RedisConnection;
  /** Held counts of an earlier life of this process must not be taken for those of this one: new with each start. */
  readonly nodeId: NodeId;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Counts while Redis does not answer. */
  readonly local: RateLimiter;
}

/** Counts over all nodes that share a Redis. A moment without an answer, and it counts for this node alone. */
export class RedisRateLimiter implements RateLimiter {
  private readonly redis: QuickRedis;
  private readonly local: RateLimiter;
  private readonly held: RedisHeldCounts;

  constructor({ redis, nodeId, clock, logger, local }: RedisRateLimiterParts) {
    this.redis = new QuickRedis(redis, clock, logger);
    this.local = local;
    this.held = new RedisHeldCounts(this.redis, nodeId, clock);
    redis.onReconnect(() => {
      void this.held.refresh();
    });
  }

  /** A cost above the limit counts as the limit: it is allowed when nothing was taken for a while. */
  async take(rule: RateRule, key: string, cost = 1): Promise<Verdict> {
    const { name, limit, perMs } = rule;
    if (limit <= 0) return ALLOWED;
    const answer = await this.redis.ask(TAKE, keys.rate(name, key), [limit, perMs, cost]);
    if (answer === undefined) return this.local.take(rule, key, cost);
    const retryAfterMs = Number(answer[0]);
    return retryAfterMs > 0 ? { isAllowed: false, retryAfterMs } : ALLOWED;
  }

  async hold(name: string, key: string, limit: number): Promise<(() => void) | undefined> {
    return limit <= 0 ? () => undefined : this.held.hold(keys.held(name, key), limit);
  }

  /** Ends its timer; the connection to Redis is its owner's. */
  close(): void {
    this.held.close();
  }
}
