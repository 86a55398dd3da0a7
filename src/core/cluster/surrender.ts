import type { SeatRecord } from '../../protocol/records.js';
import type { Context } from '../context.js';
import { announce, isPresent, vacate } from '../membership.js';
import { note } from '../note.js';
import type { Room } from '../room.js';
import type { Session } from '../session.js';
import { tellJoined } from './news.js';

/** A session of this node is another node's now, or its name is another session's. */
export function surrender(context: Context, room: Room<Session>, local: Session, seat: SeatRecord): void {
  const { peerId } = seat;
  const { tally, logger, relay } = context;
  const isSameSession = local.id === seat.sessionId;
  const wasPresent = isPresent(local);
  const wasAway = local.state.at === 'detached';
  if (local.state.at === 'joined') {
    tally.takeovers += 1;
    logger.info('replaced', { session: local.id, by: seat.sessionId });
    note(context, 'taken_over', local);
  }
  // The room must outlive its last local member until this is told.
  room.pins += 1;
  const before = 'seat' in local.state ? local.state.seat : undefined;
  vacate(context, local);
  local.sink.close('replaced');
  if (isSameSession) relay.follow(room, seat, before?.missed ?? []);
  else if (before !== undefined) context.media.left(before);
  room.remotes.set(peerId, { seat, epoch: room.epoch });
  if (!isSameSession) {
    if (wasPresent) announce(room, { type: 'peer_left', peerId, reason: 'replaced' });
    tellJoined(room, seat);
  } else if (wasAway && seat.standing === 'here') {
    announce(room, { type: 'peer_resumed', peerId });
  }
  relay.reroute(room, peerId, { isSameSession });
  context.rosters.release(room);
}
