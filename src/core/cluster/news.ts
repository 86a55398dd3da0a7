/** What the members here are told of peers on other nodes. */
import type { PeerId } from '../../protocol/ids.js';
import type { Event, LeaveReason } from '../../protocol/messages.js';
import type { ModeReason, RoomMode, SeatRecord } from '../../protocol/records.js';
import type { Kick } from '../../ports/presence.js';
import { announce, joined } from '../membership.js';
import type { Room } from '../room.js';
import type { Session } from '../session.js';

export function tellJoined(room: Room<Session>, seat: SeatRecord): void {
  if (seat.standing !== 'kept') announce(room, joined(seat));
}

export function tellLeft(room: Room<Session>, { standing, peerId }: SeatRecord, reason: LeaveReason): void {
  if (standing !== 'kept') announce(room, { type: 'peer_left', peerId, reason });
}

/** Behind `peer_left`, for dialects that speak of who did it. */
export function tellKicked(room: Room<Session>, kick: Kick): void {
  const event: Event = { type: 'peer_kicked', peerId: kick.peerId, by: kick.by, reason: kick.reason };
  announce(room, event, deafToItself(room.members.get(kick.by)));
}

/** Somebody else decides from now on. */
export function tellHost(room: Room<Session>, host: PeerId | undefined): void {
  const from = room.host;
  room.host = host;
  // The first one is in everybody's roster.
  if (host === undefined || from === undefined || host === from) return;
  const event: Event = { type: 'host_changed', host, from };
  const giver = room.handovers.get(host);
  // Whatever was under way is overtaken by this.
  room.handovers.clear();
  const arrival = room.arriving.get(host);
  if (arrival === undefined || room.members.has(host)) {
    announce(room, event, deafToItself(giver));
    return;
  }
  // Nobody has been told of its arrival yet; it has it in its roster.
  arrival.letters.push(() => {
    if (room.host === host) announce(room, event, room.members.get(host));
  });
}

/**
 * How the room's media goes from now on, if that is known. The news with the reason may have been missed: then it is
 * told as a change by the host. Returns whether anything changed.
 */
export function tellMode(
  room: Room<Session>,
  {
    mode,
    reason,
    by,
  }: { readonly mode: RoomMode | undefined; readonly reason?: ModeReason; readonly by?: PeerId },
): boolean {
  const before = room.mode;
  if (mode === undefined || before === mode) return false;
  room.mode = mode;
  // The first one is in everybody's welcome.
  if (before !== undefined) announce(room, { type: 'mode_changed', mode, reason: reason ?? 'host', by });
  return true;
}

/** S2's clients are not told of what they did themselves. */
function deafToItself(doer: Session | undefined): Session | undefined {
  return doer?.sink.hearsItself === false ? doer : undefined;
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
