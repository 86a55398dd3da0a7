import { asNodeId, type NodeId } from '../../protocol/ids.js';
import { keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import type { RedisTime } from './redis-time.js';
import { RedisScript } from './redis-script.js';
import { fromLine, toLine } from './room-text.js';

/**
 * KEYS[1] the leases: node -> life, end of the lease, last sign of life (Redis's clock, ms). A node's life is the time
 * (Redis's, in microseconds) at which it had a lease after it had none.
 */
const COMMON = `
local leases, node = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function text(number) return string.format('%.0f', number) end
local function find()
  local life, till, sign = string.match(redis.call('HGET', leases, node) or '', '^(%d+) (%d+) (%d+)$')
  if life then return tonumber(life), tonumber(till), tonumber(sign) end
end
local life, till, sign = find()
local function put() redis.call('HSET', leases, node, text(life) .. ' ' .. text(till) .. ' ' .. text(sign)) end
local function keep(at)
  redis.call('EXPIREAT', leases, at, 'NX')
  redis.call('EXPIREAT', leases, at, 'GT')
end
`;

/** [N7] Lengthens a lease; one that has ended begins another life. ARGV: 1 node, 2 ms. */
const RENEW = new RedisScript(`${COMMON}
if not life or till <= now then life = math.max(now * 1000 + tonumber(time[2]) % 1000, (life or 0) + 1) end
till, sign = now + tonumber(ARGV[2]), now
put()
keep(time[1] + 3600)
return {text(life), text(now)}
`);

/** [N7] A node that has seats is known, even without a lease. ARGV: 1 node, 2 until when (unix s). */
const KNOW = new RedisScript(`${COMMON}
if not life then
  life, till, sign = 0, 0, now
  put()
end
keep(ARGV[2])
return {}
`);

/** [N7] Ends a lease, and leaves the last sign of life. */
const RELEASE = new RedisScript(`${COMMON}
if life then
  till = 0
  put()
end
return {}
`);

/** [N7] Nodes whose lease has ended. */
const LAPSED = new RedisScript(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local all, lapsed = redis.call('HGETALL', KEYS[1]), {}
for at = 1, #all, 2 do
  local till = string.match(all[at + 1], '^%d+ (%d+) %d+$')
  if not till or tonumber(till) <= now then lapsed[#lapsed + 1] = all[at] end
end
return lapsed
`);

/** [N6] The life of a node whose last sign of life is ARGV[2] ms ago, and whose lease has ended. */
const JUDGE = new RedisScript(`${COMMON}
if not life or till > now or sign + tonumber(ARGV[2]) > now then return {} end
return {text(life)}
`);

/** [N6] Strikes a swept node off the list unless it has a lease again. ARGV: 1 node, 2 the life that was swept. */
const STRIKE = new RedisScript(`${COMMON}
if life and text(life) == ARGV[2] and till <= now then redis.call('HDEL', leases, node) end
return {}
`);

/** Which nodes live. */
export class RedisLeases {
  private readonly self: string;
  private currentLife = '0';

  constructor(
    private readonly redis: RedisConnection,
    nodeId: NodeId,
    private readonly clock: RedisTime,
  ) {
    this.self = toLine(nodeId);
  }

  /** Of this node, as Redis gave it; `0` before the first lease. */
  get life(): string {
    return this.currentLife;
  }

  /** False: the last lease had ended, or there was none. An answer that was lost does not hide that. */
  async renew(leaseMs: number): Promise<boolean> {
    const [life = '0'] = await this.redis.run(async (client) => {
      const askedAtMs = performance.now();
      const answer = await RENEW.run(client, [keys.leases], [this.self, leaseMs]);
      this.clock.learn(Number(answer[1]), askedAtMs);
      return answer;
    }, 'lease_renew');
    const isSame = life === this.currentLife;
    this.currentLife = life;
    return isSame;
  }

  async know(untilS: number): Promise<void> {
    await this.run(KNOW, this.self, untilS);
  }

  async release(): Promise<void> {
    await this.run(RELEASE, this.self);
  }

  async lapsed(): Promise<readonly NodeId[]> {
    const nodes = await this.run(LAPSED);
    return nodes.map((node) => asNodeId(fromLine(node)));
  }

  /** The life in which the node has been dead for so long. `undefined`: it lives, or is not known. */
  async judge(node: NodeId, graceMs: number): Promise<string | undefined> {
    const [life] = await this.run(JUDGE, toLine(node), graceMs);
    return life;
  }

  async strike(node: NodeId, life: string): Promise<void> {
    await this.run(STRIKE, toLine(node), life);
  }

  private run(script: RedisScript, ...args: readonly (string | number)[]): Promise<readonly string[]> {
    return this.redis.run((client) => script.run(client, [keys.leases], args), 'lease');
  }
}
