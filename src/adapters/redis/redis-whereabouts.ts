import type { NodeId, PeerId, RoomId } from '../../protocol/ids.js';
import type { Logger } from '../../ports/runtime.js';
import { keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisScript } from './redis-script.js';

/** Keys that are in use are kept for so long at least. */
const FLOOR_S = 3600;
const COMPLAIN_MS = 60_000;

/** [N8] KEYS: user's nodes, disconnecting. ARGV: room, node, until when (unix s). */
const SEATED = new RedisScript(`
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIREAT', KEYS[1], ARGV[3], 'NX')
redis.call('EXPIREAT', KEYS[1], ARGV[3], 'GT')
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return {}
`);

/** [N8] KEYS: user's nodes, disconnecting. ARGV: room, node. Nothing is removed that another seat has written since. */
const ENDED = new RedisScript(`
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return {}
`);

/** [N8] KEYS: disconnecting. ARGV: room. */
const BACK = new RedisScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return {}
`);

/**
 * Where peers and nodes are to be found: keys apart from their rooms, in other slots of a cluster. They are written
 * beside the steps of the rooms and say where to look, not what is.
 */
export class RedisWhereabouts {
  /** Rooms in which this node may have seats, and until when they are noted so. */
  private readonly noted = new Map<RoomId, number>();
  /** The same, of a time before Redis was lost and found again: it may have forgotten them. */
  private readonly doubtful = new Map<RoomId, number>();
  private complainedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly redis: RedisConnection,
    private readonly nodeId: NodeId,
    private readonly logger: Logger,
  ) {}

  isNoted(roomId: RoomId, untilS: number): boolean {
    return (this.noted.get(roomId) ?? 0) >= untilS;
  }

  /** Before the first seat: nobody would find what is not noted when this node is dead. */
  async note(rooms: readonly RoomId[], untilS: number): Promise<void> {
    if (rooms.length === 0) return;
    const key = keys.nodeRooms(this.nodeId);
    await this.redis.run(
      (client) =>
        Promise.all([
          client.zadd(key, 'GT', ...rooms.flatMap((roomId) => [untilS, roomId])),
          client.expireat(key, untilS, 'NX'),
          client.expireat(key, untilS, 'GT'),
        ]),
      'whereabouts',
    );
    for (const roomId of rooms) this.noted.set(roomId, Math.max(untilS, this.noted.get(roomId) ?? 0));
  }

  /** Redis may have lost what this node wrote. */
  doubt(): void {
    for (const [roomId, untilS] of this.noted) this.doubtful.set(roomId, untilS);
    this.noted.clear();
  }

  isDoubtful(roomId: RoomId): boolean {
    return this.doubtful.has(roomId);
  }

  /** The room was reconciled. */
  trust(roomId: RoomId): void {
    this.doubtful.delete(roomId);
  }

  /** Strikes off what is long over. */
  async tidy(): Promise<void> {
    const nowS = Math.floor(Date.now() / 1000);
    for (const rooms of [this.noted, this.doubtful])
      for (const [roomId, untilS] of rooms) if (untilS < nowS) rooms.delete(roomId);
    await this.aside((client) => client.zremrangebyscore(keys.nodeRooms(this.nodeId), '-inf', `(${nowS}`));
  }

  roomsOfNode(nodeId: NodeId): Promise<string[]> {
    return this.redis.run((client) => client.zrange(keys.nodeRooms(nodeId), 0, -1), 'whereabouts');
  }

  roomsOfPeer(peerId: PeerId): Promise<string[]> {
    return this.redis.run((client) => client.hkeys(keys.userNode(peerId)), 'whereabouts');
  }

  seated(roomId: RoomId, peerId: PeerId, untilS: number): Promise<void> {
    const names = [keys.userNode(peerId), keys.disconnecting(peerId)];
    return this.aside((client) => SEATED.run(client, names, [roomId, this.nodeId, untilS]));
  }

  ended(roomId: RoomId, peerId: PeerId, nodeId: string): Promise<void> {
    const names = [keys.userNode(peerId), keys.disconnecting(peerId)];
    return this.aside((client) => ENDED.run(client, names, [roomId, nodeId]));
  }

  away(roomId: RoomId, peerId: PeerId, graceMs: number): Promise<void> {
    if (graceMs <= 0) return Promise.resolve();
    return this.aside((client) => client.set(keys.disconnecting(peerId), roomId, 'PX', graceMs));
  }

  back(roomId: RoomId, peerId: PeerId): Promise<void> {
    return this.aside((client) => BACK.run(client, [keys.disconnecting(peerId)], [roomId]));
  }

  /** Resolves in any case: the step that it stands beside is done. */
  private async aside(call: Parameters<RedisConnection['run']>[0]): Promise<void> {
    try {
      await this.redis.run(call, 'whereabouts');
    } catch (error) {
      if (performance.now() < this.complainedAtMs + COMPLAIN_MS) return;
      this.complainedAtMs = performance.now();
      this.logger.warn('redis_whereabouts_not_written', { redis: this.redis.name, error });
    }
  }
}

/** When a room's keys may be forgotten: an hour after its end, and not within an hour from now. */
export function keepUntil(expiresAtS = 0): number {
  return Math.max(expiresAtS, Math.ceil(Date.now() / 1000)) + FLOOR_S;
}
