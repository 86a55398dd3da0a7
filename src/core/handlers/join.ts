/** `join`: prove who you are, find the room, take a seat. The order of the checks is the Python server's. */
import { SignalingError, type ErrorCode } from '../../protocol/errors.js';
import type { CloseReason } from '../../protocol/close.js';
import { asPeerId, type PeerId } from '../../protocol/ids.js';
import type { Ask, CommandOf, ResumeClaim } from '../../protocol/messages.js';
import {
  anonymous,
  type Identity,
  type JsonObject,
  type Proof,
  type RoomRecord,
} from '../../protocol/records.js';
import { answerToBadToken } from '../bad-tokens.js';
import type { Context } from '../context.js';
import { findRoom } from '../find-room.js';
import { isStorable, maxMetadataChars } from '../metadata.js';
import { namesAfter, unnamed } from '../names.js';
import { note } from '../note.js';
import { sayNo } from '../refusal.js';
import type { Room } from '../room.js';
import { sit } from '../seating.js';
import { sameSecret } from '../secret.js';
import type { Session } from '../session.js';
import { beginStay } from '../stay.js';
import { judgeFailure, noteGap, resume } from './resume.js';
import { resumeElsewhere } from './resume-elsewhere.js';

export async function join(
  context: Context,
  session: Session,
  command: CommandOf<'join'>,
  ask: Ask,
): Promise<void> {
  session.isDoor = command.isDoor === true;
  try {
    const run = (): Promise<void> => traced(context, session, command, ask);
    const { traces } = context.telemetry;
    await (traces === undefined ? run() : traces.continueFrom(session.arrived.traceparent, run));
  } catch (error) {
    if (!(error instanceof SignalingError)) throw error;
    context.tally.metrics.families.joins_refused.add({ code: error.code });
    if (!session.refusedJoinLogged) {
      // One line a session: whoever tries a thousand times does not fill the log.
      session.refusedJoinLogged = true;
      context.logger.info('join_refused', {
        session: session.id,
        address: session.arrived.address,
        code: error.code,
        error: error.cause,
      });
    }
    const room = command.roomId;
    note(context, 'join_refused', session, { code: error.code, ...(room !== undefined && { room }) });
    sayNo(context, session, await answerToBadToken(context, session.arrived.address, error), ask);
    // Its address leads nowhere else.
    if (command.isDoor === true && session.state.at === 'outside')
      session.sink.close(endOf[error.code] ?? 'unavailable');
  }
}

function traced(context: Context, session: Session, command: CommandOf<'join'>, ask: Ask): Promise<void> {
  const operation = command.resume === undefined ? 'join' : 'resume';
  const run = (): Promise<void> => attempt(context, session, command, ask);
  // The session has its name for good when it sits.
  return context.telemetry.timed('join', operation, run, () => ({
    session: session.id,
    room: command.roomId ?? '',
  }));
}

/** How a socket ends whose address leads into a room, when that cannot be joined. */
const endOf: Readonly<Partial<Record<ErrorCode, CloseReason>>> = {
  INVALID_TOKEN: 'unauthenticated',
  INVALID_MESSAGE: 'malformed',
  INVALID_ROOM_TOKEN: 'forbidden',
  FORBIDDEN: 'forbidden',
  KICKED: 'kicked',
  ROOM_NOT_FOUND: 'no_such_room',
  ROOM_EXPIRED: 'no_such_room',
  ROOM_FULL: 'room_full',
  PEER_ID_TAKEN: 'forbidden',
  SESSION_SUPERSEDED: 'replaced',
  RATE_LIMITED: 'too_fast',
};

async function attempt(
  context: Context,
  session: Session,
  command: CommandOf<'join'>,
  ask: Ask,
): Promise<void> {
  const metadata = usableMetadata(command);
  const { provenUntilMs, ...identity } = await prove(context, session, command);
  await takePlace(context, session, { ...command, metadata }, identity, ask);
  if (session.state.at === 'joined')
    note(context, session.id === command.resume?.sessionId ? 'resumed' : 'joined', session);
  beginStay(context, session, provenUntilMs);
}

