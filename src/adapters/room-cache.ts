import type { RoomId } from '../protocol/ids.js';

/**
 * One text for each room, kept for a while where all who ask for the room look first. Each step is atomic, no call
 * rejects or takes longer than a moment, and what was not answered may have been done all the same.
 */
export interface RoomCache {
  /** Resolves to the text that is there; if there is none, `text` is, for `ms`. `undefined`: no answer. */
  claim(roomId: RoomId, text: string, ms: number): Promise<string | undefined>;
  /** Puts `text` in the place of `seen`, if that is still there. */
  swap(roomId: RoomId, seen: string, text: string, ms: number): Promise<void>;
  /** Puts `text` in the place of whatever is there. False: no answer. */
  set(roomId: RoomId, text: string, ms: number): Promise<boolean>;
}
