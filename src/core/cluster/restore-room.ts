import type { Context } from '../context.js';
import type { Room } from '../room.js';
import type { Session } from '../session.js';

/** What lost the seats may have lost the room too: who serves it puts it back. */
export async function restoreRoom(
  { store, clock, logger, hub }: Context,
  room: Room<Session>,
): Promise<void> {
  const nowMs = clock.now();
  if (hub.isBuried(room.id) || room.expiresAtMs < nowMs) return;
  try {
    await store.create(room.record, Math.floor(nowMs / 1000));
  } catch (error) {
    logger.warn('room_not_restored', { room: room.id, error });
  }
}
