/** `join` with a claim to a session that another node serves, or served until it died. */
import { SignalingError } from '../../protocol/errors.js';
import { readHanded, type HandedMail } from '../../protocol/handover.js';
import type { NodeId, PeerId, SessionId } from '../../protocol/ids.js';
import type { Ask, ResumeClaim } from '../../protocol/messages.js';
import type { Identity, RoomRecord, SeatRecord } from '../../protocol/records.js';
import { expectArrival } from '../cluster/arrival.js';
import { unpack } from '../cluster/handover.js';
import type { Answer } from '../cluster/post-office.js';
import type { Context } from '../context.js';
import { Mailbox } from '../mailbox.js';
import { announce, disconnect, endOf, isOvertaken, rosterFor, unseat } from '../membership.js';
import { hashToken } from '../resume-tokens.js';
import type { Room } from '../room.js';
import { sameSecret } from '../secret.js';
import type { SentMessage } from '../sent-messages.js';
import { familyOf, type Seat, type Session } from '../session.js';
import { welcome } from '../welcome.js';

/** A node that lives answers in a few milliseconds; one that stands still is left behind after this time. */
const handoverMs = 1_000;
/** After an outage a node that lives listens again within this time. */
const listensAgainMs = 1_000;
const knockMs = 50;

interface Takeover {
  readonly mail: Mailbox;
  readonly sent: readonly SentMessage[];
  readonly spent: readonly string[];
  readonly departures: HandedMail['departures'];
  readonly unsure: HandedMail['unsure'];
  /** Who is in the room as far as the peer was told, what follows in its mail included. */
  readonly present: HandedMail['present'] | undefined;
  /** Of each node the last letter that is in the mail; `undefined`: the old node is gone, and its mail with it. */
  readonly letters: HandedMail['letters'] | undefined;
  /** The last chat message that is in the mail, as far as anybody knows. */
  readonly chatSeq: number | undefined;
  readonly media: HandedMail['media'];
}

interface Moving {
  readonly old: SeatRecord;
  readonly room: Room<Session>;
  readonly taken: Takeover;
  /** Of the token that was shown. */
  readonly hash: string;
}

/**
 * True when the session goes on here. Its old node hands it over; one that is dead is fenced by the seat's new
 * generation, and what had an id is sent again by its senders' nodes. False when the claim does not hold: the peer
 * joins afresh. Rejects when the presence does not answer.
 */
export async function resumeElsewhere(
  context: Context,
  session: Session,
  claim: ResumeClaim,
  identity: Identity,
  record: RoomRecord,
  ask: Ask,
): Promise<boolean> {
  // The roster in the reply would lack whom their nodes have not written again yet.
  if (context.rosters.isSettling) throw notSettled();
  const room = await context.rosters.open(record);
  try {
    const view = await context.presence.view(record.roomId);
    // The news of it may be on its way here: a session that has left this node must not look as if it sat here.
    context.rosters.apply(room, view);
    const old = find(view.seats, claim.sessionId);
    // A presence that comes back may have lost its seats, and is no witness that there was none.
    if (old === undefined && isComingBack(context)) throw notSettled();
    // What sits here was asked already.
    if (old === undefined || room.members.get(old.peerId)?.id === old.sessionId) return false;
    if (old.isQuiet || old.identity.sub !== identity.sub) return false;
    const hash = hashToken(claim.token.reveal());
    const taken = await takeOver(context, session, old, claim, hash);
    return taken !== undefined && (await moveHere(context, session, claim, { old, room, taken, hash }, ask));
  } finally {
    context.rosters.release(room);
  }
}

async function moveHere(
  context: Context,
  session: Session,
  claim: ResumeClaim,
  { old, room, taken, hash }: Moving,
  ask: Ask,
): Promise<boolean> {
  const resumeToken = context.ids.name();
  const note = taken.letters === undefined ? {} : { note: JSON.stringify(taken.letters) };
  const arrived = expectArrival(room, old.peerId);
  try {
    if (context.hub.isBuried(room.id)) return false;
    // Who has gone meanwhile must not take the session away from where its peer may be by now.
    if (!context.hub.sessions.has(session)) return true;
    const moved = await context.presence.move(old, { tokenHashes: [hashToken(resumeToken), hash], ...note });
    // Somebody else was faster, or it has left: the next attempt sees which.
    if (moved === undefined) throw notSettled();
    const seat: Seat = {
      identity: old.identity,
      room,
      peerId: old.peerId,
      card: moved.seat.card,
      mail: taken.mail,
      resumeToken,
      previousToken: claim.token.reveal(),
      spentTokens: taken.spent,
      generation: moved.seat.generation,
      since: moved.seat.since,
      session,
      barred: undefined,
      chatSeq: taken.chatSeq ?? claim.chatSeq ?? context.chats.latest(room.id),
      isBehindInChat: false,
      missed: [],
      cancelThaw: undefined,
      isNameless: false,
    };
    // Before it sits here: it is told of no arrivals, the reply carries the roster.
    context.rosters.apply(room, moved.view);
    if (endOf(room, moved.seat) !== undefined) return false;
    if (isOvertaken(room, moved.seat)) {
      session.sink.close('replaced');
      return true;
    }
    const ended = new Map(moved.view.ended.map(({ peerId, generation }) => [peerId, generation]));
    context.rosters.suppose(
      room,
      taken.unsure.filter(({ peerId, generation }) => (ended.get(peerId) ?? 0) < generation),
    );
    for (const departure of taken.departures) context.rosters.gone(room, departure);
    install(context, session, seat, old, taken);
    session.sink.send(welcome(context, session, seat, claim), ask);
    context.tally.frames_replayed += seat.mail.missedAfter(claim.count);
    context.custody.confirm(seat.mail.resume(session.sink, claim.count));
    if (taken.present !== undefined) tellDifference(seat, taken.present);
    goOn(context, seat, old, taken);
    context.chats.catchUp(seat);
    context.media.changed(room);
    context.media.comes(seat, taken.media);
    // Its socket may have gone meanwhile; then its window begins now.
    if (!context.hub.sessions.has(session)) disconnect(context, session);
    return true;
  } catch (error) {
    context.rosters.doubt(room.id, old.sessionId);
    throw error;
  } finally {
    arrived();
  }
}

