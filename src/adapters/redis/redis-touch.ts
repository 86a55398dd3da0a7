import type { NodeId, RoomId } from '../../protocol/ids.js';
import type { SeatRecord } from '../../protocol/records.js';
import { keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';

const PRESENCE_S = 30;
/** A room that is used is not forgotten within this time. */
const FLOOR_S = 3600;
/** Between rounds others have their turn. */
const SEATS_PER_ROUND = 200;
const ROOMS_PER_ROUND = 20;

type Touched = Pick<SeatRecord, 'roomId' | 'peerId'>;

/** Says of peers that they live, many in one round; in a cluster each room apart, because rooms have slots. */
export async function touchRooms(
  redis: RedisConnection,
  nodeId: NodeId,
  seats: readonly Touched[],
): Promise<void> {
  const rounds =
    redis.shards === undefined
      ? slices(seats, SEATS_PER_ROUND).map((round) => [round])
      : slices([...byRoom(seats).values()], ROOMS_PER_ROUND);
  for (const round of rounds) await Promise.all(round.map((some) => touch(redis, nodeId, some)));
}

async function touch(redis: RedisConnection, nodeId: NodeId, seats: readonly Touched[]): Promise<void> {
  await redis.run(async (client) => {
    const pipeline = client.pipeline();
    for (const { roomId, peerId } of seats)
      pipeline.set(keys.presence(roomId, peerId), nodeId, 'EX', PRESENCE_S);
    for (const roomId of byRoom(seats).keys()) {
      pipeline.expire(keys.seats(roomId), FLOOR_S, 'GT');
      pipeline.expire(keys.nodes(roomId), FLOOR_S, 'GT');
    }
    for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
  }, 'touch');
}

function byRoom(seats: readonly Touched[]): Map<RoomId, Touched[]> {
  const rooms = new Map<RoomId, Touched[]>();
  for (const seat of seats) {
    const others = rooms.get(seat.roomId);
    if (others === undefined) rooms.set(seat.roomId, [seat]);
    else others.push(seat);
  }
  return rooms;
}

function slices<Item>(items: readonly Item[], size: number): (readonly Item[])[] {
  const rounds: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += size) rounds.push(items.slice(at, at + size));
  return rounds;
}
