import { asRoomId, type RoomId } from '../../protocol/ids.js';
import { waitingScripts } from './chat-lua.js';
import { keys } from './keys.js';
import type { RedisClient } from './redis-connection.js';
import { RedisScript } from './redis-script.js';

/** Spread over so many keys, and so over the nodes of a Redis Cluster. */
const PARTS = 16;

const LIST = new RedisScript(waitingScripts.list);
const LOOK = new RedisScript(waitingScripts.look);
const STRIKE = new RedisScript(waitingScripts.strike);

interface Listed {
  readonly key: string;
  readonly roomId: RoomId;
  readonly listedAt: string;
  readonly isOld: boolean;
}

/** [Q6] The list of rooms in which something may wait for the archive. */
export class RedisChatWaiting {
  /** To be called before something is said, each time. Resolves to Redis's time, ms. */
  async list(client: RedisClient, roomId: RoomId): Promise<number> {
    const [nowMs] = await LIST.run(client, [keyOf(roomId)], [roomId]);
    return Number(nowMs);
  }

  /** Some rooms, by chance, so that none that the archive does not take stands before the others for ever. */
  async rooms(client: RedisClient, limit: number): Promise<readonly RoomId[]> {
    const parts = await Promise.all(
      Array.from({ length: PARTS }, (_, part) => look(client, keys.chatWaiting(part), limit)),
    );
    const some = shuffled(parts.flat()).slice(0, limit);
    const counts = await Promise.all(some.map(({ roomId }) => client.zcard(keys.chatBuffer(roomId))));
    const isWaiting = (_: Listed, at: number): boolean => (counts[at] ?? 0) > 0;
    const done = some.filter((room, at) => room.isOld && !isWaiting(room, at));
    await Promise.all(done.map(({ key, roomId, listedAt }) => STRIKE.run(client, [key], [roomId, listedAt])));
    return some.filter(isWaiting).map(({ roomId }) => roomId);
  }
}

async function look(client: RedisClient, key: string, limit: number): Promise<readonly Listed[]> {
  const texts = await LOOK.run(client, [key], [limit]);
  const starts = texts.map((_, at) => at).filter((at) => at % 3 === 0);
  return starts.map((at) => ({
    key,
    roomId: asRoomId(texts[at] ?? ''),
    listedAt: texts[at + 1] ?? '',
    isOld: texts[at + 2] === '1',
  }));
}

function keyOf(roomId: RoomId): string {
  let sum = 0;
  for (const byte of Buffer.from(roomId)) sum = (sum * 31 + byte) % 65_521;
  return keys.chatWaiting(sum % PARTS);
}

function shuffled<Item>(items: readonly Item[]): readonly Item[] {
  const drawn = items.map((item) => ({ item, lot: Math.random() }));
  return drawn.sort((one, other) => one.lot - other.lot).map(({ item }) => item);
}
