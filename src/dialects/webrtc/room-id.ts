import { asRoomId, type RoomId } from '../../protocol/ids.js';

/** S4's own words. */
export const roomIdRule = 'Room ID must be alphanumeric, with - and _, 1 to 100 characters';

/** `undefined` when S4 would not have it. */
export function toRoomId(text: string): RoomId | undefined {
  return /^[A-Za-z0-9_-]{1,100}$/.test(text) ? asRoomId(text) : undefined;
}
