/** `room-state`: everybody who is in the room, and to the one who joins what else there is to know. */
import type { PeerId, RoomId } from '../../protocol/ids.js';
import type { Limits } from '../../protocol/limits.js';
import type { Event, RosterEntry } from '../../protocol/messages.js';
import type { JsonObject, PeerCard } from '../../protocol/records.js';
import { fromPeerId } from '../peer-key.js';
import { isoTime } from './envelope.js';
import { webrtcIceServers } from './ice-config.js';

type Joined = Extract<Event, { type: 'joined' }>;

/** Of everybody, each as others see them. */
export function roomState(roomId: RoomId | undefined, peers: readonly PeerCard[]): JsonObject {
  return {
    room_id: roomId ?? null,
    participants: peers.map(participant),
    participant_count: peers.length,
  };
}

/** To the one who joined: the first in are named first, itself last. */
export function joinedState(event: Joined, isExtended: boolean): JsonObject {
  const { roomId, self, peers } = event;
  const state = roomState(roomId, [...peers, self]);
  const whole = isExtended ? { ...state, ...extras(event) } : state;
  // S4 counted nothing: its last_sequence was 0 always.
  const reconnected = { reconnected: true, missed_message_count: event.missed, last_sequence: 0 };
  return event.resumed ? { ...reconnected, ...whole } : whole;
}

/** What names a peer. One user may be several of them, so the user's name would not do. */
export function userOf(peerId: PeerId): JsonObject {
  return { user_id: fromPeerId(peerId), username: fromPeerId(peerId) };
}

function participant({ peerId, connectedAtMs }: PeerCard): JsonObject {
  return { ...userOf(peerId), joined_at: isoTime(connectedAtMs) };
}

function extras(event: Joined): JsonObject {
  return {
    participants: [...event.peers.map(rosterEntry), participant(event.self)],
    user_id: fromPeerId(event.self.peerId),
    session_id: event.sessionId,
    resume_token: event.resumeToken,
    grace_ms: event.graceMs,
    heartbeat_ms: event.heartbeatMs,
    host_id: fromPeerId(event.host),
    mode: event.mode,
    limits: limits(event.limits),
    ice_servers: webrtcIceServers(event.ice),
    ice_transport_policy: event.ice.transportPolicy,
  };
}

function rosterEntry(entry: RosterEntry): JsonObject {
  return { ...participant(entry), polite: entry.isPolite };
}

function limits(promised: Limits): JsonObject {
  return {
    max_message_bytes: promised.maxMessageBytes,
    max_outbox_bytes: promised.maxOutboxBytes,
    max_peers_per_room: promised.maxPeersPerRoom,
    messages_per_second: promised.messagesPerSecond,
    message_burst: promised.messageBurst,
    user_messages_per_second: promised.userMessagesPerSecond,
    max_connections_per_ip: promised.maxConnectionsPerIp,
    sign_ins_per_minute: promised.signInsPerMinute,
    rooms_per_minute: promised.roomsPerMinute,
    ice_requests_per_minute: promised.iceRequestsPerMinute,
    bad_tokens_per_minute: promised.badTokensPerMinute,
    chats_per_second: promised.chatsPerSecond,
    max_chat_chars: promised.maxChatChars,
  };
}