/** Goes on with an earlier session, here or from elsewhere, or sits down afresh. */
async function takePlace(
  context: Context,
  session: Session,
  command: CommandOf<'join'>,
  identity: Identity,
  ask: Ask,
): Promise<void> {
  const { role, metadata, quiet: isQuiet, isCounted, peerId } = command;
  const claim = peerId === false ? undefined : command.resume;
  const record =
    claim === undefined
      ? await findRoom(context, session, command, identity)
      : await goOn(context, session, command, claim, identity, ask);
  if (peerId === false) throw unusable('peer_id');
  if (record === undefined) return;
  const entrant = {
    identity,
    record,
    names: peerId === undefined ? namesFor(context, command, identity) : [peerId],
    isChosen: peerId !== undefined,
    role,
    metadata,
    isQuiet,
    isCounted,
    isNameless: peerId === undefined && command.naming === 'unnamed',
    shownToken: command.roomToken?.reveal(),
  };
  await sit(context, session, entrant, ask);
}

/** With the session that is claimed. Gives the room when its peer has to begin afresh there, else nothing. */
async function goOn(
  context: Context,
  session: Session,
  command: CommandOf<'join'>,
  claim: ResumeClaim,
  identity: Identity,
  ask: Ask,
): Promise<RoomRecord | undefined> {
  const goesOn = (room: Room<Session> | undefined): boolean =>
    room !== undefined && resume(context, session, claim, identity, room, ask);
  try {
    // What this node serves goes on without asking anybody, whatever is down.
    if (goesOn(openRoomOf(context, command))) return undefined;
    const record = await findRoom(context, session, command, identity);
    // It may come in by another right than the room's token.
    if (goesOn(context.hub.room(record.roomId))) return undefined;
    if (await resumeElsewhere(context, session, claim, identity, record, ask)) return undefined;
    noteGap(context, claim, identity, context.hub.room(record.roomId));
    return record;
  } catch (error) {
    judgeFailure(context, error);
    throw error;
  }
}

async function prove(context: Context, session: Session, command: CommandOf<'join'>): Promise<Proof> {
  const token = command.idToken ?? session.arrived.credential;
  if (token !== undefined) return context.verifier.verify(token.reveal());
  if (command.mayBeAnonymous === true && context.allowAnonymous) {
    return { ...anonymous(context.ids.name()), provenUntilMs: Number.POSITIVE_INFINITY };
  }
  const ways =
    'a Bearer header, the cookie access_token, a subprotocol, the query parameter token, or a first message';
  if (command.isDoor === true)
    throw new SignalingError('INVALID_TOKEN', `An identity token is needed: ${ways}.`);
  throw new SignalingError('MISSING_FIELDS', 'Missing: id_token (or a credential at the upgrade).');
}

function* namesFor(
  { ids }: Context,
  { naming }: CommandOf<'join'>,
  { username }: Identity,
): Generator<PeerId> {
  if (naming === 'user') yield* namesAfter(username, ids);
  else yield naming === 'unnamed' ? unnamed(ids) : asPeerId(ids.name());
}

/** The room that was asked for, if it is served here and would be granted. */
function openRoomOf(context: Context, { roomId, roomToken }: CommandOf<'join'>): Room<Session> | undefined {
  const room = roomId === undefined ? undefined : context.hub.room(roomId);
  if (room === undefined || context.clock.now() > room.expiresAtMs) return undefined;
  if (room.record.isOpen === true) return room;
  return roomToken !== undefined && sameSecret(roomToken.reveal(), room.record.token) ? room : undefined;
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

/** The Python server fails inside its store call for these, so its word for them is the store's. */
function unusable(field: string): SignalingError {
  return new SignalingError('STORE_UNAVAILABLE', `The store cannot hold this ${field}: send a string.`);
}
