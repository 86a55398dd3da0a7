/** Rooms as S2, S4 and S1 show them. A room's token is in none of them. */
import type { RoomInside } from '../../core/rooms-api.js';
import { fromPeerId } from '../../dialects/peer-key.js';
import { isoTime } from '../../dialects/webrtc/envelope.js';
import { isAnonymous, type Json, type JsonObject, type SeatRecord } from '../../protocol/records.js';

/** So long S1's services keep what they were told of a room. */
const cacheTtlS = 3600;

/** S2's room, and when it ends. Times are unix milliseconds. */
export function roomOf(room: RoomInside): JsonObject {
  const { record, status, seats } = room;
  const hostUid = hostOf(room);
  const uids = [...new Set(seats.map(uidOf))];
  return {
    roomId: record.roomId,
    hostUid,
    // S2's rooms begin with their host: while nobody is there yet, it is the one who is expected.
    players: uids.length === 0 && status === 'waiting' ? [hostUid] : uids,
    status,
    mode: room.mode,
    created: record.listing?.createdAtMs ?? null,
    hostName: record.listing?.hostName ?? null,
    access: record.isOpen === true ? 'open' : 'token',
    expiresAt: record.expiresAtS * 1000,
  };
}

/** S4's participants; `user_id` is the name that messages are sent to. */
export function participantsOf({ record, seats, host }: RoomInside): JsonObject {
  const participants = seats.map((seat) => ({
    user_id: fromPeerId(seat.peerId),
    username: usernameOf(seat),
    joined_at: isoTime(seat.card.connectedAtMs),
    role: seat.card.role,
    host: seat === host,
  }));
  return { room_id: record.roomId, participants, participant_count: participants.length };
}

/** What S1's services read through their cache. */
export function internalRoomOf(room: RoomInside, maxParticipants: number): JsonObject {
  const { record, status, seats, host } = room;
  return {
    id: record.roomId,
    mode: room.mode,
    maxParticipants,
    createdBy: record.createdBy,
    hostId: host === undefined ? null : uidOf(host),
    participants: seats.map((seat) => ({
      userId: uidOf(seat),
      peerId: fromPeerId(seat.peerId),
      role: seat.card.role,
      joinedAt: seat.card.connectedAtMs,
    })),
    isOpen: record.isOpen === true,
    status,
    createdAt: record.listing?.createdAtMs ?? null,
    expiresAt: record.expiresAtS * 1000,
    cacheTtlS,
  };
}

/** Who is the host now; while nobody is, who made the room. */
function hostOf({ record, host }: RoomInside): Json {
  if (host !== undefined) return uidOf(host);
  const { createdBy, listing } = record;
  return isAnonymous({ sub: createdBy, username: '' }) ? (listing?.hostName ?? 'anonymous') : createdBy;
}

/** Who has proved nothing is known by the name it has taken in the room. */
function uidOf({ identity, peerId }: SeatRecord): Json {
  return isAnonymous(identity) ? fromPeerId(peerId) : identity.sub;
}

function usernameOf({ identity, peerId }: SeatRecord): Json {
  return isAnonymous(identity) ? fromPeerId(peerId) : identity.username;
}
