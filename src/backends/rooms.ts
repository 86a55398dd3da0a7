/** Where rooms are. */
import { CachedRoomStore } from '../adapters/cached-room-store.js';
import { DynamoRoomStore } from '../adapters/dynamodb/dynamo-room-store.js';
import { DynamoUserStore } from '../adapters/dynamodb/dynamo-user-store.js';
import { InternalHttp } from '../adapters/http/internal-http.js';
import { RoomServiceStore } from '../adapters/http/room-service-store.js';
import { MemoryRoomCache } from '../adapters/memory/memory-room-cache.js';
import { MemoryRoomStore } from '../adapters/memory/memory-room-store.js';
import { MemoryUserStore } from '../adapters/memory/memory-user-store.js';
import type { RedisConnection } from '../adapters/redis/redis-connection.js';
import { RedisRoomCache } from '../adapters/redis/redis-room-cache.js';
import { RedisRoomStore } from '../adapters/redis/redis-room-store.js';
import { RedisUserStore } from '../adapters/redis/redis-user-store.js';
import type { Config } from '../config.js';
import type { RoomStore } from '../ports/room-store.js';
import type { UserStore } from '../ports/user-store.js';
import { nothingToClose, type Surroundings } from './surroundings.js';

/** A Room Service that is slower is one that does not answer. */
const serviceMs = 2_000;

interface Rooms {
  readonly store: RoomStore;
  readonly users: UserStore;
  readonly decision: string;
  readonly close: () => void;
}

export function chooseRooms(
  config: Config,
  surroundings: Surroundings,
  redis: RedisConnection | undefined,
): Rooms {
  const own = chooseOwn(config, surroundings, redis);
  const source = withService(config, surroundings, own);
  // What is in Redis already need not be remembered there; without Redis nobody tells what others have changed in DynamoDB.
  const isWorthIt = source !== own || (redis !== undefined && config.dynamo !== undefined);
  return isWorthIt && config.roomCacheS > 0 ? withCache(config, surroundings, source, redis) : source;
}

function chooseOwn(
  { dynamo }: Config,
  { clock, telemetry }: Surroundings,
  redis: RedisConnection | undefined,
): Rooms {
  if (dynamo !== undefined) {
    const store = new DynamoRoomStore({ ...dynamo, telemetry });
    const users = new DynamoUserStore({ ...dynamo, table: dynamo.usersTable, telemetry });
    const close = (): void => {
      store.close();
      users.close();
    };
    return { store, users, decision: `Rooms: DynamoDB table ${dynamo.table} in ${dynamo.region}.`, close };
  }
  if (redis !== undefined) {
    const [store, users] = [new RedisRoomStore(redis), new RedisUserStore(redis)];
    return { store, users, decision: `Rooms: ${redis.name}.`, close: nothingToClose };
  }
  const decision = 'Rooms: in this process only; they are gone when it stops.';
  return {
    store: new MemoryRoomStore(clock),
    users: new MemoryUserStore(),
    decision,
    close: nothingToClose,
  };
}

function withService(config: Config, { clock, telemetry }: Surroundings, own: Rooms): Rooms {
  const { roomServiceUrl: baseUrl, internalServiceKey: key, roomTtlMs } = config;
  if (baseUrl === undefined || key === undefined) return own;
  const service = new InternalHttp({
    baseUrl,
    key: key.reveal(),
    timeoutMs: serviceMs,
    traces: telemetry.traces,
  });
  const store = new RoomServiceStore({ ours: own.store, service, clock, roomTtlMs, telemetry });
  return { ...own, store, decision: `${own.decision} Others are asked of ${baseUrl}.` };
}

function withCache(
  { roomCacheS }: Config,
  { clock, logger }: Surroundings,
  own: Rooms,
  redis: RedisConnection | undefined,
): Rooms {
  const cache = redis === undefined ? new MemoryRoomCache(clock) : new RedisRoomCache(redis, clock, logger);
  const store = new CachedRoomStore({ source: own.store, cache, clock, logger, ttlMs: roomCacheS * 1000 });
  const close = (): void => {
    store.close();
    own.close();
  };
  return { ...own, store, close };
}
