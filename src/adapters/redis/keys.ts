import type { NodeId, PeerId, RoomId } from '../../protocol/ids.js';
import type { RoomStatus } from '../../protocol/records.js';

/**
 * Every key that the server uses in Redis, in one place. The keys of one room share the hash tag `{room id}`, and with
 * it a slot of a Redis Cluster, so that one script may touch several of them.
 */
export const keys = {
  /**
   * Hash of the room's attributes `created_by`, `token`, `expires_at` (unix seconds); of some rooms `is_open` (0 or 1);
   * of those that are listed `status`, `created_at` (unix milliseconds), `host_name`.
   * Ends by its TTL one hour after the room has expired; a deletion removes it earlier.
   */
  room: (roomId: RoomId): string => `room:{${hashTag(roomId)}}:record`,
  /**
   * Hash of who sits in the room, who is the host, and who was removed by it; its fields are in `room-view.ts`.
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
   * String: when all of what the rule allows that key (an address, a user) is there again; Redis's clock, ms.
   * TTL: until then.
   */
  rate: (rule: string, key: string): string => `signaling:rate:${rule}:{${hashTag(key)}}`,
  /**
   * Hash node id -> how many connections it has of that key (an address), and until when that holds (Redis's clock, ms).
   * A node says it again every 20 s. TTL 60 s after the last word of any node.
   */
  held: (name: string, key: string): string => `signaling:held:${name}:{${hashTag(key)}}`,
  /**
   * Sorted sets, one for each status, in one slot: `{created_at}:{expires_at}:{room id}` of the rooms that are listed, by
   * `created_at`. A step beside the room's record, and never the truth about it. Whoever adds one strikes off some that
   * are past keeping. TTL an hour after the longest-lived of the rooms has expired.
   */
  roomIndex: (status: RoomStatus): string => `signaling:{rooms}:${status}`,
  /** Hash `handle`, `created` (unix milliseconds) of a user that has made a room. TTL 400 days after the last one. */
  user: (uid: string): string => `signaling:user:{${hashTag(uid)}}`,
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
