/** A session goes from one node to another with its mail: what is asked, what is given, and what is made of it. */
import type { HandedMail, HandoverQuestion, HandoverRefusal } from '../../protocol/handover.js';
import { RemoteMessage, RemoteSignal } from '../../protocol/letters.js';
import type { Context } from '../context.js';
import { roster } from '../membership.js';
import type { KeptFrame, MailboxState } from '../mailbox.js';
import { judgeToken } from '../resume-tokens.js';
import type { SentMessage } from '../sent-messages.js';
import type { Room } from '../room.js';
import { familyOf, type Seat, type Session } from '../session.js';
import { frameOf } from './frames.js';
import { WireFrame } from '../../protocol/wire-frame.js';

/** The node that asked must have taken the session within this time, else it goes on here. */
const frozenMs = 2_500;

/** What is handed over, or why not. From now on the session waits for the move. */
export function handOver(
  context: Context,
  question: HandoverQuestion,
): { readonly head: HandedMail; readonly body: Buffer } | HandoverRefusal {
  const session = context.hub.room(question.roomId)?.members.get(question.peerId);
  if (session?.id !== question.sessionId) return 'unknown';
  const { state } = session;
  if ((state.at !== 'joined' && state.at !== 'detached') || state.quiet) return 'refused';
  const { seat } = state;
  if (familyOf(session.sink) !== question.family) return 'refused';
  const token = judgeToken(seat, question.tokenHash);
  if (token === 'spent') return 'superseded';
  if (token === 'unknown' || !seat.mail.canResume(question.count)) return 'refused';
  // Its own socket, if it still has one, is half-open: the peer has come by another.
  context.custody.confirm(seat.mail.acknowledge(question.count) ?? []);
  freeze(context, session, seat);
  return pack(context, seat);
}

function freeze(context: Context, session: Session, seat: Seat): void {
  seat.mail.isFrozen = true;
  seat.missed = [];
  seat.cancelThaw?.();
  seat.cancelThaw = context.clock.after(frozenMs, () => {
    if (!('seat' in session.state) || session.state.seat !== seat) return;
    seat.mail.isFrozen = false;
    context.chats.catchUp(seat);
    // The others must hear of it: what waits with them comes here after all.
    context.ledger.changed(seat);
    context.relay.reroute(seat.room, seat.peerId);
  });
}

function pack(context: Context, seat: Seat): { readonly head: HandedMail; readonly body: Buffer } {
  const { told, acknowledged, hasAcknowledged, kept, heard } = seat.mail.state();
  const parts: Buffer[] = kept.map(({ payload }) => payload);
  const sent: HandedMail['sent'] = [];
  for (const { id, ask, to, event, isAccepted, isPlaced } of seat.mail.hasSent
    ? seat.mail.sent.values()
    : []) {
    if (event === undefined || to === undefined) continue;
    const frame = frameOf(event, seat.session);
    parts.push(frame.bytes);
    const kind = event.type === 'signal' ? event.kind : 'message';
    sent.push({
      id,
      verb: ask.verb,
      to,
      isAccepted,
      isPlaced,
      kind,
      dialect: frame.dialect,
      length: frame.bytes.length,
    });
  }
  const head: HandedMail = {
    ok: true,
    told,
    acknowledged,
    hasAcknowledged,
    kept: kept.map(({ payload, receipt }) => ({
      length: payload.length,
      ...(receipt === undefined ? {} : { receipt }),
    })),
    heard: heard.map(([key, isHad]) => [key, isHad]),
    spent: [...seat.spentTokens],
    sent,
    departures: [...context.ledger.leavingFrom(seat.room.id), ...seat.room.endings.departures],
    unsure: unsureSeats(seat.room),
    present: roster(seat.room, seat.session).map(({ peerId }) => peerId),
    letters: context.office.heard(),
    chatSeq: seat.chatSeq,
    media: context.media.told(seat),
  };
  return { head, body: Buffer.concat(parts) };
}

/** Takes apart what `pack` made. Throws `RangeError` when the body is shorter than it says. */
export function unpack(
  head: HandedMail,
  body: Buffer,
  peerId: Seat['peerId'],
  { clock, relay }: Context,
): { readonly mail: MailboxState; readonly sent: readonly SentMessage[] } {
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > body.length) throw new RangeError('a handover is shorter than it says');
    at += length;
    return body.subarray(at - length, at);
  };
  const kept = head.kept.map(({ length, receipt }): KeptFrame => ({ payload: take(length), receipt }));
  const sent = head.sent.map(({ id, verb, to, isAccepted, isPlaced, kind, dialect, length }): SentMessage => {
    const frame = new WireFrame(dialect, take(length), true);
    const event =
      kind === 'message' ? new RemoteMessage(peerId, to, frame) : new RemoteSignal(kind, peerId, to, frame);
    const ask = { verb, id, answered: true };
    return {
      id,
      ask,
      to,
      event,
      isAccepted,
      order: relay.nextOrder(),
      isPlaced,
      isDelivered: false,
      isDoubtful: true,
      parcel: undefined,
      sentAtMs: clock.now(),
    };
  });
  return { mail: { ...head, kept }, sent };
}

function unsureSeats({ remotes, epoch }: Room<Session>): HandedMail['unsure'] {
  const lost = [...remotes.values()].filter((remote) => remote.epoch !== epoch);
  // The answer is written as JSON, and what is read-only here is a copy there.
  return lost.map(({ seat }) => structuredClone(seat) as HandedMail['unsure'][number]);
}
