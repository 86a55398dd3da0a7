import type { Event } from '../protocol/messages.js';
import type { Context } from './context.js';
import { hostOf, roster } from './membership.js';
import type { Seat, Session } from './session.js';

/** S1: every 10 s, for a presence that lasts 30 s. */
const heartbeatMs = 10_000;

/** What a peer is told when it has its seat. It is the one frame that is not counted: the count begins after it. */
export function welcome(context: Context, session: Session, seat: Seat, resumed: boolean): Event {
  const { record } = seat.room;
  return {
    type: 'joined',
    roomId: record.roomId,
    roomToken: record.token,
    self: seat.card,
    sessionId: session.id,
    resumeToken: seat.resumeToken,
    resumed,
    graceMs: context.graceMs,
    heartbeatMs,
    // Parity replies carry no roster: it is not collected for them.
    peers: session.state.quiet ? [] : roster(seat.room, session),
    host: hostOf(seat.room, seat.peerId),
    limits: context.limits,
  };
}
