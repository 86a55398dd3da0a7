import type { RoomId } from '../../protocol/ids.js';
import type { Clock, Logger } from '../../ports/runtime.js';
import type { RoomCache } from '../room-cache.js';
import { keys } from './keys.js';
import { QuickRedis } from './quick-redis.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisScript } from './redis-script.js';

/** KEYS[1] the room's key; ARGV: text, ms. What is there is answered, of whatever type another service has made it. */
const CLAIM = new RedisScript(`
local type = redis.call('TYPE', KEYS[1]).ok
if type == 'string' then return {redis.call('GET', KEYS[1])} end
if type ~= 'none' then redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {ARGV[1]}
`);

/** KEYS[1] the room's key; ARGV: what was seen, text, ms. */
const SWAP = new RedisScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return {}
`);

/** KEYS[1] the room's key; ARGV: text, ms. */
const SET = new RedisScript(`
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {}
`);

/** Shared by all nodes. A Redis that has just come back is not asked: what was changed meanwhile it may not know yet. */
export class RedisRoomCache implements RoomCache {
  private readonly quick: QuickRedis;

  constructor(
    private readonly redis: RedisConnection,
    clock: Clock,
    logger: Logger,
  ) {
    this.quick = new QuickRedis(redis, clock, logger, 'room_cache_not_used', 'room_cache');
  }

  async claim(roomId: RoomId, text: string, ms: number): Promise<string | undefined> {
    if (this.redis.isJustBack) return undefined;
    const answer = await this.quick.ask(CLAIM, keys.roomCache(roomId), [text, ms]);
    return answer?.[0];
  }

  async swap(roomId: RoomId, seen: string, text: string, ms: number): Promise<void> {
    await this.quick.ask(SWAP, keys.roomCache(roomId), [seen, text, ms]);
  }

  async set(roomId: RoomId, text: string, ms: number): Promise<boolean> {
    return (await this.quick.ask(SET, keys.roomCache(roomId), [text, ms])) !== undefined;
  }
}
