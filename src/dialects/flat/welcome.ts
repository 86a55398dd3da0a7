/** What flat peers are told when they join, and of each other. */
import type { IceConfig } from '../../protocol/ice.js';
import type { Event, RosterEntry } from '../../protocol/messages.js';
import type { Json, JsonObject, PeerCard } from '../../protocol/records.js';
import { fromPeerId } from '../peer-key.js';

type Joined = Extract<Event, { type: 'joined' }>;

export function registeredAuth(event: Joined): JsonObject {
  return {
    type: 'registered_auth',
    room_id: event.roomId,
    token: event.roomToken,
    peer_id: fromPeerId(event.self.peerId),
  };
}

export function roomJoined(event: Joined): JsonObject {
  return {
    type: 'room_joined',
    room_id: event.roomId,
    peer_id: fromPeerId(event.self.peerId),
    session_id: event.sessionId,
    resume_token: event.resumeToken,
    resumed: event.resumed,
    grace_ms: event.graceMs,
    heartbeat_ms: event.heartbeatMs,
    host: fromPeerId(event.host),
    mode: event.mode,
    sfu_epoch: event.mediaEpoch ?? null,
    peers: event.peers.map(rosterEntry),
    ice_servers: iceServers(event.ice),
    ice_transport_policy: event.ice.transportPolicy,
    limits: {
      max_message_bytes: event.limits.maxMessageBytes,
      max_outbox_bytes: event.limits.maxOutboxBytes,
      max_peers_per_room: event.limits.maxPeersPerRoom,
      messages_per_second: event.limits.messagesPerSecond,
      message_burst: event.limits.messageBurst,
      user_messages_per_second: event.limits.userMessagesPerSecond,
      max_connections_per_ip: event.limits.maxConnectionsPerIp,
      sign_ins_per_minute: event.limits.signInsPerMinute,
      rooms_per_minute: event.limits.roomsPerMinute,
      ice_requests_per_minute: event.limits.iceRequestsPerMinute,
      bad_tokens_per_minute: event.limits.badTokensPerMinute,
      chats_per_second: event.limits.chatsPerSecond,
      max_chat_chars: event.limits.maxChatChars,
    },
  };
}

export function peer(card: PeerCard): JsonObject {
  return {
    peer_id: fromPeerId(card.peerId),
    role: card.role,
    metadata: card.metadata,
    connected_at: card.connectedAtMs / 1000,
  };
}

/** `polite`: the one who is told yields when both call at once (perfect negotiation). */
export function rosterEntry(entry: RosterEntry): JsonObject {
  return { ...peer(entry), polite: entry.isPolite };
}

export function iceServers({ servers }: IceConfig): Json {
  return servers.map((server) => ({ ...server }));
}
