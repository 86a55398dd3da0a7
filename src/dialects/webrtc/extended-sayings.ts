/** What S4's server never says: for those who asked for it with `resume=1`, and where somebody asks. */
import type { Event } from '../../protocol/messages.js';
import type { JsonObject } from '../../protocol/records.js';
import { chatHistory, modeChanged } from './chat-sayings.js';
import { isoTime } from './envelope.js';
import { webrtcIceConfig } from './ice-config.js';
import { userOf } from './room-state.js';

/** A kind, with underscores, and its payload. */
export type Saying = readonly [kind: string, payload: JsonObject];

/** Events that S4 has no word for. */
export type BeyondS4 = Exclude<
  Event,
  {
    type:
      | 'signal'
      | 'joined'
      | 'room_state'
      | 'peer_joined'
      | 'peer_left'
      | 'host_changed'
      | 'kicked'
      | 'refused'
      | 'chat';
  }
>;

/** `undefined`: this dialect has no word for it either. */
export function extendedSaying(event: BeyondS4): Saying | undefined {
  switch (event.type) {
    case 'accepted':
    case 'delivered':
    case 'heartbeat_ack':
      return [event.type, {}];
    case 'left':
      return ['room_left', {}];
    case 'peer_disconnecting':
      return ['user_disconnecting', userOf(event.peerId)];
    case 'peer_resumed':
      return ['user_resumed', userOf(event.peerId)];
    case 'ice_servers': {
      const { expiresAtMs } = event.ice;
      const expiresAt = expiresAtMs === undefined ? null : isoTime(expiresAtMs);
      return ['ice_servers', { ...webrtcIceConfig(event.ice), expires_at: expiresAt, restart_ice: true }];
    }
    case 'session_expiring':
      return ['session_expiring', { expires_at: isoTime(event.atMs) }];
    case 'token_refreshed':
      return ['token_refreshed', { expires_at: isoTime(event.untilMs) }];
    case 'room_closed':
      return ['room_closed', { room_id: event.roomId, reason: event.reason }];
    case 'go_away':
      return ['go_away', { retry_in_ms: event.retryInMs }];
    case 'chat_page':
      return ['chat_history', chatHistory(event)];
    case 'mode_changed':
      return ['room_mode_changed', modeChanged(event)];
    case 'media':
    case 'producer_opened':
    case 'producer_closed':
    case 'media_restarted':
    case 'media_unavailable':
    case 'peers':
    case 'metadata_updated':
    case 'message':
    case 'peer_kicked':
      return undefined;
  }
}
