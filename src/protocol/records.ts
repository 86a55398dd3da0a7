import type { NodeId, PeerId, RoomId, SessionId } from './ids.js';

/** Anything that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

/** A room as it is stored; the four attributes of the Python server's `rooms` table (S3). */
export interface RoomRecord {
  readonly roomId: RoomId;
  /** `sub` claim of the user that created the room. */
  readonly createdBy: string;
  /** Room password, 6 lower-case hex digits. Compare it in constant time, never log it. */
  readonly token: string;
  /** Unix time in whole seconds. The store may return a record past this time: the reader decides. */
  readonly expiresAtS: number;
  /** Whoever may use the server may join it: the token is not asked for (S2, S4). */
  readonly isOpen?: boolean;
  /** Present in rooms of the directory (S2), which lists those that are open. */
  readonly listing?: RoomListing;
  /** How its peers exchange media until somebody changes that; absent: `P2P`. */
  readonly mode?: RoomMode;
}

/** Peer to peer, or through a Media Service (S1). */
export const roomModes = ['P2P', 'SFU'] as const;
export type RoomMode = (typeof roomModes)[number];

/** Why a room's mode was changed: by its host, because there were too many for P2P, or no Media Service for SFU. */
export const modeReasons = ['host', 'size', 'media_unavailable'] as const;
export type ModeReason = (typeof modeReasons)[number];

export const roomStatuses = ['waiting', 'playing', 'finished'] as const;
export type RoomStatus = (typeof roomStatuses)[number];

/** What a list of rooms shows (S2). */
export interface RoomListing {
  readonly status: RoomStatus;
  /** Unix time in milliseconds. */
  readonly createdAtMs: number;
  /** How its creator is called. */
  readonly hostName: string;
}

/** A verified user. Made only by a `TokenVerifier`. */
export interface Identity {
  /** `sub` claim. */
  readonly sub: string;
  /** `cognito:username` claim, else `sub`. */
  readonly username: string;
}

/** An identity, and until when its token proves it (unix milliseconds). */
export interface Proof extends Identity {
  readonly provenUntilMs: number;
}

const anonymousMark = 'anonymous:';

/** Somebody who has proved nothing: each socket is another. `name` must be random. */
export function anonymous(name: string): Identity {
  return { sub: anonymousMark + name, username: name };
}

export function isAnonymous({ sub }: Identity): boolean {
  return sub.startsWith(anonymousMark);
}

/** What other peers may know of a peer. */
export interface PeerCard {
  readonly peerId: PeerId;
  /** Free text, `peer` unless the client said otherwise. */
  readonly role: string;
  /** Application data; `tags` (string[]) and `properties` (object) are searchable. */
  readonly metadata: JsonObject;
  /** Unix time in milliseconds. */
  readonly connectedAtMs: number;
}

/** `here`: on a socket; `away`: expected back within its window; `kept`: only the name is (SPEC P6). */
export type Standing = 'here' | 'away' | 'kept';

/** What all nodes know of a seat in a room. */
export interface SeatRecord {
  readonly roomId: RoomId;
  readonly peerId: PeerId;
  readonly sessionId: SessionId;
  /** The node that serves it. */
  readonly nodeId: NodeId;
  /**
   * Grows in a room with each seat that is taken or moved, also when the memory of it was lost in between: of two
   * claims to a name the higher one holds, and a late word of the lower one is void.
   */
  readonly generation: number;
  /** The generation that it had when it was taken; a move keeps it. Of two peers the one with the higher came later. */
  readonly since: number;
  readonly identity: Identity;
  readonly card: PeerCard;
  /** A parity session: it is told nothing that it did not ask for, and cannot resume. */
  readonly isQuiet: boolean;
  readonly standing: Standing;
  /** SHA-256, base64url, of the resume tokens that hold just now. */
  readonly tokenHashes: readonly string[];
}
