/** `join`: prove who you are, find the room, take a seat. The order of the checks is the Python server's. */
import { SignalingError } from '../../protocol/errors.js';
import { asPeerId, type PeerId } from '../../protocol/ids.js';
import type { Ask, CommandOf } from '../../protocol/messages.js';
import type { Identity, JsonObject, RoomRecord } from '../../protocol/records.js';
import type { Context } from '../context.js';
import { isStorable, maxMetadataChars } from '../metadata.js';
import { takeSeat, unseat } from '../membership.js';
import { welcome } from '../welcome.js';
import { refuse } from '../refusal.js';
import { Mailbox } from '../mailbox.js';
import { sameSecret } from '../secret.js';
import { resume } from './resume.js';
import type { Room } from '../room.js';
import type { Seat, Session } from '../session.js';

/** How long the holder of a name has to answer when another user asks for it (D8). */
const probeMs = 2_000;

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
  const record = await findRoom(context, command);
  if (command.peerId === false) throw unusable('peer_id');
  if (command.resume !== undefined && resume(context, session, command.resume, identity, record, ask)) return;
  const peerId = command.peerId ?? asPeerId(context.ids.name());
  await freeTheName(context, session, record, peerId, identity);
  // The socket may have gone meanwhile, and a deletion may have taken the room.
  if (!context.hub.sessions.has(session) || session.state.at === 'closed') return;
  if (context.hub.isBuried(record.roomId)) throw new SignalingError('ROOM_NOT_FOUND');
  sit(context, session, { ...command, metadata }, { identity, record, peerId }, ask);
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

/**
 * Makes sure that nobody else holds the name. The same user's older socket makes way at once. Another user keeps it
 * only while it answers: a worker that restarts signs in anew, and its half-dead socket must not lock it out (D8).
 */
async function freeTheName(
  context: Context,
  session: Session,
  record: RoomRecord,
  peerId: PeerId,
  identity: Identity,
): Promise<void> {
  const holder = context.hub.room(record.roomId)?.members.get(peerId);
  if (holder === undefined || holder === session || !('seat' in holder.state)) return;
  const { state } = holder;
  if (state.seat.identity.sub === identity.sub || state.at === 'kept') return;
  // A parity peer without a socket is no hindrance; a full session's name is its user's for the grace window.
  const isHeld = state.at === 'detached' ? !state.quiet : await holder.sink.probe(probeMs);
  if (isHeld) throw taken();
  if (state.at === 'detached') return;
  if (context.hub.room(record.roomId)?.members.get(peerId) !== holder || holder.state !== state) {
    // While we asked, somebody else took it, or its socket broke.
    await freeTheName(context, session, record, peerId, identity);
  } else if (!state.quiet) {
    // Silent, but its user may be back within the window.
    holder.sink.close('unresponsive');
    throw taken();
  }
}

function taken(): SignalingError {
  return new SignalingError('PEER_ID_TAKEN', 'Another user holds peer_id in this room: choose another.');
}

interface Entrant {
  readonly identity: Identity;
  readonly record: RoomRecord;
  readonly peerId: PeerId;
}

/** Everything from here to the reply is synchronous: nobody can slip in between. */
function sit(
  context: Context,
  session: Session,
  command: CommandOf<'join'>,
  entrant: Entrant,
  ask: Ask,
): void {
  const { record, peerId, identity } = entrant;
  const holder = context.hub.room(record.roomId)?.members.get(peerId);
  const held =
    holder === undefined || holder === session || !('seat' in holder.state) ? undefined : holder.state;
  if (
    (held === undefined || held.at === 'kept') &&
    isFull(context, context.hub.room(record.roomId), session)
  ) {
    throw new SignalingError(
      'ROOM_FULL',
      `The room seats ${context.limits.maxPeersPerRoom} peers: try later.`,
    );
  }
  unseat(context, session, 'left');
  const seat: Seat = {
    identity,
    room: context.hub.ensureRoom(record),
    peerId,
    card: { peerId, role: command.role, metadata: command.metadata, connectedAtMs: context.clock.now() },
    mail: new Mailbox(!command.quiet, session.sink, context.limits.maxOutboxBytes),
    resumeToken: context.ids.name(),
    previousToken: undefined,
  };
  takeSeat(context, session, seat, command.quiet);
  if (held?.at === 'joined') {
    context.tally.takeovers += 1;
    context.logger.info('replaced', { session: holder?.id, by: session.id });
    holder?.sink.close('replaced');
  }
  session.strikes = 0;
  session.sink.send(welcome(context, session, seat, record, false), ask);
}

function isFull(context: Context, room: Room<Session> | undefined, session: Session): boolean {
  if (room === undefined) return false;
  const alreadyIn = session.state.at === 'joined' && session.state.seat.room === room ? 1 : 0;
  return room.liveCount - alreadyIn >= context.limits.maxPeersPerRoom;
}
