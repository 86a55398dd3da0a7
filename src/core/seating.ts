/** Taking a seat in a room: the name from the presence, then the seat here, with nobody in between. */
import type { EnterOutcome, EnterTerms, SeatClaim } from '../ports/presence.js';
import { SignalingError } from '../protocol/errors.js';
import { asSessionId, type PeerId } from '../protocol/ids.js';
import type { Ask } from '../protocol/messages.js';
import type { Identity, JsonObject, RoomRecord } from '../protocol/records.js';
import { expectArrival } from './cluster/arrival.js';
import { isHeld } from './cluster/name-holder.js';
import type { Context } from './context.js';
import { Mailbox } from './mailbox.js';
import { endOf, isOvertaken, takeSeat, unseat } from './membership.js';
import { note } from './note.js';
import { hashToken } from './resume-tokens.js';
import type { Room } from './room.js';
import { recordedMode } from './room-mode.js';
import type { Seat, Session } from './session.js';
import { welcome } from './welcome.js';

/** Who sits down, where, and as what. */
export interface Entrant {
  readonly identity: Identity;
  readonly record: RoomRecord;
  /** The first that can be had is taken; one that stands alone is asked of its holder. */
  readonly names: Iterable<PeerId>;
  /** The name is the entrant's own choice: the same user's older socket gives way, another user's is asked. */
  readonly isChosen: boolean;
  readonly role: string;
  readonly metadata: JsonObject;
  readonly isQuiet: boolean;
  readonly isCounted: boolean;
  /** The server makes its name up, and the peer may say its own later. */
  readonly isNameless: boolean;
  /** The room token that the client has shown: what a reply may quote of it. */
  readonly shownToken: string | undefined;
}

/** Rejects with what stands in the way. Resolves without a seat when the socket has gone meanwhile. */
export async function sit(context: Context, session: Session, entrant: Entrant, ask: Ask): Promise<void> {
  const { hub, rosters, relay, tally, logger } = context;
  const { record, identity, isQuiet, isCounted, isNameless, shownToken } = entrant;
  const room = await rosters.open(record);
  let settle: (() => void) | undefined;
  try {
    const resumeToken = context.ids.name();
    const claim = {
      roomId: record.roomId,
      sessionId: asSessionId(context.ids.name()),
      identity,
      isQuiet,
      standing: 'here' as const,
      tokenHashes: isCounted ? [hashToken(resumeToken)] : [],
    };
    const { seat: given, view, arrived } = await enterByName(context, session, room, claim, entrant);
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
    const ended = endOf(room, given);
    if (ended !== undefined) throw new SignalingError(ended === 'kicked' ? 'KICKED' : 'ROOM_NOT_FOUND');
    if (isOvertaken(room, given)) {
      session.sink.close('replaced');
      return;
    }
    unseat(context, session, 'left');
    const { peerId } = given;
    const holder = room.members.get(peerId);
    const before = room.remotes.get(peerId)?.seat;
    session.id = claim.sessionId;
    const seat: Seat = {
      identity,
      room,
      peerId,
      card: given.card,
      mail: new Mailbox(isCounted, session.sink, context.limits.maxOutboxBytes),
      resumeToken,
      previousToken: undefined,
      spentTokens: [],
      generation: given.generation,
      since: given.since,
      session,
      barred: undefined,
      chatSeq: context.chats.latest(room.id),
      isBehindInChat: false,
      missed: [],
      cancelThaw: undefined,
      isNameless,
    };
    takeSeat(context, session, seat, isQuiet);
    if (holder?.state.at === 'outside') {
      tally.takeovers += 1;
      logger.info('replaced', { session: holder.id, by: session.id });
      note(context, 'taken_over', holder, {}, seat);
      holder.sink.close('replaced');
    }
    session.strikes = 0;
    session.sink.send(welcome(context, session, seat, 'afresh', shownToken), ask);
    // Who is told of everybody is told of itself too (S4).
    if (session.sink.wantsRoomState)
      session.tell({ type: 'peer_joined', peer: { ...seat.card, isPolite: false } });
    context.media.changed(room);
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

type NamelessClaim = Omit<SeatClaim, 'peerId' | 'card'>;

async function enterByName(
  context: Context,
  session: Session,
  room: Room<Session>,
  nameless: NamelessClaim,
  { names, isChosen, role, metadata }: Entrant,
): Promise<Entered> {
  for (const peerId of names) {
    const card = { peerId, role, metadata, connectedAtMs: context.clock.now() };
    const entered = await enter(context, session, room, { ...nameless, peerId, card }, isChosen);
    if (entered !== undefined) return entered;
  }
  throw new SignalingError('PEER_ID_TAKEN', 'Another user holds peer_id in this room: choose another.');
}

/** Takes the name. Whoever else holds it keeps it only while it answers (D8). `undefined`: it is held. */
async function enter(
  context: Context,
  session: Session,
  room: Room<Session>,
  claim: SeatClaim,
  isChosen: boolean,
): Promise<Entered | undefined> {
  const { limits } = context;
  let replaces: number | undefined;
  for (;;) {
    // A session that changes its name in the room gives a seat back.
    const spare = session.state.at === 'joined' && session.state.seat.room === room ? 1 : 0;
    const entered = await tryToEnter(context, room, claim, {
      maxPeers: limits.maxPeersPerRoom + spare,
      expiresAtS: room.record.expiresAtS,
      createdBy: room.createdBy,
      mode: recordedMode(context, room.record),
      ...(replaces === undefined ? {} : { replaces }),
      ...(isChosen ? {} : { isExclusive: true }),
      ...renamed(session, room),
    });
    if (entered.outcome === 'seated') return entered;
    if (entered.outcome === 'full') {
      throw new SignalingError('ROOM_FULL', `The room seats ${limits.maxPeersPerRoom} peers: try later.`);
    }
    if (entered.outcome === 'banned') throw banned(entered.retryAfterMs);
    if (!isChosen || (await isHeld(context, session, entered.holder))) return undefined;
    replaces = entered.holder.generation;
  }
}

/** A peer that says its name at last goes on as who it was. */
function renamed({ state }: Session, room: Room<Session>): Pick<EnterTerms, 'renames'> {
  if (state.at !== 'joined' || state.seat.room !== room || !state.seat.isNameless) return {};
  const { peerId, generation } = state.seat;
  return { renames: { peerId, generation } };
}

function banned(retryAfterMs: number): SignalingError {
  const text = `The host has removed you from this room: you may come back in ${Math.ceil(retryAfterMs / 1000)} s.`;
  return new SignalingError('KICKED', text, { retryAfterMs });
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
