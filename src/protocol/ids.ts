/**
 * Identifiers. Branded so that a room id cannot be passed where a peer id is meant; at run time they are strings.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** 8 lower-case hex digits when this server made it (S3); any non-empty string when a client names one. */
export type RoomId = Branded<'RoomId'>;
/** A peer's name inside one room. Peers are scoped by room: the same name in two rooms is two peers (D9). */
export type PeerId = Branded<'PeerId'>;
/** One peer's stay in a room; made by the server, never reused. */
export type SessionId = Branded<'SessionId'>;
/** One life of one server process: a restarted process has another. */
export type NodeId = Branded<'NodeId'>;

export const asRoomId = (text: string): RoomId => text as RoomId;
export const asPeerId = (text: string): PeerId => text as PeerId;
export const asSessionId = (text: string): SessionId => text as SessionId;
export const asNodeId = (text: string): NodeId => text as NodeId;
