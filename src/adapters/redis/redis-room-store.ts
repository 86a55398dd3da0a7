import { SignalingError } from '../../protocol/errors.js';
import type { RoomId } from '../../protocol/ids.js';
import { asRoomId } from '../../protocol/ids.js';
import type { RoomRecord } from '../../protocol/records.js';
import type { RoomStore } from '../../ports/room-store.js';
import { keys } from './keys.js';
import type { RedisClient, RedisConnection } from './redis-connection.js';

/** An expired room stays findable this long, so that a late peer is told `Room expired` and not `Room not found`. */
const KEEP_EXPIRED_S = 3600;

/**
 * [R2] Takes the id unless a room holds it that has not expired by ARGV[1]. A record without a readable expiry holds
 * its id: what cannot be judged is not overwritten.
 * KEYS[1] record; ARGV: now, created_by, token, expires_at, when Redis removes it (all times unix seconds).
 */
const CREATE = `
if redis.call('EXISTS', KEYS[1]) == 1 then
  local expires = tonumber(redis.call('HGET', KEYS[1], 'expires_at') or '')
  if not expires or expires >= tonumber(ARGV[1]) then return 'taken' end
  redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], 'created_by', ARGV[2], 'token', ARGV[3], 'expires_at', ARGV[4])
redis.call('EXPIREAT', KEYS[1], ARGV[5])
return 'created'
`;

/** Rooms in Redis, shared by all nodes. The attributes have the names of the Python server's table (S3). */
export class RedisRoomStore implements RoomStore {
  constructor(private readonly redis: RedisConnection) {}

  /**
   * An attempt whose answer was lost is made again, finds its own room and says `taken`; the caller then takes
   * another id and the lost room expires.
   */
  async create(record: RoomRecord, nowS: number): Promise<'created' | 'taken'> {
    const { roomId, createdBy, token, expiresAtS } = record;
    const key = keys.room(roomId);
    const removeAtS = expiresAtS + KEEP_EXPIRED_S;
    return this.call(
      (redis) => redis.eval(CREATE, 1, key, nowS, createdBy, token, expiresAtS, removeAtS),
      (answer) => {
        if (answer !== 'created' && answer !== 'taken')
          throw new Error('the creating script answered nonsense');
        return answer;
      },
    );
  }

  /** A Redis that has just come back, and may have lost its memory, is no witness that there is no such room. */
  async find(roomId: RoomId): Promise<RoomRecord | undefined> {
    return this.call(
      (redis) => redis.hgetall(keys.room(roomId)),
      (fields) => {
        if (Object.keys(fields).length > 0) return asRecord(roomId, fields);
        if (this.redis.isJustBack) throw new Error('Redis has just come back without this room');
        return undefined;
      },
    );
  }

  async remove(roomId: RoomId): Promise<void> {
    await this.call((redis) => redis.del(keys.room(roomId)), Number);
  }

  /** Reads a key that no room has: in a cluster that is more than a PING, which any node answers. */
  async check(): Promise<void> {
    await this.call((redis) => redis.exists(keys.room(asRoomId('-'))), Number);
  }

  private async call<Answer, Result>(
    ask: (redis: RedisClient) => Promise<Answer>,
    read: (answer: Answer) => Result,
  ): Promise<Result> {
    try {
      return read(await this.redis.run(ask));
    } catch (cause) {
      throw new SignalingError('STORE_UNAVAILABLE', undefined, { cause });
    }
  }
}

/** Throws unless the hash has the three attributes in their form; further attributes are let be. */
function asRecord(roomId: RoomId, fields: Readonly<Record<string, string>>): RoomRecord {
  const { created_by: createdBy, token, expires_at: expires } = fields;
  if (
    createdBy === undefined ||
    token === undefined ||
    expires === undefined ||
    !/^\d{1,15}$/.test(expires)
  ) {
    throw new Error('a room in Redis lacks an attribute or has one of another form');
  }
  return { roomId, createdBy, token, expiresAtS: Number(expires) };
}
