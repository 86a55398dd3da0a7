import { SignalingError } from '../../protocol/errors.js';
import type { Ask, CommandOf } from '../../protocol/messages.js';
import type { Context } from '../context.js';
import { unseat } from '../membership.js';
import { refuse } from '../refusal.js';
import { spendPrevious } from '../resume-tokens.js';
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
  session.tell({ type: 'left' }, ask);
  if (session.isDoor) session.sink.close('normal');
}

/** Answers, so that the client knows the way is open in both directions. */
export function heartbeat(
  _context: Context,
  session: Session,
  _seat: Seat,
  _command: CommandOf<'heartbeat'>,
  ask: Ask,
): void {
  session.tell({ type: 'heartbeat_ack' }, ask);
}

/** Lets go of what the peer has, and tells those who wanted to know. */
export function ack(
  context: Context,
  session: Session,
  seat: Seat,
  command: CommandOf<'ack'>,
  ask: Ask,
): void {
  const receipts = seat.mail.acknowledge(command.count);
  if (receipts !== undefined) {
    spendPrevious(seat);
    context.custody.confirm(receipts);
    return;
  }
  const text = 'count is more than was sent since room_joined.';
  refuse(context, session, new SignalingError('INVALID_MESSAGE', text), ask);
}
