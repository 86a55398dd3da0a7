import type { RoomId } from '../protocol/ids.js';
import type { RoomRecord } from '../protocol/records.js';

/**
 * Where rooms live. Any node can serve any room, so every join reads it.
 *
 * Every call settles within a few seconds whatever the vendor does (D14), and rejects with a `SignalingError`
 * `STORE_UNAVAILABLE` whose `cause` is the vendor's own error. A record that lacks a field rejects the same way.
 */
export interface RoomStore {
  /**
   * Writes a new room. Atomic: of two concurrent calls with one id, one resolves `taken`. The id of a room that has
   * expired by `nowS` (unix seconds) may be taken again even if the store has not removed it yet.
   */
  create(record: RoomRecord, nowS: number): Promise<'created' | 'taken'>;
  /** Reads what the last finished write left. An expired room may still be found: the caller compares the time. */
  find(roomId: RoomId): Promise<RoomRecord | undefined>;
  /** Removes the room. Removing what is not there is no error. */
  remove(roomId: RoomId): Promise<void>;
  /** Resolves when the store can serve; for readiness. */
  check(): Promise<void>;
}
