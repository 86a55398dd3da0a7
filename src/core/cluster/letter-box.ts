/** What comes from other nodes, letter by letter. */
import type { Letter } from '../../protocol/envelope.js';
import { readQuestion, type HandoverQuestion } from '../../protocol/handover.js';
import {
  readDelivered,
  readMediaHint,
  readRefused,
  readRelay,
  readReturned,
  writeDelivered,
  writeRefused,
  writeReturned,
} from '../../protocol/letters.js';
import type { PeerId } from '../../protocol/ids.js';
import type { Receipt, Relayed } from '../../protocol/messages.js';
import type { Context } from '../context.js';
import { owned } from '../owned.js';
import type { Room } from '../room.js';
import type { Session } from '../session.js';
import { keepForMove } from './frames.js';
import { handOver } from './handover.js';
import type { Link } from './link.js';
import { isHeldHere } from './name-holder.js';

/** Its sender's node sends it again within this time, or has refused it and what was behind it. */
const turnedAwayMs = 1_000;

/** More than this does not wait for one who is about to sit down. */
const maxArriving = 256;

/** Handles one letter. Throws for one that is malformed. */
export function open(context: Context, from: Link, letter: Letter, seq: number): void {
  switch (letter.kind) {
    case 'signal':
    case 'message':
      relayed(context, from, letter, seq);
      return;
    case 'delivered':
      delivered(context, letter);
      return;
    case 'returned':
      takeBack(from, readReturned(letter), (cargo) => {
        context.relay.returned(cargo);
      });
      return;
    case 'refused':
      takeBack(from, readRefused(letter), (cargo) => {
        context.custody.refused(cargo);
      });
      return;
    case 'ask':
      asked(context, from, letter);
      return;
    case 'media':
      context.media.look(readMediaHint(letter));
      return;
    case 'answer':
    case 'void':
  }
}

function relayed(context: Context, from: Link, letter: Letter, seq: number): void {
  const { roomId, event, receipt, only } = readRelay(letter);
  const room = context.hub.room(roomId);
  // The sender is told as soon as it may be.
  if (receipt !== undefined) from.ackSoon();
  if (event.to === undefined) {
    // Sent after a session that has moved here, and may be about to sit down.
    const arrival = only === undefined ? undefined : room?.arriving.get(only);
    if (arrival !== undefined && arrival.letters.length < maxArriving) {
      arrival.letters.push(() => {
        relayed(context, from, letter, seq);
      });
      return;
    }
    // Read again with bytes of its own, so that those who keep it share them.
    const shared = readRelay({ ...letter, body: owned(letter.body) }).event;
    for (const member of room?.members.values() ?? []) {
      if (only !== undefined && room?.members.get(only) !== member) continue;
      if (receipt !== undefined) keepForMove(member, shared, receipt);
      tell(member, shared, receipt);
    }
    return;
  }
  if (room === undefined) {
    from.send(writeReturned(seq));
    return;
  }
  // It may have said its name since the letter left.
  const isThere = only !== undefined && (room.members.has(only) || room.arriving.has(only));
  const to = isThere ? only : event.to;
  const arriving = room.arriving.get(to);
  if (arriving !== undefined && arriving.letters.length < maxArriving) {
    arriving.letters.push(() => {
      relayed(context, from, letter, seq);
    });
    return;
  }
  const member = arriving === undefined ? room.members.get(to) : undefined;
  if (mustWait(context, room, receipt, to) || member === undefined || member.isFrozen) {
    turnAway(context, room, receipt, to);
    from.send(writeReturned(seq));
    return;
  }
  const hearing = tell(member, event, receipt);
  if (receipt === undefined) return;
  if (hearing === 'lost') from.send(writeRefused(seq));
  if (hearing === 'delivered') confirmAgain(room, from, receipt);
}

/** A message before it was turned away, and has not come again. */
function mustWait(
  { clock }: Context,
  room: Room<Session>,
  receipt: Receipt | undefined,
  to: PeerId,
): boolean {
  if (receipt === undefined || room.turnedAway.size === 0) return false;
  const key = `${receipt.session} ${to}`;
  const first = room.turnedAway.get(key);
  if (first === undefined) return false;
  if (first.id !== receipt.id && clock.now() < first.untilMs) return true;
  room.turnedAway.delete(key);
  return false;
}

function turnAway({ clock }: Context, room: Room<Session>, receipt: Receipt | undefined, to: PeerId): void {
  if (receipt === undefined) return;
  const nowMs = clock.now();
  for (const [key, { untilMs }] of room.turnedAway) if (untilMs <= nowMs) room.turnedAway.delete(key);
  const key = `${receipt.session} ${to}`;
  const first = { id: receipt.id, untilMs: nowMs + turnedAwayMs };
  if (!room.turnedAway.has(key)) room.turnedAway.set(key, first);
}

function tell(member: Session, event: Relayed, receipt: Receipt | undefined): string {
  if (receipt !== undefined) return member.hear(event, receipt);
  return member.tell(event) ? 'told' : 'lost';
}

/** It was sent again, because its sender has not heard that the receiver has it. */
function confirmAgain(room: Room<Session>, from: Link, { from: to, session, id }: Receipt): void {
  from.send(writeDelivered({ roomId: room.id, to, session, ids: [id] }));
}

function delivered(context: Context, letter: Letter): void {
  const said = readDelivered(letter);
  const room = context.hub.room(said.roomId);
  const local = room?.members.get(said.to);
  if (local?.id === said.session && 'seat' in local.state) {
    for (const id of said.ids) context.custody.delivered(local.state.seat, id);
    return;
  }
  // The sender of these has gone to yet another node.
  const remote = room?.remotes.get(said.to)?.seat;
  if (remote?.sessionId === said.session) context.office.link(remote.nodeId).send(writeDelivered(said));
}

/** A letter that was had but could do nothing: its cargo is the sender's again. */
function takeBack(
  from: Link,
  seq: number,
  give: (cargo: Parameters<Context['relay']['returned']>[0]) => void,
): void {
  const parcel = from.parcel(seq);
  if (parcel === undefined || parcel.isVoid) return;
  parcel.isVoid = true;
  give(parcel.cargo);
}

function asked(context: Context, from: Link, letter: Letter): void {
  const question = readQuestion(letter.head);
  if (question.what === 'handover') {
    answerHandover(context, from, question);
    return;
  }
  isHeldHere(context, question).then(
    (isHeld) => {
      context.office.answer(from, question.question, { isHeld });
    },
    (error: unknown) => {
      // The asker's time runs out, and it draws its own conclusion.
      context.logger.warn('probe_failed', { error });
    },
  );
}

function answerHandover(context: Context, from: Link, question: HandoverQuestion): void {
  const handed = handOver(context, question);
  if (typeof handed === 'string') context.office.answer(from, question.question, { ok: false, why: handed });
  else context.office.answer(from, question.question, handed.head, handed.body);
}
