import type { RoomView } from '../../ports/presence.js';
import type { SeatRecord } from '../../protocol/records.js';
import type { Context } from '../context.js';
import type { Room } from '../room.js';
import type { Session } from '../session.js';

/** Reads a room, and writes into it what this node knows better: its own seats, and what a lost memory has forgotten. */
export function reconcile({ presence, ledger }: Context, room: Room<Session>): Promise<RoomView> {
  const own = (): SeatRecord[] =>
    [...room.members.values()].flatMap(({ state }) => ('seat' in state ? [ledger.record(state.seat)] : []));
  const { createdBy, host, record, mode } = room;
  const known = mode === undefined ? {} : { mode };
  return presence.reconcile(room.id, own, { expiresAtS: record.expiresAtS, createdBy, host, ...known });
}
