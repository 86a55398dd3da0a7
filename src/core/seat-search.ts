/** Seats on all nodes; those of this one when the presence does not answer. */
import type { PeerId, RoomId } from '../protocol/ids.js';
import type { SeatRecord } from '../protocol/records.js';
import type { Context } from './context.js';

/** Where peers of that name sit, or last sat: the newest first. */
export async function seatsNamed(context: Context, peerId: PeerId): Promise<readonly SeatRecord[]> {
  const { hub, presence, ledger } = context;
  const here = hub.seatsOf(peerId).map((seat) => ledger.record(seat));
  const known = new Set(here.map(({ roomId }) => roomId));
  const elsewhere = await orNone(context, async () => {
    const rooms = (await presence.roomsOf(peerId)).filter((roomId) => !known.has(roomId));
    const views = await Promise.all(rooms.map((roomId) => presence.view(roomId)));
    return views.flatMap(({ seats }) => seats.filter((seat) => seat.peerId === peerId));
  });
  return [...here, ...elsewhere].sort((a, b) => b.generation - a.generation);
}

export async function seatsIn(context: Context, roomId: RoomId): Promise<readonly SeatRecord[]> {
  const { hub, presence, ledger } = context;
  const here = [...(hub.room(roomId)?.members.values() ?? [])].flatMap(({ state }) =>
    'seat' in state ? [ledger.record(state.seat)] : [],
  );
  // What the presence says of this node's own seats may be older than what this node knows.
  const elsewhere = await orNone(context, async () => {
    const { seats } = await presence.view(roomId);
    return seats.filter(({ nodeId }) => nodeId !== presence.nodeId);
  });
  return [...here, ...elsewhere];
}

async function orNone(
  { logger }: Context,
  ask: () => Promise<readonly SeatRecord[]>,
): Promise<readonly SeatRecord[]> {
  try {
    return await ask();
  } catch (error) {
    logger.warn('presence_not_read', { error });
    return [];
  }
}
