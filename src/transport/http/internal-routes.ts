/** What services behind the same wall ask (S1): never for the open internet, and always with a key. */
import type { Request } from 'express';
import type { RoomsApi } from '../../core/rooms-api.js';
import { sameSecret } from '../../core/secret.js';
import { SignalingError } from '../../protocol/errors.js';
import { errorReply, errorReplyTo } from './error-reply.js';
import type { MethodRoute } from './method-routes.js';
import { jsonReply, type Reply } from './reply.js';
import { roomIdOf } from './room-input.js';
import { internalRoomOf } from './room-view.js';
import type { Secret } from '../../protocol/secret.js';

export interface InternalParts {
  readonly rooms: Pick<RoomsApi, 'read'>;
  readonly settings: {
    /** A SECRET that both sides have. Absent: there are no such paths. */
    readonly internalServiceKey: Secret | undefined;
    readonly maxPeersPerRoom: number;
  };
}

const keyHeader = 'x-internal-service-key';

export function internalRoutes({ rooms, settings }: InternalParts): readonly MethodRoute[] {
  const { internalServiceKey: key, maxPeersPerRoom } = settings;
  if (key === undefined) return [];
  const read = async (request: Request): Promise<Reply> => {
    const shown = request.headers[keyHeader];
    if (typeof shown !== 'string' || !sameSecret(shown, key.reveal())) {
      const refusal = errorReply(403, 'The header X-Internal-Service-Key is missing or not right');
      return { ...refusal, hasWrongKey: shown !== undefined, noted: { event: 'internal_key_refused' } };
    }
    const room = await rooms.read(roomIdOf(request));
    if (room === undefined) throw new SignalingError('ROOM_NOT_FOUND');
    return jsonReply(200, internalRoomOf(room, maxPeersPerRoom));
  };
  const answer = (request: Request): Promise<Reply> => read(request).catch(errorReplyTo);
  return [{ path: '/internal/rooms/:id', method: 'GET', answer }];
}
