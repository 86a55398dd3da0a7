/** `signal` and `message`: the relay path. Synchronous from frame to outbox, no promise, no log line, no copy. */
import { SignalingError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import type { Ask, CommandOf, Relayed, SignalEvent } from '../../protocol/messages.js';
import { isBarred } from '../cluster/bar.js';
import { framed } from '../cluster/frames.js';
import type { Context } from '../context.js';
import { isUnnamed } from '../names.js';
import { note } from '../note.js';
import { nobodyThere, notHost, notReached, refuse } from '../refusal.js';
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
  if (command.isHostOnly === true && seat.room.host !== seat.peerId) {
    refuse(context, session, notHost(seat), ask);
    return;
  }
  const event = isSigned(command) ? command : { ...command, from: seat.peerId };
  if (ask.id !== undefined && !session.state.quiet) sendKnown(context, session, seat, event, to, ask, ask.id);
  else if (to === undefined) context.tally.signals_relayed += context.relay.broadcast(seat, event, undefined);
  else if (command.orUnnamed === true && !isKnown(seat, to))
    passToUnnamed(context, session, seat, event, to, ask);
  else if (pass(context, session, seat, event, to, ask)) context.tally.signals_relayed += 1;
}

function isKnown({ room }: Seat, to: PeerId): boolean {
  return room.members.has(to) || room.remotes.has(to);
}

/** It may be for one who has not said its name yet: S2's server told everybody, and each looked whether it was meant. */
function passToUnnamed(
  context: Context,
  session: Session,
  seat: Seat,
  event: SignalEvent,
  to: PeerId,
  ask: Ask,
): void {
  let hasPassed = false;
  for (const peerId of namelessIn(seat)) {
    const outcome = context.relay.pass(seat, peerId, event);
    hasPassed ||= outcome === 'told' || outcome === 'sent';
    if (outcome === 'told') context.tally.signals_relayed += 1;
  }
  if (!hasPassed) refuse(context, session, nobodyThere(to), ask);
}

/** Parity peers may go by such a name, but have said it. */
function namelessIn({ room, peerId: own }: Seat): PeerId[] {
  const here = [...room.members].filter(([, { state }]) => 'seat' in state && state.seat.isNameless);
  const there = [...room.remotes].filter(([peerId, { seat }]) => isUnnamed(peerId) && !seat.isQuiet);
  return [...here, ...there].map(([peerId]) => peerId).filter((peerId) => peerId !== own);
}

function isSigned(command: CommandOf<'signal'>): command is SignalEvent {
  return command.from !== undefined;
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
  const { to } = command;
  if (ask.id !== undefined && !session.state.quiet) {
    sendKnown(context, session, seat, command, to, ask, ask.id);
  } else if (pass(context, session, seat, command, to, ask)) {
    context.tally.messages_relayed += 1;
  }
}

/** True when the peer was told, here. */
function pass(context: Context, session: Session, seat: Seat, event: Relayed, to: PeerId, ask: Ask): boolean {
  const outcome = context.relay.pass(seat, to, event);
  if (outcome === 'missing') refuse(context, session, nobodyThere(to), ask);
  else if (outcome === 'stalled') refuse(context, session, notReached(to), ask);
  return outcome === 'told';
}

/** A message with an id: it goes on once, however often it is sent, and its sender is told what became of it. */
function sendKnown(
  context: Context,
  session: Session,
  seat: Seat,
  asked: Relayed,
  to: PeerId | undefined,
  ask: Ask,
  id: string,
): void {
  const { custody, relay, tally } = context;
  const known = seat.mail.sent.get(id);
  if (known !== undefined) {
    if (known.isAccepted) session.tell({ type: 'accepted' }, ask);
    if (known.isDelivered) session.tell({ type: 'delivered' }, ask);
    // The receiver's mailbox knows.
    else if (known.isAccepted && known.isDoubtful) custody.send(seat, known);
    return;
  }
  if (to !== undefined && isBarred(context.clock, seat, to, id)) {
    refuse(context, session, notReached(to), ask);
    return;
  }
  // What cannot be written throws here, before anything is remembered of it.
  const event = framed(asked, session);
  const sent = {
    id,
    ask,
    to,
    event: to === undefined ? undefined : event,
    order: relay.nextOrder(),
    isAccepted: to === undefined,
    isPlaced: false,
    isDelivered: false,
    isDoubtful: false,
    parcel: undefined,
    sentAtMs: context.clock.now(),
  };
  seat.mail.sent.add(sent);
  if (to !== undefined) {
    custody.send(seat, sent);
    return;
  }
  tally.signals_relayed += relay.broadcast(seat, event, id);
  session.tell({ type: 'accepted' }, ask);
}

/** D1: the sender is the peer of this socket, or the frame goes nowhere. */
export function refuseForged(context: Context, session: Session, seat: Seat, ask: Ask): void {
  context.tally.senders_forged += 1;
  note(context, 'sender_forged', session);
  refuse(
    context,
    session,
    new SignalingError('SENDER_MISMATCH', `The sender must be this socket's own peer: ${seat.peerId}.`),
    ask,
  );
}
