/** `join` with a claim to an earlier session: another socket goes on where the last one broke. */
import { SignalingError } from '../../protocol/errors.js';
import type { Ask, ResumeClaim } from '../../protocol/messages.js';
import type { Identity } from '../../protocol/records.js';
import type { Context } from '../context.js';
import { passSeat, unseat } from '../membership.js';
import { hashToken, judgeToken, rotateToken } from '../resume-tokens.js';
import type { Room } from '../room.js';
import { familyOf, type Session } from '../session.js';
import { welcome } from '../welcome.js';

const beingMoved = 'Another node is taking this session over just now: send the same again in a moment.';

/**
 * True when the session goes on and nothing is missing. False when the claim does not hold, for whatever reason:
 * the peer then joins afresh, and learns only that. Throws when the session goes on elsewhere. Synchronous: nobody can slip in between.
 */
export function resume(
  context: Context,
  session: Session,
  claim: ResumeClaim,
  identity: Identity,
  room: Room<Session>,
  ask: Ask,
): boolean {
  // The socket may have gone while its token was verified, and a deletion may have taken the room.
  if (!context.hub.sessions.has(session) || session.state.at === 'closed') return false;
  if (context.hub.isBuried(room.id)) return false;
  const old = find(claim, room);
  if (old === undefined || old === session) return false;
  const { state } = old;
  if ((state.at !== 'joined' && state.at !== 'detached') || state.quiet) return false;
  // What is kept for it is written in another dialect.
  if (familyOf(old.sink) !== familyOf(session.sink)) return false;
  const { seat } = state;
  if (seat.identity.sub !== identity.sub) return false;
  const token = judgeToken(seat, hashToken(claim.token.reveal()));
  // A live session must not fall to a frame that was under way over a socket given up since.
  if (token === 'spent') throw new SignalingError('SESSION_SUPERSEDED');
  if (token === 'unknown') return false;
  if (!seat.mail.canResume(claim.count)) return false;
  if (seat.mail.isFrozen) throw new SignalingError('STORE_UNAVAILABLE', beingMoved);
  unseat(context, session, 'left');
  passSeat(old, session, seat);
  old.sink.close('replaced');
  rotateToken(seat, claim.token.reveal(), context.ids.name());
  session.strikes = 0;
  context.tally.metrics.families.resumes.add({ outcome: 'here' });
  context.tally.frames_replayed += seat.mail.missedAfter(claim.count);
  session.sink.send(welcome(context, session, seat, claim), ask);
  context.ledger.changed(seat);
  context.custody.confirm(seat.mail.resume(session.sink, claim.count));
  return true;
}

/** A claim came to nothing: its session begins afresh. Counts why, and what its peer has missed for good. */
export function noteGap(
  context: Context,
  claim: ResumeClaim,
  identity: Identity,
  room: Room<Session> | undefined,
): void {
  const { tally } = context;
  const state = room === undefined ? undefined : find(claim, room)?.state;
  const seat = state !== undefined && 'seat' in state ? state.seat : undefined;
  const isGap = seat?.identity.sub === identity.sub && !seat.mail.canResume(claim.count);
  tally.metrics.families.resumes.add({ outcome: isGap ? 'gap' : 'unknown' });
  if (isGap) tally.frames_missing += seat.mail.missedAfter(claim.count);
}

/** A claim was refused, and is not begun afresh. */
export function judgeFailure({ tally }: Context, error: unknown): void {
  const refusal = error instanceof SignalingError ? error : undefined;
  const isOver = refusal?.code === 'SESSION_SUPERSEDED';
  // Its room is gone, or is not this peer's.
  const isFinal = refusal?.retryable === false;
  const outcome = isOver ? 'superseded' : isFinal ? 'unknown' : 'undecided';
  tally.metrics.families.resumes.add({ outcome });
}

function find(claim: ResumeClaim, room: Room<Session>): Session | undefined {
  for (const member of room.members.values()) {
    if (member.id === claim.sessionId) return member;
  }
  return undefined;
}
