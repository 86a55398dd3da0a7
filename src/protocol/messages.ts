/**
 * The vocabulary: what a peer asks (`Command`) and what a peer is told (`Event`). Wire dialects rename these, they
 * do not invent. Nothing here knows of JSON keys, sockets or vendors.
 */
import type { SignalingError } from './errors.js';
import type { PeerId, RoomId, SessionId } from './ids.js';
import type { Json, JsonObject, PeerCard } from './records.js';

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

/** The very bytes of a frame, for receivers of the same dialect. */
export interface WireFrame {
  readonly dialect: string;
  readonly bytes: Buffer;
  /** Whom it is from stands in it: it may be handed on as it is. */
  readonly isSigned: boolean;
}

export type SignalKind = 'offer' | 'answer' | 'candidate';

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
  readonly token: string;
  readonly count: number;
}

/** What each command carries, by its name. */
interface Payloads {
  join: {
    /** Absent when the client sent something that cannot name a room; refused only after the identity is known. */
    readonly roomId?: RoomId;
    /** Absent when the client sent something that can be no room token. */
    readonly roomToken?: string;
    /** Empty when the client sent something that can be no token. */
    readonly idToken: string;
    /** `false` when the client sent something that can name no peer; absent when the server is to make one up. */
    readonly peerId?: PeerId | false;
    readonly role: string;
    readonly metadata: JsonObject;
    /** Go on with an earlier session, of which so many frames have been had. */
    readonly resume?: ResumeClaim;
    /** A quiet session is told nothing that it did not ask for: the rule of parity. */
    readonly quiet: boolean;
  };
  signal: {
    readonly kind: SignalKind;
    /** Who the frame says it is from, if it says so. */
    readonly from: PeerId | undefined;
    /** `undefined`: everybody else in the room. */
    readonly to: PeerId | undefined;
    readonly body: JsonObject;
    /** `undefined` when receivers of every dialect need it written anew. */
    readonly frame: WireFrame | undefined;
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
}

export type CommandType = keyof Payloads;
/** The command of that name; without an argument, any command. */
export type CommandOf<Type extends CommandType = CommandType> = {
  [Name in Type]: { readonly type: Name } & Payloads[Name];
}[Type];
export type Command = CommandOf;

/** What the server promises a full session, told when it joins. All sizes in bytes, all times in milliseconds. */
export interface Limits {
  readonly maxMessageBytes: number;
  readonly maxOutboxBytes: number;
  readonly maxPeersPerRoom: number;
}

export const leaveReasons = ['left', 'disconnected', 'replaced', 'deleted'] as const;
export type LeaveReason = (typeof leaveReasons)[number];

/** A signal whose sender is known to be who it says. It is told as it was asked: the relay path makes no copy. */
export type SignalEvent = CommandOf<'signal'> & { readonly from: PeerId };

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
      readonly peers: readonly PeerCard[];
      readonly host: PeerId;
      readonly limits: Limits;
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
  | { readonly type: 'peer_joined'; readonly peer: PeerCard }
  | { readonly type: 'peer_disconnecting'; readonly peerId: PeerId }
  | { readonly type: 'peer_resumed'; readonly peerId: PeerId }
  | { readonly type: 'peer_left'; readonly peerId: PeerId; readonly reason: LeaveReason }
  | { readonly type: 'room_closed'; readonly roomId: RoomId; readonly reason: 'deleted' }
  | { readonly type: 'go_away'; readonly retryInMs: number };
