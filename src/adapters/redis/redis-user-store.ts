import type { UserRecord, UserStore } from '../../ports/user-store.js';
import { keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisScript } from './redis-script.js';
import { storeCall } from './store-call.js';

const KEEP_S = 400 * 86_400;

/** KEYS[1] the user; ARGV: handle, created, TTL in seconds. Answers since when it has been known. */
const REMEMBER = new RedisScript(`
redis.call('HSETNX', KEYS[1], 'created', ARGV[2])
redis.call('HSET', KEYS[1], 'handle', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {redis.call('HGET', KEYS[1], 'created')}
`);

/** Users in Redis. One that made no room for 400 days is forgotten. */
export class RedisUserStore implements UserStore {
  constructor(private readonly redis: RedisConnection) {}

  remember({ uid, handle, createdAtMs }: UserRecord): Promise<UserRecord> {
    return storeCall(async () => {
      const [created] = await this.redis.run(
        (client) => REMEMBER.run(client, [keys.user(uid)], [handle, createdAtMs, KEEP_S]),
        'user_remember',
      );
      return asUser(uid, { handle, created });
    });
  }

  find(uid: string): Promise<UserRecord | undefined> {
    return storeCall(async () => {
      const fields = await this.redis.run((client) => client.hgetall(keys.user(uid)), 'user_find');
      return Object.keys(fields).length === 0 ? undefined : asUser(uid, fields);
    });
  }
}

/** Throws unless the hash has both attributes in their form; further attributes are let be. */
function asUser(uid: string, fields: Readonly<Record<string, string | undefined>>): UserRecord {
  const { handle, created } = fields;
  if (handle === undefined || created === undefined || !/^\d{1,15}$/.test(created)) {
    throw new Error('a user in Redis lacks an attribute or has one of another form');
  }
  return { uid, handle, createdAtMs: Number(created) };
}
