/** Rooms for lobbies: made, listed, read, changed and removed over HTTP, in S2's shapes and, for participants, S4's. */
import type { Request } from 'express';
import { maySee, type RoomInside, type RoomsApi } from '../../core/rooms-api.js';
import { SignalingError } from '../../protocol/errors.js';
import type { Identity } from '../../protocol/records.js';
import { tooMany, type Asker } from './asker.js';
import { errorReply, errorReplyTo, unauthorized } from './error-reply.js';
import type { MethodRoute } from './method-routes.js';
import { jsonReply, type Reply } from './reply.js';
import { checked, checkedBody, listSchema, newRoomSchema, roomIdOf, statusSchema } from './room-input.js';
import { participantsOf, roomOf } from './room-view.js';

export interface RoomsApiParts extends Asker {
  readonly rooms: RoomsApi;
  readonly settings: {
    /** Who proves nothing may make and read rooms (S2). */
    readonly allowAnonymousRooms: boolean;
    /** `POST /rooms` and, apart from it, `GET /rooms`, by address; 0: no limit. */
    readonly roomsPerMinutePerIp: number;
  };
}

/** Room tokens have 24 bits: nobody may try many. */
const roomTokensPerMinute = 30;

type Answer = (parts: RoomsApiParts, request: Request) => Promise<Reply>;

const paths: readonly (readonly [path: string, method: MethodRoute['method'], answer: Answer])[] = [
  ['/rooms', 'GET', list],
  ['/rooms', 'POST', create],
  ['/rooms/:id', 'GET', readOne],
  ['/rooms/:id', 'PATCH', change],
  ['/rooms/:id', 'DELETE', remove],
  ['/rooms/:id/participants', 'GET', participants],
  ['/webrtc/rooms/:id/participants', 'GET', participants],
  ['/users/:uid', 'GET', user],
];

export function roomsApiRoutes(parts: RoomsApiParts): readonly MethodRoute[] {
  return paths.map(([path, method, answer]) => ({
    path,
    method,
    answer: async (request) => {
      const reply = await answer(parts, request).catch(errorReplyTo);
      // What is shown depends on who asks.
      return { ...reply, headers: { ...reply.headers, 'cache-control': 'no-store' } };
    },
  }));
}

async function create(parts: RoomsApiParts, request: Request): Promise<Reply> {
  const body = await checkedBody(newRoomSchema, request);
  const refusal = await limited(parts, request, 'rooms', parts.settings.roomsPerMinutePerIp);
  if (refusal !== undefined) return refusal;
  const caller = await callerOf(parts, request);
  if (caller === 'nobody') return nobody();
  const { hostUid, access } = body;
  if (hostUid !== undefined && caller !== undefined && ![caller.sub, caller.username].includes(hostUid)) {
    return errorReply(403, 'hostUid is not the user of this token');
  }
  // Who proves nothing is called as it says.
  const hostName = body.hostName ?? (caller === undefined ? hostUid : undefined);
  const room = await parts.rooms.createListed(caller, {
    isOpen: access === 'open',
    ...(hostName !== undefined && { hostName }),
  });
  return jsonReply(200, { ...roomOf(room), token: room.record.token });
}

async function list(parts: RoomsApiParts, request: Request): Promise<Reply> {
  const refusal = await limited(parts, request, 'room_lists', parts.settings.roomsPerMinutePerIp);
  if (refusal !== undefined) return refusal;
  if ((await callerOf(parts, request)) === 'nobody') return nobody();
  const { limit, offset, status, after } = checked(listSchema, request.query);
  const { rooms, next } = await parts.rooms.page({
    limit,
    offset,
    ...(status !== undefined && { status }),
    ...(after !== undefined && { after }),
  });
  return jsonReply(200, { rooms: rooms.map(roomOf), limit, offset, ...(next !== undefined && { next }) });
}

function readOne(parts: RoomsApiParts, request: Request): Promise<Reply> {
  return show(parts, request, (room) => jsonReply(200, roomOf(room)));
}

function participants(parts: RoomsApiParts, request: Request): Promise<Reply> {
  return show(parts, request, (room) => jsonReply(200, participantsOf(room)));
}

/** A room that the caller may not see is not there. */
async function show(parts: RoomsApiParts, request: Request, as: (room: RoomInside) => Reply): Promise<Reply> {
  const roomToken = request.query['room_token'];
  if (typeof roomToken === 'string') {
    const refusal = await limited(parts, request, 'room_tokens', roomTokensPerMinute);
    if (refusal !== undefined) return refusal;
  }
  const caller = await callerOf(parts, request);
  if (caller === 'nobody') return nobody();
  const room = await parts.rooms.read(roomIdOf(request));
  const token = typeof roomToken === 'string' ? roomToken : undefined;
  if (room === undefined || !maySee(room, caller, token)) throw new SignalingError('ROOM_NOT_FOUND');
  return as(room);
}

async function change(parts: RoomsApiParts, request: Request): Promise<Reply> {
  const { status } = await checkedBody(statusSchema, request);
  const caller = await callerOf(parts, request);
  if (caller === 'nobody' || caller === undefined) return nobody();
  return jsonReply(200, roomOf(await parts.rooms.setStatus(caller, roomIdOf(request), status)));
}

async function remove(parts: RoomsApiParts, request: Request): Promise<Reply> {
  const caller = await callerOf(parts, request);
  if (caller === 'nobody' || caller === undefined) return nobody();
  await parts.rooms.remove(caller, roomIdOf(request));
  return { status: 204, text: '' };
}

async function user(parts: RoomsApiParts, request: Request): Promise<Reply> {
  const caller = await callerOf(parts, request);
  if (caller === 'nobody' || caller === undefined) return nobody();
  if (request.params['uid'] !== caller.sub) return errorReply(403, 'Users are shown to themselves only');
  const found = await parts.rooms.user(caller.sub);
  if (found === undefined) return errorReply(404, 'User not found');
  return jsonReply(200, { uid: found.uid, handle: found.handle, created: found.createdAtMs });
}

/** `undefined`: has proved nothing, and need not; `nobody`: should have. Rejects for a token that is not good. */
async function callerOf(
  { rooms, settings, credentialOf }: RoomsApiParts,
  request: Request,
): Promise<Identity | undefined | 'nobody'> {
  const credential = credentialOf(request);
  if (credential !== undefined) return rooms.identify(credential);
  return settings.allowAnonymousRooms ? undefined : 'nobody';
}

function nobody(): Reply {
  return unauthorized('A token is needed: Authorization: Bearer, or the cookie access_token');
}

/** The refusal, when this address has asked too often. */
async function limited(
  { limiter, tally, addressOf }: RoomsApiParts,
  request: Request,
  name: string,
  limit: number,
): Promise<Reply | undefined> {
  const verdict = await limiter.take({ name, limit, perMs: 60_000 }, addressOf(request));
  if (verdict.isAllowed) return undefined;
  tally.requests_limited += 1;
  return tooMany(verdict.retryAfterMs, 'error');
}
