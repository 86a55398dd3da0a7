/** How a room's media goes, and what peers ask of the Media Service. */
import { SignalingError } from '../../protocol/errors.js';
import type { Ask, CommandOf } from '../../protocol/messages.js';
import type { Context } from '../context.js';
import { note } from '../note.js';
import { notHost, refuse } from '../refusal.js';
import { refusedMode, rememberMode } from '../room-mode.js';
import type { Seat, Session } from '../session.js';
import { refuseForged } from './signal.js';

export function media(
  context: Context,
  session: Session,
  seat: Seat,
  { request }: CommandOf<'media'>,
  ask: Ask,
): void {
  context.media.request(session, seat, request, ask);
}

/** By the host only; everybody hears of it by the change of the room. */
export async function setMode(
  context: Context,
  session: Session,
  seat: Seat,
  { by, mode }: CommandOf<'set_mode'>,
  ask: Ask,
): Promise<void> {
  if (by !== undefined && by !== seat.peerId) {
    refuseForged(context, session, seat, ask);
    return;
  }
  const refusal = refusedMode(context, mode);
  if (refusal !== undefined) {
    refuse(context, session, refusal, ask);
    return;
  }
  const { room, peerId, generation } = seat;
  try {
    const key = { roomId: room.id, peerId, generation };
    const outcome = await context.presence.setMode(room.id, mode, { by: key, reason: 'host' });
    if (outcome === 'not host') refuse(context, session, notHost(seat), ask);
    else if (ask.id !== undefined) session.tell({ type: 'accepted' }, ask);
    if (outcome !== 'done') return;
    context.tally.modes_changed += 1;
    note(context, 'mode_set', session, { code: mode });
    await rememberMode(context, room.id, mode);
  } catch (error) {
    if (!(error instanceof SignalingError)) throw error;
    context.logger.warn('mode_not_changed', { session: session.id, error: error.cause });
    refuse(context, session, error, ask);
  }
}
