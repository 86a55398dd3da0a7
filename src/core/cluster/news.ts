/** What the members here are told of peers on other nodes. */
import type { LeaveReason } from '../../protocol/messages.js';
import type { SeatRecord } from '../../protocol/records.js';
import { announce } from '../membership.js';
import type { Room } from '../room.js';
import type { Session } from '../session.js';

export function tellJoined(room: Room<Session>, { standing, card }: SeatRecord): void {
  if (standing !== 'kept') announce(room, { type: 'peer_joined', peer: card });
}

export function tellLeft(room: Room<Session>, { standing, peerId }: SeatRecord, reason: LeaveReason): void {
  if (standing !== 'kept') announce(room, { type: 'peer_left', peerId, reason });
}

export function tellChange(room: Room<Session>, old: SeatRecord, seat: SeatRecord): void {
  if (old.standing === seat.standing) return;
  const { peerId } = seat;
  if (seat.standing === 'kept') tellLeft(room, old, 'disconnected');
  else if (old.standing === 'kept') tellJoined(room, seat);
  else announce(room, { type: seat.standing === 'away' ? 'peer_disconnecting' : 'peer_resumed', peerId });
}

/** The note of a move says what the session took along: from each node the number of the last letter. */
export function heardOf(note: string | undefined, self: string): number | undefined {
  if (note === undefined) return undefined;
  const heard: unknown = JSON.parse(note);
  if (typeof heard !== 'object' || heard === null) return undefined;
  const seq: unknown = Reflect.get(heard, self);
  // It heard nothing of us: then nothing was taken along.
  return typeof seq === 'number' ? seq : 0;
}
