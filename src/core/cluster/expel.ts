import type { Kick } from '../../ports/presence.js';
import type { Context } from '../context.js';
import { announce, isPresent, vacate } from '../membership.js';
import { note } from '../note.js';
import type { Room } from '../room.js';
import type { Session } from '../session.js';
import { tellKicked } from './news.js';

/** A close frame's reason has at most 123 bytes (RFC 6455 section 5.5). */
const maxReasonBytes = 123;

/** A session of this node has lost its seat, by word of a node: its room is deleted, or its host has removed it. */
export function expel(
  context: Context,
  room: Room<Session>,
  local: Session,
  reason: 'deleted' | 'kicked',
  kick: Kick | undefined,
): void {
  const { state } = local;
  if (!('seat' in state)) return;
  const { seat } = state;
  const { peerId } = seat;
  const wasPresent = isPresent(local);
  if (!state.quiet && kick === undefined)
    local.tell({ type: 'room_closed', roomId: room.id, reason: 'deleted' });
  if (!state.quiet && kick !== undefined) {
    local.tell({ type: 'kicked', by: kick.by, reason: kick.reason });
    // For dialects that have no word of their own for it.
    local.tell({ type: 'peer_kicked', peerId, by: kick.by, reason: kick.reason });
  }
  if (wasPresent) note(context, 'left', local, { code: reason });
  // The room must outlive its last local member until this is told.
  room.pins += 1;
  vacate(context, local);
  if (kick !== undefined) local.sink.close('kicked', closeText(kick.reason));
  else if (local.isDoor) local.sink.close('no_such_room');
  if (wasPresent) announce(room, { type: 'peer_left', peerId, reason });
  if (wasPresent && kick !== undefined) tellKicked(room, kick);
  context.relay.gone(room, peerId);
  context.media.left(seat);
  context.chats.silence(seat);
  context.rosters.release(room);
}

function closeText(reason: string | undefined): string | undefined {
  return reason !== undefined && Buffer.byteLength(reason) <= maxReasonBytes ? reason : undefined;
}
