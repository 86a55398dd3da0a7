import type { MediaPlacement } from '../../ports/media-placement.js';
import type { RoomId } from '../../protocol/ids.js';
import { keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisScript } from './redis-script.js';
import { storeCall } from './store-call.js';

const KEEP_S = 86_400;

/** KEYS[1] the room's service; ARGV: TTL in seconds. Answers its name, or nothing. */
const FIND = new RedisScript(`
local at = redis.call('GET', KEYS[1])
if not at then return {} end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return {at}
`);

/** KEYS[1] the room's service; ARGV: TTL in seconds, the service, whether another one gives way, and which. Answers where the room is. */
const PLACE = new RedisScript(`
local at = redis.call('GET', KEYS[1])
if at and not (ARGV[3] == '1' and at == ARGV[4]) then
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  return {at}
end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[1])
return {ARGV[2]}
`);

/** Where the nodes that share a Redis have placed their rooms. */
export class RedisMediaPlacement implements MediaPlacement {
  constructor(private readonly redis: RedisConnection) {}

  find(roomId: RoomId): Promise<string | undefined> {
    return storeCall(async () => {
      const [service] = await this.redis.run(
        (client) => FIND.run(client, [keys.router(roomId)], [KEEP_S]),
        'placement_find',
      );
      return service;
    });
  }

  place(roomId: RoomId, service: string, instead?: string): Promise<string> {
    return storeCall(async () => {
      const args = [KEEP_S, service, instead === undefined ? 0 : 1, instead ?? ''];
      const [placed] = await this.redis.run(
        (client) => PLACE.run(client, [keys.router(roomId)], args),
        'placement_place',
      );
      if (placed === undefined) throw new Error('a placement was answered with nothing');
      return placed;
    });
  }

  forget(roomId: RoomId): Promise<void> {
    return storeCall(async () => {
      await this.redis.run((client) => client.del(keys.router(roomId)), 'placement_clear');
    });
  }
}
