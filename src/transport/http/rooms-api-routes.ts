/** Rooms for lobbies: made, listed, read, changed and removed over HTTP, in S2's shapes and, for participants, S4's. */
import type { Request } from 'express';
import { maySee, type RoomInside } from '../../core/rooms-api.js';
import { SignalingError } from '../../protocol/errors.js';
import { errorReply, errorReplyTo } from './error-reply.js';
import { messages } from './messages-routes.js';
import type { MethodRoute } from './method-routes.js';
import { jsonReply, type Reply } from './reply.js';
import { callerOf, limited, nobody, roomTokenOf, type RoomAsker } from './room-caller.js';
import { changeSchema, checked, checkedBody, listSchema, newRoomSchema, roomIdOf } from './room-input.js';
import { participantsOf, roomOf } from './room-view.js';

export interface RoomsApiParts extends RoomAsker {
  readonly settings: RoomAsker['settings'] & {
    /** `POST /rooms` and, apart from it, `GET /rooms`, by address; 0: no limit. */
    readonly roomsPerMinutePerIp: number;
  };
}

type Answer = (parts: RoomsApiParts, request: Request) => Promise<Reply>;

const paths: readonly (readonly [path: string, method: MethodRoute['method'], answer: Answer])[] = [
  ['/rooms', 'GET', list],
  ['/rooms', 'POST', create],
  ['/rooms/:id', 'GET', readOne],
  ['/rooms/:id', 'PATCH', change],
  ['/rooms/:id', 'DELETE', remove],
  ['/rooms/:id/participants', 'GET', participants],
  ['/rooms/:id/messages', 'GET', messages],
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
  const { hostUid, access, mode } = body;
  if (hostUid !== undefined && caller !== undefined && ![caller.sub, caller.username].includes(hostUid)) {
    return errorReply(403, 'hostUid is not the user of this token');
  }
  // Who proves nothing is called as it says.
  const hostName = body.hostName ?? (caller === undefined ? hostUid : undefined);
  const room = await parts.rooms.createListed(caller, {
    isOpen: access === 'open',
    ...(hostName !== undefined && { hostName }),
    ...(mode && { mode }),
  });
  const { roomId, createdBy, token } = room.record;
  const noted = { event: 'room_created', fields: { room: roomId, sub: createdBy } } as const;
  return { ...jsonReply(200, { ...roomOf(room), token }), noted };
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
  const given = await roomTokenOf(parts, request);
  if ('refusal' in given) return given.refusal;
  const caller = await callerOf(parts, request);
  if (caller === 'nobody') return nobody();
  const room = await parts.rooms.read(roomIdOf(request));
  if (room === undefined || !maySee(room, caller, given.roomToken))
    throw new SignalingError('ROOM_NOT_FOUND');
  return as(room);
}

async function change(parts: RoomsApiParts, request: Request): Promise<Reply> {
  const { status, mode } = await checkedBody(changeSchema, request);
  const caller = await callerOf(parts, request);
  if (caller === 'nobody' || caller === undefined) return nobody();
  const wanted = { ...(status && { status }), ...(mode && { mode }) };
  const roomId = roomIdOf(request);
  const changed = await parts.rooms.change(caller, roomId, wanted);
  const fields = { room: roomId, sub: caller.sub, code: [status, mode].filter(Boolean).join(' ') };
  return { ...jsonReply(200, roomOf(changed)), noted: { event: 'room_changed', fields } };
}

async function remove(parts: RoomsApiParts, request: Request): Promise<Reply> {
  const caller = await callerOf(parts, request);
  if (caller === 'nobody' || caller === undefined) return nobody();
  const roomId = roomIdOf(request);
  await parts.rooms.remove(caller, roomId);
  const fields = { room: roomId, sub: caller.sub };
  return { status: 204, text: '', noted: { event: 'room_deleted', fields } };
}

async function user(parts: RoomsApiParts, request: Request): Promise<Reply> {
  const caller = await callerOf(parts, request);
  if (caller === 'nobody' || caller === undefined) return nobody();
  if (request.params['uid'] !== caller.sub) return errorReply(403, 'Users are shown to themselves only');
  const found = await parts.rooms.user(caller.sub);
  if (found === undefined) return errorReply(404, 'User not found');
  return jsonReply(200, { uid: found.uid, handle: found.handle, created: found.createdAtMs });
}
