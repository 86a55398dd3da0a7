/**
 * The vocabulary: what a peer asks (`Command`) and what a peer is told (`Event`). Wire dialects rename these, they
 * do not invent. Nothing here knows of JSON keys, sockets or vendors.
 */
import type { SignalingError } from './errors.js';
import type { PeerId, RoomId, SessionId } from './ids.js';
import type { IceConfig } from './ice.js';
import type { ChatMessage } from './chat.js';
import type { Limits } from './limits.js';
import type { MediaReply, MediaRequest, ProducerCard } from './media-messages.js';
import type { Secret } from './secret.js';
import type { WireFrame } from './wire-frame.js';
import type { Json, JsonObject, ModeReason, PeerCard, RoomMode } from './records.js';

/** What a reply must quote of the request it answers. */
export interface Ask {
  /** The wire's own word, so that the dialect can answer in the spelling it was asked in. */
  readonly verb: string;
  /** The request's `id`, at most 64 characters. */
  readonly id?: string;
  /** The request has an `id` that cannot be quoted. Sessions that may be told are told; parity peers may mean anything. */
  readonly unquotable?: true;
  /** The verb promises an answer, even to a quiet session. */
  readonly answered: boolean;
}

/** `notice`: whatever else peers of a room tell each other (hand raised, muted, …); the server does not look into it. */
export const signalKinds = ['offer', 'answer', 'candidate', 'notice'] as const;
export type SignalKind = (typeof signalKinds)[number];

/** A search over the roster. Absent means any. */
export interface PeerFilter {
  readonly role?: string;
  /** At least one of these. */
  readonly tags?: readonly string[];
  /** Each key equal to the value, or within `{$gte, $lte, $eq}`. */
  readonly properties?: JsonObject;
}

/** What a peer shows to go on with its session. */
export interface ResumeClaim {
  readonly sessionId: SessionId;
  readonly token: Secret;
  readonly count: number;
  /** The `seq` of the last chat message that it has had: if its node is dead, nobody else knows. */
  readonly chatSeq?: number;
}

/** What each command carries, by its name. */
interface Payloads {
  join: {
    /** Absent when the client sent something that cannot name a room; refused only after the identity is known. */
    readonly roomId?: RoomId;
    /** Absent when the client sent something that can be no room token. */
    readonly roomToken?: Secret;
    /** Empty when the client sent something that can be no token; absent: what the upgrade carried. */
    readonly idToken?: Secret;
    /** `false` when the client sent something that can name no peer; absent when the server is to make one up. */
    readonly peerId?: PeerId | false;
    /** How the server makes one up: after the user, another for each socket, or at random until the peer names itself. */
    readonly naming?: 'user' | 'unnamed';
    readonly role: string;
    readonly metadata: JsonObject;
    /** Go on with an earlier session, of which so many frames have been had. */
    readonly resume?: ResumeClaim;
    /** A quiet session is told nothing that it did not ask for: the rule of parity. */
    readonly quiet: boolean;
    /** Frames are counted and kept until acknowledged, so that another socket can go on. */
    readonly isCounted: boolean;
    /** The room is in the socket's address: it is made, open, where there is none, and a refusal ends the socket. */
    readonly isDoor?: true;
    /** Where the server lets people in who prove nothing. */
    readonly mayBeAnonymous?: true;
  };
  signal: {
    readonly kind: SignalKind;
    /** Who the frame says it is from, if it says so. */
    readonly from: PeerId | undefined;
    /** `undefined`: everybody else in the room. */
    readonly to: PeerId | undefined;
    /** In the shape of `frame.dialect`; without a frame, flat. */
    readonly body: JsonObject;
    /** `undefined` when receivers of every dialect need it written anew. */
    readonly frame: WireFrame | undefined;
    /** A notice that only the room's host may give. */
    readonly isHostOnly?: true;
    /** Where nobody has that name it goes to those who have not said theirs yet (S2 told everybody). */
    readonly orUnnamed?: true;
  };
  /** An application message from peer to peer, opaque to the server. */
  message: {
    readonly from: PeerId;
    readonly to: PeerId;
    readonly payload: Json;
    readonly frame: WireFrame | undefined;
  };
  discover: { readonly from: PeerId; readonly filter: PeerFilter };
  update_metadata: { readonly peerId: PeerId; readonly metadata: JsonObject };
  leave: object;
  heartbeat: object;
  /** The client has had so many frames since it joined. */
  ack: { readonly count: number };
  /** `by`: who the frame says it is from, if it says so. */
  kick: { readonly by?: PeerId; readonly target: PeerId; readonly reason?: string };
  transfer_host: { readonly by?: PeerId; readonly to: PeerId };
  /** A newer token of the same user. */
  refresh_token: { readonly token: Secret };
  /** Said to everybody in the room, the one who says it included, and kept. `id`: absent when the server is to make one up. */
  chat: { readonly by?: PeerId; readonly id?: string; readonly content: string };
  /** Messages before that `seq`; absent: the latest. */
  chat_history: { readonly before?: number; readonly limit?: number };
  set_mode: { readonly by?: PeerId; readonly mode: RoomMode };
  media: { readonly request: MediaRequest };
}

