import type { IceConfig } from '../protocol/ice.js';
import type { Event } from '../protocol/messages.js';
import type { Context } from './context.js';
import { rosterFor } from './membership.js';
import { recordedMode } from './room-mode.js';
import type { Seat, Session } from './session.js';

/** A parity peer is not told of any. */
const noIce: IceConfig = { servers: [], transportPolicy: 'all' };

/** S1: every 10 s, for a presence that lasts 30 s. */
const heartbeatMs = 10_000;

/**
 * What a peer is told when it has its seat. It is the one frame that is not counted: the count begins after it.
 * `resumed`: of how many frames the peer has had it goes on.
 */
export function welcome(
  context: Context,
  session: Session,
  seat: Seat,
  resumed: { readonly count: number } | 'afresh',
  shownToken?: string,
): Event {
  const { record, host } = seat.room;
  const isQuiet = session.state.quiet;
  return {
    type: 'joined',
    roomId: record.roomId,
    // An open room's is not asked for, so whatever was shown is quoted, and nobody learns it.
    roomToken: record.isOpen === true ? (shownToken ?? '') : record.token,
    self: seat.card,
    sessionId: session.id,
    resumeToken: seat.resumeToken,
    resumed: resumed !== 'afresh',
    missed: resumed === 'afresh' ? 0 : seat.mail.missedAfter(resumed.count),
    graceMs: context.graceMs,
    heartbeatMs,
    // Parity replies carry no roster: it is not collected for them.
    peers: isQuiet ? [] : rosterFor(seat),
    host: host ?? seat.peerId,
    limits: context.limits,
    mode: seat.room.mode ?? recordedMode(context, record),
    mediaEpoch: isQuiet ? undefined : context.media.epochOf(seat.room),
    ice: isQuiet ? noIce : context.ice.configFor(seat.identity.sub),
  };
}
