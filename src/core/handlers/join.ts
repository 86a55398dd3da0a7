/** `join`: prove who you are, find the room, take a seat. The order of the checks is the Python server's. */
import { SignalingError } from '../../protocol/errors.js';
import { asPeerId, asSessionId, type PeerId } from '../../protocol/ids.js';
import type { EnterOutcome, EnterTerms, SeatClaim } from '../../ports/presence.js';
import type { Ask, CommandOf } from '../../protocol/messages.js';
import type { Identity, JsonObject, RoomRecord } from '../../protocol/records.js';
import type { Context } from '../context.js';
import { isStorable, maxMetadataChars } from '../metadata.js';
import { isEnded, isOvertaken, takeSeat, unseat } from '../membership.js';
import { welcome } from '../welcome.js';
import { refuse } from '../refusal.js';
import { Mailbox } from '../mailbox.js';
import { sameSecret } from '../secret.js';
import { resume } from './resume.js';
import { resumeElsewhere } from './resume-elsewhere.js';
import { expectArrival } from '../cluster/arrival.js';
import { isHeld } from '../cluster/name-holder.js';
import { hashToken } from '../resume-tokens.js';
import type { Room } from '../room.js';
import type { Seat, Session } from '../session.js';

export async function join(
  context: Context,
  session: Session,
  command: CommandOf<'join'>,
  ask: Ask,
): Promise<void> {
  try {
    await attempt(context, session, command, ask);
  } catch (error) {
    if (!(error instanceof SignalingError)) throw error;
    context.tally.joins_refused += 1;
    if (!session.refusedJoinLogged) {
      // One line a session: whoever tries a thousand times does not fill the log.
      session.refusedJoinLogged = true;
      context.logger.info('join_refused', { session: session.id, code: error.code, error: error.cause });
    }
    refuse(context, session, error, ask);
  }
}

async function attempt(
  context: Context,
  session: Session,
  command: CommandOf<'join'>,
  ask: Ask,
): Promise<void> {
  const metadata = usableMetadata(command);
  const identity = await context.verifier.verify(command.idToken);
  const claim = command.peerId === false ? undefined : command.resume;
  if (claim !== undefined) {
    // What this node serves goes on without asking anybody, whatever is down.
    const room = openRoomOf(context, command);
    if (room !== undefined && resume(context, session, claim, identity, room, ask)) return;
  }
  const record = await findRoom(context, command);
  if (command.peerId === false) throw unusable('peer_id');
  if (claim !== undefined && (await resumeElsewhere(context, session, claim, identity, record, ask))) return;
  const peerId = command.peerId ?? asPeerId(context.ids.name());
  await sit(context, session, { ...command, metadata }, { identity, record, peerId }, ask);
}

/** The room that was asked for, if it is served here and would be granted. */
function openRoomOf(context: Context, { roomId, roomToken }: CommandOf<'join'>): Room<Session> | undefined {
  const room = roomId === undefined ? undefined : context.hub.room(roomId);
  if (room === undefined || roomToken === undefined || !sameSecret(roomToken, room.record.token))
    return undefined;
  return context.clock.now() > room.expiresAtMs ? undefined : room;
}

/** Parity peers are not told of what the Python server would have taken: theirs is passed over. */
function usableMetadata({ metadata, quiet }: CommandOf<'join'>): JsonObject {
  if (isStorable(metadata)) return metadata;
  if (quiet) return {};
  throw new SignalingError(
    'INVALID_MESSAGE',
    `metadata may have ${maxMetadataChars} characters, 32 levels deep.`,
  );
}

async function findRoom(context: Context, command: CommandOf<'join'>): Promise<RoomRecord> {
  if (command.roomId === undefined) throw unusable('room_id');
  const record = await context.store.find(command.roomId);
  if (record === undefined) throw new SignalingError('ROOM_NOT_FOUND');
  // The token is compared before the clock: who does not know it learns nothing about the room.
  if (command.roomToken === undefined || !sameSecret(command.roomToken, record.token)) {
    throw new SignalingError('INVALID_ROOM_TOKEN');
  }
  if (context.clock.now() > record.expiresAtS * 1000) throw new SignalingError('ROOM_EXPIRED');
  return record;
}

/** The Python server fails inside its store call for these, so its word for them is the store's. */
function unusable(field: string): SignalingError {
  return new SignalingError('STORE_UNAVAILABLE', `The store cannot hold this ${field}: send a string.`);
}

function taken(): SignalingError {
  return new SignalingError('PEER_ID_TAKEN', 'Another user holds peer_id in this room: choose another.');
}

