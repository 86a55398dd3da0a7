import type { NodeId } from '../../protocol/ids.js';
import type { Clock } from '../../ports/runtime.js';
import type { QuickRedis } from './quick-redis.js';
import { RedisScript } from './redis-script.js';

const REFRESH_MS = 20_000;
/** A node that has not said it again for so long is dead. */
const STALE_MS = 60_000;
/** Between rounds others have their turn. */
const KEYS_PER_ROUND = 200;

/**
 * Writes how many a node holds, unless that is too many over all nodes. Counts of dead nodes go.
 * KEYS[1] the hash: node -> count, until when (Redis's clock, ms); ARGV: 1 node, 2 count, 3 limit or 0, 4 stale ms.
 */
const HOLD = new RedisScript(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local own, limit, others = tonumber(ARGV[2]), tonumber(ARGV[3]), 0
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  local count, till = string.match(all[at + 1], '^(%d+) (%d+)$')
  if not till or tonumber(till) <= now then redis.call('HDEL', KEYS[1], all[at])
  elseif all[at] ~= ARGV[1] then others = others + tonumber(count) end
end
if limit > 0 and others + own > limit then return {'refused'} end
if own > 0 then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %.0f', own, now + ARGV[4]))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
else
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return {'written'}
`);

interface Holding {
  count: number;
  /** What Redis has for this node; `undefined`: not known. */
  told: number | undefined;
  asking: number;
}

/**
 * How many of something this node holds, by Redis key, and whether that is too many with what the other nodes hold. What
 * is told is the number and not the difference, so that an answer lost, late or overtaken is put right by the next.
 */
export class RedisHeldCounts {
  private readonly holdings = new Map<string, Holding>();
  private cancelRefresh: (() => void) | undefined;
  private isClosed = false;

  constructor(
    private readonly redis: QuickRedis,
    private readonly nodeId: NodeId,
    private readonly clock: Clock,
  ) {}

  /** As `RateLimiter.hold`; `limit` is not 0. When Redis does not answer, what this node holds decides. */
  async hold(redisKey: string, limit: number): Promise<(() => void) | undefined> {
    const holding = this.holdings.get(redisKey) ?? { count: 0, told: 0, asking: 0 };
    if (holding.count >= limit) return undefined;
    this.holdings.set(redisKey, holding);
    holding.count += 1;
    this.arm();
    if (!(await this.tell(redisKey, holding, limit))) return undefined;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      holding.count -= 1;
      if (holding.asking === 0) void this.tell(redisKey, holding);
    };
  }

  /** Says everything again: Redis may have lost it, and must know that this node lives. Never rejects. */
  async refresh(): Promise<void> {
    const all = [...this.holdings];
    for (let at = 0; at < all.length; at += KEYS_PER_ROUND) {
      const round = all.slice(at, at + KEYS_PER_ROUND);
      await Promise.all(
        round.map(async ([redisKey, holding]) => {
          await this.tell(redisKey, holding);
          // Whatever Redis has: it ends by itself.
          if (holding.count === 0 && holding.asking === 0) this.forget(redisKey, holding);
        }),
      );
    }
  }

  /** Ends the timer. What is still held ends in Redis by itself. */
  close(): void {
    this.isClosed = true;
    this.cancelRefresh?.();
    this.cancelRefresh = undefined;
  }

  get size(): number {
    return this.holdings.size;
  }

  /** False: refused, and one less is held. */
  private async tell(redisKey: string, holding: Holding, limit = 0): Promise<boolean> {
    const { count } = holding;
    holding.asking += 1;
    const answer = await this.redis.ask(HOLD, redisKey, [this.nodeId, count, limit, STALE_MS]);
    holding.asking -= 1;
    const isRefused = answer?.[0] === 'refused';
    if (isRefused) holding.count -= 1;
    else holding.told = answer === undefined ? undefined : count;
    if (holding.asking === 0) {
      if (holding.told !== undefined && holding.told !== holding.count) void this.tell(redisKey, holding);
      else if (holding.told === 0) this.forget(redisKey, holding);
    }
    return !isRefused;
  }

  private forget(redisKey: string, holding: Holding): void {
    if (this.holdings.get(redisKey) === holding) this.holdings.delete(redisKey);
  }

  private arm(): void {
    if (this.isClosed) return;
    this.cancelRefresh ??= this.clock.after(REFRESH_MS, () => {
      void this.refresh().then(() => {
        this.cancelRefresh = undefined;
        if (this.holdings.size > 0) this.arm();
      });
    });
  }
}