export type CommandType = keyof Payloads;
/** The command of that name; without an argument, any command. */
export type CommandOf<Type extends CommandType = CommandType> = {
  [Name in Type]: { readonly type: Name } & Payloads[Name];
}[Type];
export type Command = CommandOf;

export const leaveReasons = ['left', 'disconnected', 'replaced', 'deleted', 'kicked'] as const;
export type LeaveReason = (typeof leaveReasons)[number];

/** A signal whose sender is known to be who it says. It is told as it was asked: the relay path makes no copy. */
export type SignalEvent = CommandOf<'signal'> & {
  readonly from: PeerId;
  /** It was for everybody, and its receiver is to be told as if it were for it alone: its frame does not say so. */
  readonly isAddressed?: true;
};

/** A peer as another one sees it. */
export interface RosterEntry extends PeerCard {
  /** Does the one who is told yield when both call at once (perfect negotiation)? Of two, the one who came later does. */
  readonly isPolite: boolean;
}

/** What goes from peer to peer. */
export type Relayed = SignalEvent | CommandOf<'message'>;

/** Whose message with an id it is: it is known by the sender's session and the id, and its sender wants to hear of it. */
export interface Receipt {
  readonly roomId: RoomId;
  readonly from: PeerId;
  readonly session: SessionId;
  readonly id: string;
  /** The sender is told when the receiver has it: it was for one peer, not for everybody. */
  readonly isAwaited: boolean;
}

export type Event =
  | {
      readonly type: 'joined';
      readonly roomId: RoomId;
      readonly roomToken: string;
      readonly self: PeerCard;
      readonly sessionId: SessionId;
      readonly resumeToken: string;
      /** Nothing is missing: what was not had follows. Otherwise start afresh from the roster, the count at 0. */
      readonly resumed: boolean;
      readonly graceMs: number;
      /** The client shows this often that it lives, if it wants to. */
      readonly heartbeatMs: number;
      /** Frames that were not had and follow. */
      readonly missed: number;
      readonly peers: readonly RosterEntry[];
      readonly host: PeerId;
      readonly limits: Limits;
      readonly ice: IceConfig;
      readonly mode: RoomMode;
      /** In an SFU room whose router is known: of another one nothing is left. */
      readonly mediaEpoch: string | undefined;
    }
  | { readonly type: 'left' }
  | { readonly type: 'accepted' }
  | { readonly type: 'delivered' }
  | { readonly type: 'heartbeat_ack' }
  | { readonly type: 'peers'; readonly to: PeerId; readonly peers: readonly PeerCard[] }
  | { readonly type: 'metadata_updated'; readonly peerId: PeerId; readonly metadata: JsonObject }
  | { readonly type: 'refused'; readonly error: SignalingError }
  | SignalEvent
  | CommandOf<'message'>
  | { readonly type: 'peer_joined'; readonly peer: RosterEntry }
  | { readonly type: 'peer_disconnecting'; readonly peerId: PeerId }
  | { readonly type: 'peer_resumed'; readonly peerId: PeerId }
  | { readonly type: 'peer_left'; readonly peerId: PeerId; readonly reason: LeaveReason }
  /** Everybody who is in the room now, for dialects that are told the whole of it at each change. */
  | { readonly type: 'room_state'; readonly peers: readonly PeerCard[] }
  /** `from`: who it was before. */
  | { readonly type: 'host_changed'; readonly host: PeerId; readonly from: PeerId | undefined }
  /** To the peer itself, which is then closed. */
  | { readonly type: 'kicked'; readonly by: PeerId; readonly reason: string | undefined }
  /** To the others; a `peer_left` with that reason goes before it. */
  | {
      readonly type: 'peer_kicked';
      readonly peerId: PeerId;
      readonly by: PeerId;
      readonly reason: string | undefined;
    }
  | { readonly type: 'ice_servers'; readonly ice: IceConfig }
  /** Unix milliseconds. */
  | { readonly type: 'session_expiring'; readonly atMs: number }
  | { readonly type: 'token_refreshed'; readonly untilMs: number }
  | { readonly type: 'chat'; readonly message: ChatMessage }
  /** Oldest first; `next`: what to ask as `before` for the page before. */
  | {
      readonly type: 'chat_page';
      readonly roomId: RoomId;
      readonly messages: readonly ChatMessage[];
      readonly next: number | undefined;
    }
  | {
      readonly type: 'mode_changed';
      readonly mode: RoomMode;
      readonly reason: ModeReason;
      readonly by: PeerId | undefined;
    }
  | { readonly type: 'media'; readonly reply: MediaReply }
  | { readonly type: 'producer_opened'; readonly producer: ProducerCard }
  | { readonly type: 'producer_closed'; readonly producerId: string; readonly peerId: PeerId }
  /** The router of the room is a new one: whoever had media through another one negotiates afresh. */
  | { readonly type: 'media_restarted'; readonly epoch: string }
  /** Nobody has asked for anything just now. */
  | { readonly type: 'media_unavailable' }
  | { readonly type: 'room_closed'; readonly roomId: RoomId; readonly reason: 'deleted' }
  | { readonly type: 'go_away'; readonly retryInMs: number };

/** What one peer says to another must arrive, or be said not to; the server's own words may have no word in a dialect. */
export function isRelayed({ type }: Event): boolean {
  return type === 'signal' || type === 'message';
}
