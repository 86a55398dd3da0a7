import type { NodeId, PeerId, RoomId } from '../../protocol/ids.js';
import type { RoomStatus } from '../../protocol/records.js';

/**
 * Every key that the server uses in Redis, in one place. The keys of one room share the hash tag `{room id}`, and with
 * it a slot of a Redis Cluster, so that one script may touch several of them.
 */
export const keys = {
  /**
   * Hash of the room's attributes `created_by`, `token`, `expires_at` (unix seconds); of some rooms `is_open` (0 or 1) and
   * `mode` (`P2P` or `SFU`); of those that are listed `status`, `created_at` (unix milliseconds), `host_name`.
   * Ends by its TTL one hour after the room has expired; a deletion removes it earlier.
   */
  room: (roomId: RoomId): string => `room:{${hashTag(roomId)}}:record`,
  /**
   * String, JSON: the record of a room that lives elsewhere, that there is none, or that somebody reads or changes it
   * (`cached-room.ts`). It has the room's token in it, a SECRET of whoever may join. TTL `ROOM_CACHE_S`, shorter of
   * what is no room; a change makes it void.
   */
  roomCache: (roomId: RoomId): string => `room:{${hashTag(roomId)}}`,
  /**
   * Hash of who sits in the room, who is the host, and who was removed by it; its fields are in `room-view.ts`.
   * Ends by its TTL one hour after the room has expired, and not while it is used (every write and touch keeps it for
   * another hour).
   */
  seats: (roomId: RoomId): string => `room:{${hashTag(roomId)}}:seats`,
  /** Hash node id -> number of its seats, kept names aside. Written with `seats`, and with the same TTL. */
  nodes: (roomId: RoomId): string => `room:{${hashTag(roomId)}}:nodes`,
  /** String: the address of the Media Service that the room is at. TTL 24 h after it was last found or made. */
  router: (roomId: RoomId): string => `room:{${hashTag(roomId)}}:router`,
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
  /**
   * Sorted set by `seq` of what was said in the room and is not in the archive yet; its members are in `chat-text.ts`.
   * TTL seven days after the last message: a long outage of the archive loses nothing. Empty, and so no key, when the
   * archive has everything.
   */
  chatBuffer: (roomId: RoomId): string => `chat:buffer:{${hashTag(roomId)}}`,
  /** The same of the latest 200 messages, archived or not. TTL an hour after the last one. */
  chatRecent: (roomId: RoomId): string => `chat:recent:{${hashTag(roomId)}}`,
  /**
   * Sorted set by `seq` of who said a message under which id, hashed: those of the last hour, at most 250,000; and
   * `forgotten`, up to where the chat of a deleted room of that name is to be nowhere. TTL an hour after the last message
   * or the deletion.
   */
  chatIds: (roomId: RoomId): string => `chat:ids:{${hashTag(roomId)}}`,
  /** No key but a channel: what is said in a room. */
  chatChannel: (roomId: RoomId): string => `channel:chat:{${hashTag(roomId)}}`,
  /**
   * Sorted sets, spread by room: rooms in which something may wait for the archive, by when somebody last said something
   * there (Redis's clock, ms). Who finds nothing strikes the room off. TTL seven days after the last message.
   */
  chatWaiting: (part: number): string => `chat:waiting:{${String(part)}}`,
  /**
   * Sorted set by `seq` of what was said in the room, where Redis is the archive too: the latest 100,000 messages.
   * TTL: as long as chat is kept (`CHAT_TTL_S`), from the last message on.
   */
  chatArchive: (roomId: RoomId): string => `chat:archive:{${hashTag(roomId)}}`,
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
