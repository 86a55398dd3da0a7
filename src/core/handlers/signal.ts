/** `signal` and `message`: the relay path. Synchronous from frame to outbox, no promise, no log line, no copy. */
import { SignalingError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import type { Ask, CommandOf, SignalEvent } from '../../protocol/messages.js';
import type { Context } from '../context.js';
import type { Receipt } from '../mailbox.js';
import { refuse } from '../refusal.js';
import type { Seat, Session } from '../session.js';

export function signal(
  context: Context,
  session: Session,
  seat: Seat,
  command: CommandOf<'signal'>,
  ask: Ask,
): void {
  if (command.from !== undefined && command.from !== seat.peerId) {
    refuseForged(context, session, seat, ask);
    return;
  }
  const { to } = command;
  // A parity peer's signal is one that the Python server would have forwarded, or none.
  if (session.state.quiet && (command.frame?.isSigned !== true || to === undefined)) {
    refuse(context, session, new SignalingError('MISSING_FIELDS'), ask);
    return;
  }
  const event = isSigned(command) ? command : { ...command, from: seat.peerId };
  if (isRepeated(session, seat, ask)) return;
  const receipt = receiptFor(session, seat, ask, to !== undefined);
  if (to === undefined) {
    broadcast(context, session, seat, event, receipt);
  } else {
    if (seat.room.members.get(to)?.tell(event, undefined, receipt) !== true) {
      refuseMissing(context, session, to, ask);
      return;
    }
    context.tally.signals_relayed += 1;
  }
  if (receipt !== undefined) accept(session, seat, ask);
}

/** What a full session sends again under the same id is answered again, and goes no further. */
function isRepeated(session: Session, seat: Seat, ask: Ask): boolean {
  return ask.id !== undefined && !session.state.quiet && seat.mail.isRepeated(ask);
}

function receiptFor(session: Session, seat: Seat, ask: Ask, isAwaited: boolean): Receipt | undefined {
  return ask.id === undefined || session.state.quiet ? undefined : { sender: seat.mail, ask, isAwaited };
}

function accept(session: Session, seat: Seat, ask: Ask): void {
  seat.mail.remember(ask);
  session.tell({ type: 'accepted' }, ask);
}

function isSigned(command: CommandOf<'signal'>): command is SignalEvent {
  return command.from !== undefined;
}

function broadcast(
  context: Context,
  session: Session,
  seat: Seat,
  event: SignalEvent,
  receipt: Receipt | undefined,
): void {
  for (const member of seat.room.members.values()) {
    if (member !== session && member.tell(event, undefined, receipt)) context.tally.signals_relayed += 1;
  }
}

export function message(
  context: Context,
  session: Session,
  seat: Seat,
  command: CommandOf<'message'>,
  ask: Ask,
): void {
  if (command.from !== seat.peerId) {
    refuseForged(context, session, seat, ask);
    return;
  }
  if (isRepeated(session, seat, ask)) return;
  const receipt = receiptFor(session, seat, ask, true);
  if (seat.room.members.get(command.to)?.tell(command, undefined, receipt) !== true) {
    refuseMissing(context, session, command.to, ask);
    return;
  }
  context.tally.messages_relayed += 1;
  if (receipt !== undefined) accept(session, seat, ask);
}

/** D1: the sender is the peer of this socket, or the frame goes nowhere. */
export function refuseForged(context: Context, session: Session, seat: Seat, ask: Ask): void {
  context.tally.senders_forged += 1;
  refuse(
    context,
    session,
    new SignalingError('SENDER_MISMATCH', `The sender must be this socket's own peer: ${seat.peerId}.`),
    ask,
  );
}

function refuseMissing(context: Context, session: Session, to: PeerId, ask: Ask): void {
  const shown = to.length > 64 ? `${to.slice(0, 64)}…` : to;
  refuse(
    context,
    session,
    new SignalingError('PEER_NOT_FOUND', `No peer ${shown} in this room just now.`),
    ask,
  );
}
