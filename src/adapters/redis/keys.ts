import type { RoomId } from '../../protocol/ids.js';

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
