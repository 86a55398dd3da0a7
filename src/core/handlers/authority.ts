/** What only the host of a room may do; whether it is the host is decided by the presence, in the same step. */
import { SignalingError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import type { Ask, CommandOf } from '../../protocol/messages.js';
import type { AuthorityOutcome } from '../../ports/presence.js';
import type { Context } from '../context.js';
import { isUnnamed } from '../names.js';
import { note } from '../note.js';
import { nobodyThere, notHost, refuse } from '../refusal.js';
import type { Seat, Session } from '../session.js';
import { refuseForged } from './signal.js';

/** Removes a peer from the room, on whichever node it is, and keeps it out for a while. */
export function kick(
  context: Context,
  session: Session,
  seat: Seat,
  { by, target, reason }: CommandOf<'kick'>,
  ask: Ask,
): Promise<void> {
  // Who removes another socket of its own must not shut itself out.
  const banMs = isOwn(seat, target) ? 0 : context.kickBanMs;
  const terms = { banMs, ...(reason === undefined ? {} : { reason }) };
  return decide(context, session, seat, { by, about: target, ask }, async () => {
    const outcome = await context.presence.kick(keyOf(seat), target, terms);
    if (outcome === 'done') {
      context.tally.kicks += 1;
      note(context, 'kicked', session, { target });
    }
    return outcome;
  });
}

export function transferHost(
  context: Context,
  session: Session,
  seat: Seat,
  { by, to }: CommandOf<'transfer_host'>,
  ask: Ask,
): Promise<void> {
  return decide(context, session, seat, { by, about: to, ask }, async () => {
    // It would be void as soon as that peer says its name.
    if (isUnnamed(to)) return 'absent';
    const { handovers } = seat.room;
    if (seat.room.host === seat.peerId) handovers.set(to, session);
    let outcome: AuthorityOutcome | undefined;
    try {
      outcome = await context.presence.transferHost(keyOf(seat), to);
    } finally {
      // The news of it may be still on its way.
      const isOver = outcome !== 'done' || seat.room.host === to;
      if (isOver && handovers.get(to) === session) handovers.delete(to);
    }
    if (outcome === 'done') {
      context.tally.hosts_changed += 1;
      note(context, 'host_transferred', session, { target: to });
    }
    return outcome;
  });
}

interface Request {
  readonly by: PeerId | undefined;
  readonly about: PeerId;
  readonly ask: Ask;
}

/** Everybody hears of what was done by the change of the room; the one who asked, that it was. */
async function decide(
  context: Context,
  session: Session,
  seat: Seat,
  { by, about, ask }: Request,
  run: () => Promise<AuthorityOutcome>,
): Promise<void> {
  if (by !== undefined && by !== seat.peerId) {
    refuseForged(context, session, seat, ask);
    return;
  }
  if (about === seat.peerId) {
    const text = 'You cannot do that to yourself: leave the room, or name another peer.';
    refuse(context, session, new SignalingError('INVALID_MESSAGE', text), ask);
    return;
  }
  try {
    const outcome = await run();
    if (outcome === 'not host') refuse(context, session, notHost(seat), ask);
    else if (outcome === 'absent') refuse(context, session, nobodyThere(about), ask);
    else if (ask.id !== undefined) session.tell({ type: 'accepted' }, ask);
  } catch (error) {
    if (!(error instanceof SignalingError)) throw error;
    context.logger.warn('authority_not_asked', { session: session.id, error: error.cause });
    refuse(context, session, error, ask);
  }
}

function isOwn({ room, identity }: Seat, target: PeerId): boolean {
  const state = room.members.get(target)?.state;
  const there = state !== undefined && 'seat' in state ? state.seat : room.remotes.get(target)?.seat;
  return there?.identity.sub === identity.sub;
}

function keyOf({ room, peerId, generation }: Seat): Parameters<Context['presence']['kick']>[0] {
  return { roomId: room.id, peerId, generation };
}
