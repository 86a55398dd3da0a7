import type { NodeId, PeerId, RoomId } from '../../protocol/ids.js';

/**
 * Every key that the server uses in Redis, in one place. The keys of one room share the hash tag `{room id}`, and with
 * it a slot of a Redis Cluster, so that one script may touch several of them.
 */
export const keys = {
  /**
   * Hash of the room's attributes `created_by`, `token`, `expires_at` (unix seconds).
   * Ends by its TTL one hour after the room has expired; a deletion removes it earlier.
   */
  room: (roomId: RoomId): string => `room:{${hashTag(roomId)}}:record`,
  /**
   * Hash of who sits in the room: `epoch`, `version`, `born`, `expires`; `s:{peer}` a seat (`room-seat.ts`), `l:{node}`
   * in which life the node last wrote here, `g:{peer}` a seat given up that this memory never held.
   * Ends by its TTL one hour after the room has expired, and not while it is used (every write and touch keeps it for
   * another hour).
   */
  seats: (roomId: RoomId): string => `room:{${hashTag(roomId)}}:seats`,
  /** Hash node id -> number of its seats, kept names aside. Written with `seats`, and with the same TTL. */
  nodes: (roomId: RoomId): string => `room:{${hashTag(roomId)}}:nodes`,
  /** String, the node's id: the peer has shown that it lives. TTL 30 s. */
  presence: (roomId: RoomId, peerId: PeerId): string => `presence:{${hashTag(roomId)}}:${peerId}`,
  /** No key but a channel: the changes of a room. */
  roomChannel: (roomId: RoomId): string => `channel:room:{${hashTag(roomId)}}`,
  /**
   * Hash room id -> node id: where a peer of that name sits. The node that ends a seat removes its field; the TTL is
   * that of the longest-lived of the rooms. It may name rooms that the peer has left.
   */
  userNode: (peerId: PeerId): string => `user:{${hashTag(peerId)}}:node`,
  /** String, the room's id: the peer is expected back there. TTL: the grace window. Removed when the wait is over. */
  disconnecting: (peerId: PeerId): string => `disconnecting:{${hashTag(peerId)}}`,
  /**
   * Sorted set of the rooms in which a node has, or had, seats, by when the room's seats may be forgotten (unix
   * seconds), for the sweep. The node removes what is past; TTL as the last of them.
   */
  nodeRooms: (nodeId: NodeId): string => `node:{${hashTag(nodeId)}}:rooms`,
  /** No key but a channel: letters to a node. */
  nodeChannel: (nodeId: NodeId): string => `channel:node:{${hashTag(nodeId)}}`,
  /**
   * Hash node id -> its life, end of its lease, last sign of life. Who has swept a lapsed node removes its field.
   * TTL an hour after the last renewal of any node, or as the longest-lived room that a node has entered.
   */
  leases: 'signaling:leases',
  /**
   * String: the private key of the embedded identities, PEM. A SECRET (see `RedisSigningKey`).
   * No TTL; its owner is the operator: it lives as long as the deployment, and deleting it ends nobody's tokens
   * before all nodes have been stopped, because running nodes put it back.
   */
  signingKey: 'signaling:signing-key',
} as const;

/** A tag ends at its first `}` and must not be empty, but ids may hold anything. Other characters stay as they are. */
function hashTag(id: string): string {
  return id.replace(/[{}%]/g, (character) => encodeURIComponent(character));
}
