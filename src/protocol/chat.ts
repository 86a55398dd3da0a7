/** Chat as it is kept: what a room's peers said, in the one order that all nodes agree on. */
import type { PeerId, RoomId } from './ids.js';

/** What a peer wants to say. */
export interface ChatDraft {
  readonly roomId: RoomId;
  /** The client's own, or one that the server made up. The same from the same sender is the same message. */
  readonly id: string;
  readonly from: PeerId;
  /** `sub` claim of the sender. It is stored, and shown to nobody. */
  readonly sub: string;
  readonly content: string;
}

/** A message that has its place. */
export interface ChatMessage extends ChatDraft {
  /**
   * Its place in the room: unix microseconds, unique in the room and growing with each message, also when the memory of
   * the messages before it was lost in between. A safe integer.
   */
  readonly seq: number;
}

/** By what a message is known when it is said again, and its place. */
export type ChatName = Pick<ChatMessage, 'id' | 'from' | 'sub' | 'seq'>;

/** Part of a room's history. */
export interface ChatPage {
  /** Oldest first. */
  readonly messages: readonly ChatMessage[];
  /** What is asked as `before` to get the page before this one; absent when there is none. */
  readonly next?: number;
}

/** Unix milliseconds. */
export function chatTimeMs({ seq }: ChatMessage): number {
  return Math.floor(seq / 1000);
}
