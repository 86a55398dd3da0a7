import type { RoomId } from '../protocol/ids.js';

/**
 * Which Media Service a room is at, the same for all nodes. A placement ends 24 h after it was last found or made.
 * Calls settle within about three seconds and reject with `STORE_UNAVAILABLE`.
 */
export interface MediaPlacement {
  /** Name of the service. */
  find(roomId: RoomId): Promise<string | undefined>;
  /**
   * Places the room at `service` if it is nowhere, or still at `instead`. Atomic. Resolves to where it is now, which may
   * be elsewhere.
   */
  place(roomId: RoomId, service: string, instead?: string): Promise<string>;
  forget(roomId: RoomId): Promise<void>;
}
