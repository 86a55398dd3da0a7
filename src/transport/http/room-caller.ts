/** Who asks about rooms, and how often it may. */
import type { Request } from 'express';
import type { RoomsApi } from '../../core/rooms-api.js';
import type { Identity } from '../../protocol/records.js';
import { tooMany, type Asker } from './asker.js';
import { unauthorized } from './error-reply.js';
import type { Reply } from './reply.js';

export interface RoomAsker extends Asker {
  readonly rooms: RoomsApi;
  readonly settings: {
    /** Who proves nothing may make and read rooms (S2). */
    readonly allowAnonymousRooms: boolean;
  };
}

/** Room tokens have 24 bits: nobody may try many. */
const roomTokensPerMinute = 30;

/** `undefined`: has proved nothing, and need not; `nobody`: should have. Rejects for a token that is not good. */
export async function callerOf(
  { rooms, settings, credentialOf }: RoomAsker,
  request: Request,
): Promise<Identity | undefined | 'nobody'> {
  const credential = credentialOf(request);
  if (credential !== undefined) return rooms.identify(credential);
  return settings.allowAnonymousRooms ? undefined : 'nobody';
}

export function nobody(): Reply {
  return unauthorized('A token is needed: Authorization: Bearer, or the cookie access_token');
}

/** The room's token that the query brings, or the refusal, when this address has tried too many. */
export async function roomTokenOf(
  asker: RoomAsker,
  request: Request,
): Promise<{ readonly roomToken: string | undefined } | { readonly refusal: Reply }> {
  const roomToken = request.query['room_token'];
  if (typeof roomToken !== 'string') return { roomToken: undefined };
  const refusal = await limited(asker, request, 'room_tokens', roomTokensPerMinute);
  return refusal === undefined ? { roomToken } : { refusal };
}

/** The refusal, when this address has asked too often. */
export async function limited(
  { limiter, tally, addressOf }: Asker,
  request: Request,
  name: string,
  limit: number,
): Promise<Reply | undefined> {
  const verdict = await limiter.take({ name, limit, perMs: 60_000 }, addressOf(request));
  if (verdict.isAllowed) return undefined;
  tally.requests_limited += 1;
  return tooMany(verdict.retryAfterMs, 'error');
}