function find(seats: readonly SeatRecord[], sessionId: SessionId): SeatRecord | undefined {
  return seats.find((seat) => seat.sessionId === sessionId);
}

async function takeOver(
  context: Context,
  session: Session,
  old: SeatRecord,
  { count }: ResumeClaim,
  tokenHash: string,
): Promise<Takeover | undefined> {
  const mail = new Mailbox(true, session.sink, context.limits.maxOutboxBytes);
  const { roomId, peerId, sessionId, nodeId } = old;
  const family = familyOf(session.sink);
  const question = { what: 'handover', roomId, peerId, sessionId, tokenHash, count, family };
  const isOurs = nodeId === context.presence.nodeId;
  const answer = isOurs ? 'absent' : await askThere(context, nodeId, question);
  const handed = typeof answer === 'string' ? 'unknown' : readHanded(answer.head);
  if (handed === 'superseded') throw new SignalingError('SESSION_SUPERSEDED');
  if (handed === 'refused') return undefined;
  if (handed === 'unknown' || typeof answer === 'string') {
    if (!old.tokenHashes.some((known) => sameSecret(known, tokenHash))) return undefined;
    mail.restore({ told: count, acknowledged: count, hasAcknowledged: true, kept: [], heard: [] });
    const nothing = {
      sent: [],
      spent: [],
      departures: [],
      unsure: [],
      present: undefined,
      letters: undefined,
      media: undefined,
    };
    return { mail, ...nothing, chatSeq: undefined };
  }
  const state = unpack(handed, answer.body, peerId, context);
  mail.restore(state.mail);
  const { spent, departures, unsure, present, letters, chatSeq, media } = handed;
  return { mail, sent: state.sent, spent, departures, unsure, present, letters, chatSeq, media };
}

/** While an outage ends a node may only not listen again yet, with mail, and with leaves that nobody else knows of. */
async function askThere(context: Context, nodeId: NodeId, question: object): Promise<Answer> {
  const { clock, office } = context;
  const giveUpAtMs = clock.now() + listensAgainMs;
  for (;;) {
    const answer = await office.ask(nodeId, question, handoverMs);
    const mayBeBack = isComingBack(context) && clock.now() < giveUpAtMs;
    if (answer !== 'absent' || !mayBeBack) return answer;
    await new Promise<void>((resolve) => {
      clock.after(knockMs, resolve);
    });
  }
}

/** An outage ends, and not everybody has said again what it knows. */
function isComingBack({ presence, rosters }: Context): boolean {
  return presence.isInterrupted || rosters.isSettling;
}

function notSettled(): SignalingError {
  const text = 'The sessions of other nodes are not all known again yet: send the same again in a moment.';
  return new SignalingError('STORE_UNAVAILABLE', text);
}

/** From the move on the seat is ours, whether or not its socket still is. */
function install(context: Context, session: Session, seat: Seat, old: SeatRecord, taken: Takeover): void {
  unseat(context, session, 'left');
  const room: Room<Session> = seat.room;
  // Its old socket may have broken since we looked.
  const standing = room.remotes.get(seat.peerId)?.seat.standing ?? old.standing;
  room.remotes.delete(seat.peerId);
  session.id = old.sessionId;
  session.state = { at: 'joined', quiet: false, seat };
  context.hub.enter(session, seat);
  room.liveCount += 1;
  session.strikes = 0;
  const outcome = taken.letters === undefined ? 'after_death' : 'moved';
  context.tally.metrics.families.resumes.add({ outcome });
  if (standing === 'away') announce(room, { type: 'peer_resumed', peerId: seat.peerId }, session);
  for (const sent of taken.sent) seat.mail.sent.add(sent);
}

/** Who came or left while the session was between two nodes: neither told it. */
function tellDifference(seat: Seat, present: readonly PeerId[]): void {
  const { mail } = seat;
  const there = rosterFor(seat);
  const names = new Set(there.map(({ peerId }) => peerId));
  const known = new Set(present);
  for (const peerId of present) {
    if (!names.has(peerId)) mail.tell({ type: 'peer_left', peerId, reason: 'disconnected' });
  }
  for (const peer of there) if (!known.has(peer.peerId)) mail.tell({ type: 'peer_joined', peer });
}

function goOn(context: Context, seat: Seat, old: SeatRecord, { letters, sent }: Takeover): void {
  const heard = letters === undefined ? undefined : (letters[context.presence.nodeId] ?? 0);
  context.relay.reroute(seat.room, seat.peerId, { isSameSession: true, from: old.nodeId, heard });
  for (const message of sent) if (!message.isPlaced) context.custody.send(seat, message);
}
