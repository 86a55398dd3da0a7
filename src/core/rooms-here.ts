import type { RoomId } from '../protocol/ids.js';
import type { RoomMode } from '../protocol/records.js';
import type { Hub } from './hub.js';

/** A room for who looks after this node. */
export interface RoomHere {
  readonly roomId: RoomId;
  readonly mode: RoomMode;
  /** Peers on this node, and on others. */
  readonly here: number;
  readonly elsewhere: number;
}

/** The rooms with most peers, `most` of them; names that are only kept are nobody. */
export function roomsHere(hub: Hub, most: number): readonly RoomHere[] {
  const rooms: RoomHere[] = [];
  for (const { id, mode, liveCount, remotes } of hub.rooms()) {
    let elsewhere = 0;
    for (const { seat } of remotes.values()) if (seat.standing !== 'kept') elsewhere += 1;
    if (liveCount + elsewhere > 0) {
      rooms.push({ roomId: id, mode: mode ?? 'P2P', here: liveCount, elsewhere });
    }
  }
  return rooms.sort((a, b) => b.here + b.elsewhere - a.here - a.elsewhere).slice(0, most);
}
