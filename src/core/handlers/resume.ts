/** `join` with a claim to an earlier session: another socket goes on where the last one broke. */
import type { Ask, ResumeClaim } from '../../protocol/messages.js';
import type { Identity, RoomRecord } from '../../protocol/records.js';
import type { Context } from '../context.js';
import { passSeat, unseat } from '../membership.js';
import { sameSecret } from '../secret.js';
import type { Seat, Session } from '../session.js';
import { welcome } from '../welcome.js';

/**
 * True when the session goes on and nothing is missing. False when the claim does not hold, for whatever reason:
 * the peer then joins afresh, and learns only that. Synchronous: nobody can slip in between.
 */
export function resume(
  context: Context,
  session: Session,
  claim: ResumeClaim,
  identity: Identity,
  record: RoomRecord,
  ask: Ask,
): boolean {
  // The socket may have gone while its token was verified, and a deletion may have taken the room.
  if (!context.hub.sessions.has(session) || session.state.at === 'closed') return false;
  if (context.hub.isBuried(record.roomId)) return false;
  const old = find(context, claim, record);
  if (old === undefined || old === session) return false;
  const { state } = old;
  if ((state.at !== 'joined' && state.at !== 'detached') || state.quiet) return false;
  const { seat } = state;
  if (seat.identity.sub !== identity.sub || !isToken(seat, claim.token)) return false;
  if (!seat.mail.canResume(claim.count)) return false;
  unseat(context, session, 'left');
  passSeat(context, old, session, seat);
  old.sink.close('replaced');
  seat.previousToken = claim.token;
  seat.resumeToken = context.ids.name();
  session.strikes = 0;
  session.sink.send(welcome(context, session, seat, record, true), ask);
  seat.mail.resume(session.sink, claim.count);
  return true;
}

function isToken({ resumeToken, previousToken }: Seat, token: string): boolean {
  return sameSecret(resumeToken, token) || (previousToken !== undefined && sameSecret(previousToken, token));
}

function find(context: Context, claim: ResumeClaim, record: RoomRecord): Session | undefined {
  for (const member of context.hub.room(record.roomId)?.members.values() ?? []) {
    if (member.id === claim.sessionId) return member;
  }
  return undefined;
}
