import type { ChatDraft, ChatMessage, ChatName } from '../protocol/chat.js';
import type { RoomId } from '../protocol/ids.js';

/** A message has its place. */
export interface ChatSaid {
  readonly kind: 'said';
  readonly message: ChatMessage;
  /** The `seq` of the one before it in the room; 0: this memory knows of none. Who has seen another one last has missed something. */
  readonly previous: number;
}

export type ChatNews =
  | ChatSaid
  /** These came back after a memory was lost: not in order, and perhaps known. */
  | { readonly kind: 'restored'; readonly roomId: RoomId; readonly messages: readonly ChatMessage[] }
  /** These are in the archive: nobody need keep them for the log any longer. */
  | { readonly kind: 'archived'; readonly roomId: RoomId; readonly seqs: readonly number[] }
  /** What was said in the room so far is to be nowhere any more. */
  | { readonly kind: 'forgotten'; readonly roomId: RoomId };

export interface ChatTerms {
  /** So many messages that the archive has not taken yet are kept for a room; beyond that the oldest are dropped. */
  readonly maxWaiting: number;
}

export interface ChatAppendTerms extends ChatTerms {
  /** What was told in the room: the place is above it, whatever the log has forgotten and whatever its clock says. */
  readonly above?: number;
}

export interface ChatAppended extends ChatSaid {
  /** The same id of the same sender had its place already: this is that message, as it was said first. */
  readonly isRepeat: boolean;
  /** Messages that were dropped unarchived to make room. */
  readonly dropped: number;
}

/**
 * Where messages get their place, and wait for the archive: what all nodes share. Atomic by room. The latest 200
 * messages of a room stay readable after they were archived, so that who missed some catches up.
 *
 * Calls settle within about three seconds and reject with a `SignalingError` `STORE_UNAVAILABLE`, whose `cause` is the
 * vendor's own error, when it cannot be known whether they were carried out; each may be repeated.
 */
export interface ChatLog {
  /** Set before the first `watch`. Told of the rooms that are watched, in the order of their happening. */
  onNews(listener: (news: ChatNews) => void): void;
  /** Calls `listener` when it works again after a time in which news may have been missed or memory lost. */
  onRestored(listener: () => void): void;
  /** Resolves when no news of the room from now on is missed. */
  watch(roomId: RoomId): Promise<void>;
  unwatch(roomId: RoomId): void;

  /** Gives a message its place. An id is known again for an hour at least. */
  append(draft: ChatDraft, terms: ChatAppendTerms): Promise<ChatAppended>;
  /** What it still has after `seq`, oldest first, at most `limit`. */
  after(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]>;
  /** What it still has before `seq`, the newest `limit` of them, oldest first. */
  before(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]>;
  /** The `seq` of the latest; 0 when there is none. */
  last(roomId: RoomId): Promise<number>;

  /** Puts back, with their places, what the memory may have lost and the archive has not. What it has stays as it is. */
  restore(roomId: RoomId, messages: readonly ChatMessage[], terms: ChatTerms): Promise<void>;
  /** These were said, wherever they are now: who says one of them again says nothing new. At most 1,000. */
  recall(roomId: RoomId, names: readonly ChatName[]): Promise<void>;

  /** Some of the rooms that have messages which the archive has not; at most `limit`. */
  waitingRooms(limit: number): Promise<readonly RoomId[]>;
  /** The oldest of those, at most `limit`. */
  waiting(roomId: RoomId, limit: number): Promise<readonly ChatMessage[]>;
  /** The archive has these. */
  archived(roomId: RoomId, seqs: readonly number[]): Promise<void>;
  /**
   * Everything of the room, archived or not. Resolves to a place that none of it is above, and all that is said from now
   * on; for an hour, or until the memory is lost, nothing up to there is put back.
   */
  forget(roomId: RoomId): Promise<number>;
}