interface Entrant {
  readonly identity: Identity;
  readonly record: RoomRecord;
  readonly peerId: PeerId;
}

async function sit(
  context: Context,
  session: Session,
  command: CommandOf<'join'>,
  { record, peerId, identity }: Entrant,
  ask: Ask,
): Promise<void> {
  const { hub, rosters, relay, tally, logger } = context;
  const room = await rosters.open(record);
  let settle: (() => void) | undefined;
  try {
    const resumeToken = context.ids.name();
    const claim: SeatClaim = {
      roomId: record.roomId,
      peerId,
      sessionId: asSessionId(context.ids.name()),
      identity,
      card: { peerId, role: command.role, metadata: command.metadata, connectedAtMs: context.clock.now() },
      isQuiet: command.quiet,
      standing: 'here',
      tokenHashes: command.quiet ? [] : [hashToken(resumeToken)],
    };
    const { seat: given, view, arrived } = await enter(context, session, room, claim);
    settle = arrived;
    // The socket may have gone meanwhile, and a deletion may have taken the room.
    const isBuried = hub.isBuried(record.roomId);
    if (isBuried || !hub.sessions.has(session) || session.state.at === 'closed') {
      context.ledger.leave(given, 'left');
      if (isBuried) throw new SignalingError('ROOM_NOT_FOUND');
      return;
    }
    // From here to the reply nobody can slip in between.
    rosters.apply(room, view);
    if (isEnded(room, given)) throw new SignalingError('ROOM_NOT_FOUND');
    if (isOvertaken(room, given)) {
      session.sink.close('replaced');
      return;
    }
    unseat(context, session, 'left');
    const holder = room.members.get(peerId);
    const before = room.remotes.get(peerId)?.seat;
    session.id = claim.sessionId;
    const seat: Seat = {
      identity,
      room,
      peerId,
      card: claim.card,
      mail: new Mailbox(!command.quiet, session.sink, context.limits.maxOutboxBytes),
      resumeToken,
      previousToken: undefined,
      spentTokens: [],
      generation: given.generation,
      session,
      barred: undefined,
      missed: [],
      cancelThaw: undefined,
    };
    takeSeat(context, session, seat, command.quiet);
    if (holder?.state.at === 'outside') {
      tally.takeovers += 1;
      logger.info('replaced', { session: holder.id, by: session.id });
      holder.sink.close('replaced');
    }
    session.strikes = 0;
    session.sink.send(welcome(context, session, seat, false), ask);
    // After the reply: nothing may come before it.
    relay.reroute(room, peerId, {
      isSameSession: false,
      ...(before === undefined ? {} : { from: before.nodeId }),
    });
  } finally {
    settle?.();
    rosters.release(room);
  }
}

type Entered = Extract<EnterOutcome, { outcome: 'seated' }> & {
  /** To be called when the session sits. */
  readonly arrived: () => void;
};

/** Takes the name. Whoever else holds it keeps it only while it answers (D8). */
async function enter(
  context: Context,
  session: Session,
  room: Room<Session>,
  claim: SeatClaim,
): Promise<Entered> {
  const { limits } = context;
  let replaces: number | undefined;
  for (;;) {
    // A session that changes its name in the room gives a seat back.
    const spare = session.state.at === 'joined' && session.state.seat.room === room ? 1 : 0;
    const terms = { maxPeers: limits.maxPeersPerRoom + spare, expiresAtS: room.record.expiresAtS };
    const entered = await tryToEnter(
      context,
      room,
      claim,
      replaces === undefined ? terms : { ...terms, replaces },
    );
    if (entered.outcome === 'seated') return entered;
    if (entered.outcome === 'full') {
      throw new SignalingError('ROOM_FULL', `The room seats ${limits.maxPeersPerRoom} peers: try later.`);
    }
    if (await isHeld(context, session, entered.holder)) throw taken();
    replaces = entered.holder.generation;
  }
}

async function tryToEnter(
  { presence, rosters }: Context,
  room: Room<Session>,
  claim: SeatClaim,
  terms: EnterTerms,
): Promise<Entered | Exclude<EnterOutcome, { outcome: 'seated' }>> {
  const arrived = expectArrival(room, claim.peerId);
  try {
    const entered = await presence.enter(claim, terms);
    if (entered.outcome === 'seated') return { ...entered, arrived };
    arrived();
    return entered;
  } catch (error) {
    arrived();
    rosters.doubt(room.id, claim.sessionId);
    throw error;
  }
}
