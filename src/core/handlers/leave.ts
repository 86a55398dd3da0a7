import type { Ask, CommandOf } from '../../protocol/messages.js';
import type { Context } from '../context.js';
import { unseat } from '../membership.js';
import type { Seat, Session } from '../session.js';

/** Gives the seat up. The socket stays open and may join again. */
export function leave(
  context: Context,
  session: Session,
  _seat: Seat,
  _command: CommandOf<'leave'>,
  ask: Ask,
): void {
  unseat(context, session, 'left');
  session.sink.send({ type: 'left' }, ask);
}

/** Answers, so that the client knows the way is open in both directions. */
export function heartbeat(
  _context: Context,
  session: Session,
  _seat: Seat,
  _command: CommandOf<'heartbeat'>,
  ask: Ask,
): void {
  session.sink.send({ type: 'heartbeat_ack' }, ask);
}

/** Lets go of what was kept for a resume. This version keeps nothing: a session ends with its socket. */
export function ack(): void {
  // A client that counts frames is right to say so; there is nothing to let go of.
}
