import type { RoomId } from '../../protocol/ids.js';
import type { RoomChange } from '../../ports/presence.js';
import type { Logger } from '../../ports/runtime.js';
import { keys } from './keys.js';
import type { RedisSubscriber } from './redis-subscriber.js';
import { parseChange } from './room-change.js';

const COMPLAIN_MS = 60_000;

/** The changes of the rooms that this node watches, as the scripts publish them. */
export class RedisRoomChanges {
  private listener: ((change: RoomChange) => void) | undefined;
  private malformed = 0;
  private complainedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly subscriber: RedisSubscriber,
    private readonly logger: Logger,
  ) {}

  onChange(listener: (change: RoomChange) => void): void {
    this.listener = listener;
  }

  watch(roomId: RoomId): Promise<void> {
    return this.subscriber.subscribe(keys.roomChannel(roomId), (payload) => {
      const change = this.parse(roomId, payload);
      if (change !== undefined) this.listener?.(change);
    });
  }

  unwatch(roomId: RoomId): void {
    this.subscriber.unsubscribe(keys.roomChannel(roomId));
  }

  /** What is no change is dropped; one line a minute tells how many that were. */
  private parse(roomId: RoomId, payload: Buffer): RoomChange | undefined {
    try {
      return parseChange(roomId, payload.toString());
    } catch {
      this.malformed += 1;
      if (performance.now() < this.complainedAtMs + COMPLAIN_MS) return undefined;
      this.complainedAtMs = performance.now();
      this.logger.warn('redis_change_malformed', { count: this.malformed });
      return undefined;
    }
  }
}
