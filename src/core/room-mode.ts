/** How a room's media goes: what stands in the way of changing that, and what is kept of it. */
import { SignalingError } from '../protocol/errors.js';
import type { RoomId } from '../protocol/ids.js';
import type { RoomMode, RoomRecord } from '../protocol/records.js';
import type { Context } from './context.js';

const noService = 'This server has no Media Service: rooms are P2P (its operator sets MEDIA_SERVICE_URL).';

/** Why a room cannot be in that mode just now: `MEDIA_UNAVAILABLE`. */
export function refusedMode(
  { media, mediaServices }: Pick<Context, 'media' | 'mediaServices'>,
  mode: RoomMode,
): SignalingError | undefined {
  if (mode === 'P2P' || media.isAvailable) return undefined;
  const text = mediaServices.length > 0 ? undefined : noService;
  return new SignalingError('MEDIA_UNAVAILABLE', text);
}

/** How a room begins. A Room Service may say SFU of rooms that cannot be. */
export function recordedMode(
  { mediaServices }: Pick<Context, 'mediaServices'>,
  { mode }: RoomRecord,
): RoomMode {
  return mediaServices.length > 0 ? (mode ?? 'P2P') : 'P2P';
}

/** Throws `MEDIA_UNAVAILABLE` where no room can ever be an SFU room. */
export function mustHaveMedia({ mediaServices }: Pick<Context, 'mediaServices'>): void {
  if (mediaServices.length === 0) throw new SignalingError('MEDIA_UNAVAILABLE', noService);
}

/** So that the room is in that mode when it is used again later; until then the presence knows. Never rejects. */
export async function rememberMode(
  { store, logger }: Pick<Context, 'store' | 'logger'>,
  roomId: RoomId,
  mode: RoomMode,
): Promise<void> {
  try {
    await store.setMode(roomId, mode);
  } catch (error) {
    logger.warn('mode_not_stored', { room: roomId, error });
  }
}
