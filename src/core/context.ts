import type { IdentityProvider, TokenVerifier } from '../ports/auth.js';
import type { RoomStore } from '../ports/room-store.js';
import type { Clock, IdSource, Logger, Tally } from '../ports/runtime.js';
import type { ModeReason, RoomRecord, SeatRecord } from '../protocol/records.js';
import type { Limits } from '../protocol/limits.js';
import type { ChatPage } from '../protocol/chat.js';
import type { HandedMail } from '../protocol/handover.js';
import type { RoomId, SessionId } from '../protocol/ids.js';
import type { Ask, CommandOf } from '../protocol/messages.js';
import type { MediaRequest } from '../protocol/media-messages.js';
import type { IceServerSource } from '../ports/ice-servers.js';
import type { RateLimiter } from '../ports/rate-limiter.js';
import type { UserStore } from '../ports/user-store.js';
import type { Audit } from '../ports/audit.js';
import type { Telemetry } from '../ports/telemetry.js';
import type { Bus } from '../ports/bus.js';
import type { ChatArchive } from '../ports/chat-archive.js';
import type { ChatLog } from '../ports/chat-log.js';
import type { MediaPlacement } from '../ports/media-placement.js';
import type { MediaService } from '../ports/media-service.js';
import type { Presence, RoomView } from '../ports/presence.js';
import type { Departure, SeatLedger } from './cluster/seat-ledger.js';
import type { Custody } from './cluster/custody.js';
import type { Relay } from './cluster/relay.js';
import type { PostOffice } from './cluster/post-office.js';
import type { Appointments } from './appointments.js';
import type { BadTokens } from './bad-tokens.js';
import type { Guesses } from './guesses.js';
import type { Hub } from './hub.js';
import type { Room } from './room.js';
import type { Seat, Session } from './session.js';
import type { UserBudgets } from './user-budgets.js';

/** What the core is given by the composition root. */
export interface Ports {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly tally: Tally;
  readonly verifier: TokenVerifier;
  readonly identities: IdentityProvider;
  readonly store: RoomStore;
  readonly presence: Presence;
  readonly bus: Bus;
  readonly users: UserStore;
  readonly ice: IceServerSource;
  readonly limiter: RateLimiter;
  readonly chatLog: ChatLog;
  readonly chatArchive: ChatArchive;
  /** None: rooms are peer to peer. */
  readonly mediaServices: readonly MediaService[];
  readonly placement: MediaPlacement;
  readonly telemetry: Telemetry;
  readonly audit: Audit;
}

export interface CoreSettings {
  readonly limits: Limits;
  readonly roomTtlMs: number;
  /** How long a seat is kept for a peer whose socket is gone; 0: not at all. */
  readonly graceMs: number;
  /** Where a room is open, who proves nothing may come in by a dialect that knows no tokens (S2). */
  readonly allowAnonymous: boolean;
  /** Who was removed by the host is kept out for so long. */
  readonly kickBanMs: number;
  /** A session ends when its token does; otherwise it is only told. */
  readonly closeAtExpiry: boolean;
  /** How often this node brings chat to the archive. */
  readonly chatFlushMs: number;
  /** So many messages that the archive has not taken wait for a room; beyond that the oldest are dropped. */
  readonly chatMaxWaiting: number;
  /** With a Media Service: a room with more peers than this becomes an SFU room; 0: never. */
  readonly sfuAbovePeers: number;
}

/** What every handler works with. */
export interface Context extends Ports, CoreSettings {
  readonly hub: Hub;
  readonly office: PostOffice;
  readonly relay: Relay;
  readonly custody: Custody;
  readonly ledger: SeatLedger;
  readonly rosters: RoomCopies;
  readonly appointments: Appointments;
  readonly userBudgets: UserBudgets;
  readonly guesses: Guesses;
  readonly badTokens: BadTokens;
  readonly chats: Chats;
  readonly media: Media;
}

/** This node's copies of its rooms (`cluster/rosters.ts`). */
export interface RoomCopies {
  /** The room, watched: no change of it is missed from now on. It stays until it is released. */
  open(record: RoomRecord): Promise<Room<Session>>;
  release(room: Room<Session>): void;
  /** Brings the copy up to what the presence says. */
  apply(room: Room<Session>, view: RoomView): void;
  /** Peers that were there before the memory was lost: they may be there still. */
  suppose(room: Room<Session>, seats: readonly SeatRecord[]): void;
  /** A peer of another node has left. */
  gone(room: Room<Session>, departure: Departure): void;
  /** It may have sat down here, or not: nobody knows. If it has, and nobody serves it, it will be ended. */
  doubt(roomId: RoomId, sessionId: SessionId): void;
  /** What was lost with the presence's memory may not be written again yet. */
  readonly isSettling: boolean;
}

/** What is said in this node's rooms (`chat/`). */
export interface Chats {
  /** Resolves when nothing said in the room from now on is missed. */
  watch(roomId: RoomId): Promise<void>;
  unwatch(roomId: RoomId): void;
  /** Messages that this node keeps because the archive is not known to have them. */
  readonly waiting: number;
  /** The place of the last message that the members here were told; 0: there is none. */
  latest(roomId: RoomId): number;
  /** A full session says something. It is told by the message itself, or by a refusal. */
  say(session: Session, seat: Seat, said: CommandOf<'chat'>, ask: Ask): void;
  /** It was kicked, or its room is gone: what it has said and has no place yet is not said any more. */
  silence(seat: Seat): void;
  /** Rejects with `STORE_UNAVAILABLE`. `limit` is brought into bounds. */
  page(roomId: RoomId, before?: number, limit?: number): Promise<ChatPage>;
  /** Tells a peer whatever was said after `seat.chatSeq`, before anything newer: it comes from another node, or has been frozen. */
  catchUp(seat: Seat): void;
  /** The room was deleted: what was said in it goes too. Never rejects. */
  forget(roomId: RoomId): Promise<void>;
  start(): void;
  /** Brings what it can to the archive, within that time, and ends. */
  close(withinMs: number): Promise<void>;
}

/** Rooms whose media goes through a Media Service (`media/`). */
export interface Media {
  /** There is a Media Service that can be asked just now. */
  readonly isAvailable: boolean;
  readonly services: readonly { readonly name: string; readonly isOpen: boolean; readonly load: number }[];
  /** A full session asks for something. It is answered, or refused; its other messages do not wait. */
  request(session: Session, seat: Seat, asked: MediaRequest, ask: Ask): void;
  /** A session has lost its seat for good: what it had is closed. */
  left(seat: Seat): void;
  /** The producers of the room have changed. */
  look(roomId: RoomId): void;
  /** Somebody has sat down, or the room's mode has changed, for that reason if it is known. */
  changed(room: Room<Session>, reason?: ModeReason): void;
  /** What a session of this node was told of its room's media; it goes to another node with that. */
  told(seat: Seat): HandedMail['media'];
  /** It comes from another node: it is told what has changed since. `undefined`: nobody knows what it was told. */
  comes(seat: Seat, told: HandedMail['media']): void;
  /** Of the router of a room, as far as it is known. */
  epochOf(room: Room<Session>): string | undefined;
  start(): void;
  close(): void;
}
