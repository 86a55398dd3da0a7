import type { ChatMessage } from '../protocol/chat.js';
import type { RoomId } from '../protocol/ids.js';

/**
 * Where chat stays. Slow and often away, compared with the log: nobody who speaks waits for it.
 *
 * Calls settle within a few seconds and reject with a `SignalingError` `STORE_UNAVAILABLE` whose `cause` is the vendor's.
 */
export interface ChatArchive {
  /** Stores messages of one room, at most 100. What it has already, by room and `seq`, is stored once. */
  store(messages: readonly ChatMessage[]): Promise<void>;
  /** Reads what the last finished `store` left: the newest `limit` (at most 201) before `seq`, oldest first. */
  before(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]>;
  /** What was said in a room up to that place. The room may have been made anew, and what is said there since stays. */
  forget(roomId: RoomId, upTo: number): Promise<void>;
}
