import type { RoomId } from '../protocol/ids.js';
import type { RoomMode, RoomRecord, RoomStatus } from '../protocol/records.js';

export interface RoomQuery {
  readonly status?: RoomStatus;
  readonly limit: number;
  /** So many of the newest are left out; with `after`, of those behind it. Together with what `after` still skips, at most 1,000. */
  readonly offset: number;
  /** The `next` of the page before. */
  readonly after?: string;
  readonly nowS: number;
}

export interface RoomPage {
  readonly rooms: readonly RoomRecord[];
  /** Absent when there are no more. */
  readonly next?: string;
}

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
  /**
   * Open rooms that have a listing, for everybody alike, the newest first, those of one status if it is given; those
   * that have expired by `nowS` are `finished` whatever they say. A room that is not open keeps its listing, to be
   * found and changed by its id, and stands in no index. Never reads more than what it skips and returns, and some
   * more; a page may be short, and `next` goes on where it ended. Rejects with `INVALID_MESSAGE` for an `offset` that
   * is too large or an `after` that no page gave.
   */
  list(query: RoomQuery): Promise<RoomPage>;
  /** Writes the status of a room that has a listing, open or not. False: there is no such room. */
  setStatus(roomId: RoomId, status: RoomStatus): Promise<boolean>;
  /** Writes the mode of a room. False: there is no such room. */
  setMode(roomId: RoomId, mode: RoomMode): Promise<boolean>;
  /** Removes the room. Removing what is not there is no error. */
  remove(roomId: RoomId): Promise<void>;
  /** Resolves when the store can serve; for readiness. */
  check(): Promise<void>;
}
