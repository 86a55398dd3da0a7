/** Rooms over HTTP: make one, delete one, delete a peer (SPEC H2 to H10). */
import type { Request } from 'express';
import { asRoomId } from '../../protocol/ids.js';
import type { Json, JsonObject, RoomMode } from '../../protocol/records.js';
import { clientAddress } from '../client-address.js';
import { tooMany } from './asker.js';
import { bearerOf } from './bearer.js';
import type { Desk, HttpParts, HttpSettings } from './desk.js';
import { refusal } from './failure.js';
import { readJsonBody } from './json-body.js';
import { detailReply, faultReply, jsonReply, type Reply } from './reply.js';
import { modeSchema } from './room-input.js';
import type { Route } from './route.js';

export function roomRoutes(parts: HttpParts): readonly Route[] {
  const { desk, settings } = parts;
  return [
    { path: '/create-room', method: 'POST', answer: (request) => createRoom(parts, request) },
    {
      path: '/delete-peers-and-room',
      method: 'POST',
      answer: (request) => deletion(settings, request, deletePeersAndRoom(desk, settings)),
    },
    {
      path: '/delete-peer',
      method: 'POST',
      answer: (request) => deletion(settings, request, deletePeer(desk, settings)),
    },
  ];
}

async function createRoom({ desk, settings, limiter, tally }: HttpParts, request: Request): Promise<Reply> {
  const mode = await readMode(request);
  const limit = { name: 'rooms', limit: settings.roomsPerMinute, perMs: 60_000 };
  const verdict = await limiter.take(limit, clientAddress(request, settings.trustedProxies));
  if (!verdict.isAllowed) {
    tally.requests_limited += 1;
    return tooMany(verdict.retryAfterMs, 'detail');
  }
  const token = bearerOf(request);
  if (token === undefined) {
    const loc = ['header', 'authorization'];
    return faultReply({ type: 'missing', loc, msg: 'Field required', input: null });
  }
  if (mode === 'nonsense') return detailReply(400, 'mode must be P2P or SFU');
  try {
    const room = await desk.createRoom(token, mode === undefined ? {} : { mode });
    const noted = { event: 'room_created', fields: { room: room.roomId, sub: room.createdBy } } as const;
    return { ...jsonReply(200, { room_id: room.roomId, token: room.token }), noted };
  } catch (error) {
    return refusal(error);
  }
}

/**
 * The Python server's clients send no body, and it read none: only an object that has a mode says anything. Call it in
 * the turn the request came in.
 */
async function readMode(request: Request): Promise<RoomMode | 'nonsense' | undefined> {
  if (!hasBody(request)) return undefined;
  const body = await readJsonBody(request);
  const mode = 'object' in body ? body.object['mode'] : undefined;
  if (mode === undefined) return undefined;
  const read = modeSchema.safeParse(mode);
  return read.success ? read.data : 'nonsense';
}

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

type Deletion = (body: JsonObject, bearer: string | undefined) => Promise<Reply>;

/** What both deletions share: who may, and what a body must be (D11, D12). */
async function deletion(settings: HttpSettings, request: Request, run: Deletion): Promise<Reply> {
  const bearer = bearerOf(request);
  if (bearer === undefined && settings.requireDeleteAuth) {
    return detailReply(401, 'Authorization required', { 'www-authenticate': 'Bearer' });
  }
  const body = await readJsonBody(request);
  if ('refused' in body) return body.refused;
  for (const name of ['room_id', 'peer_id']) {
    const input = body.object[name];
    if (typeof input === 'object' && input !== null) {
      const msg = 'Input should be a valid string';
      return faultReply({ type: 'string_type', loc: ['body', name], msg, input });
    }
  }
  try {
    return await run(body.object, bearer);
  } catch (error) {
    return refusal(error);
  }
}

function deletePeersAndRoom(desk: Desk, { peerKey }: HttpSettings): Deletion {
  return async (body, bearer) => {
    const roomId = body['room_id'];
    const peerId = peerKey(body['peer_id'] ?? null);
    let outcome: Awaited<ReturnType<Desk['deletePeersAndRoom']>> = 'peer not found';
    if (isTruthy(roomId)) {
      // No room is named by a number or `true`.
      const byRoom = typeof roomId === 'string';
      outcome = byRoom
        ? await desk.deletePeersAndRoom({ roomId: asRoomId(roomId) }, bearer)
        : 'room not found';
    }
    // The Python server looked at nothing but `peer_id`: a room that is not known does not hide a peer that is.
    if (outcome !== 'deleted' && peerId !== undefined) {
      outcome = await desk.deletePeersAndRoom({ peerId }, bearer);
    }
    if (outcome !== 'deleted') return status(outcome);
    const fields = {
      ...(typeof roomId === 'string' && { room: roomId }),
      ...(peerId !== undefined && { target: peerId }),
    };
    return { ...status('peer deleted successfully'), noted: { event: 'room_deleted', fields } };
  };
}

function deletePeer(desk: Desk, { peerKey }: HttpSettings): Deletion {
  return async (body, bearer) => {
    const peerId = peerKey(body['peer_id'] ?? null);
    const outcome = peerId === undefined ? undefined : await desk.deletePeer(peerId, bearer);
    // Version 2.0 says this of whoever it does not know, and of a request that names nobody.
    if (outcome?.found !== true) return status('peer deleted from Cognito (already removed from room)');
    const left = outcome.roomDeleted ? 'deleted' : 'active';
    const noted = {
      event: 'peer_deleted',
      fields: { ...(peerId && { target: peerId }), code: left },
    } as const;
    return { ...status(`peer deleted successfully. Room status: ${left}`), noted };
  };
}

function status(text: string): Reply {
  return jsonReply(200, { status: text });
}

/** As Python means it, for what is no container. */
function isTruthy(value: Json | undefined): value is string | number | true {
  return Boolean(value);
}
