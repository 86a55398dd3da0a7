/** Webrtc frames out: what S4's server says, and what it says beyond that to those who asked for it. */
import { errorTable, type ErrorCode, type SignalingError } from '../../protocol/errors.js';
import { chatTimeMs } from '../../protocol/chat.js';
import type { Ask, Event, SignalEvent } from '../../protocol/messages.js';
import type { JsonObject } from '../../protocol/records.js';
import type { Scope } from '../dialect.js';
import { fromPeerId } from '../peer-key.js';
import { chatPayload } from './chat-sayings.js';
import { isoTime } from './envelope.js';
import { extendedSaying, type Saying } from './extended-sayings.js';
import { spell, type Spelling } from './name.js';
import { joinedState, roomState, userOf } from './room-state.js';
import { signalText } from './signal-text.js';

/** How a socket is spoken to. `isExtended`: also in words that S4 does not have. */
export interface Voice {
  readonly spelling: Spelling;
  readonly isExtended: boolean;
}

type ChatEvent = Extract<Event, { type: 'chat' }>;

/** Errors that S4 calls otherwise. */
const codes: Readonly<Partial<Record<ErrorCode, string>>> = {
  RATE_LIMITED: 'RATE_LIMIT_EXCEEDED',
  INTERNAL: 'INTERNAL_ERROR',
};

export function encodeWebrtc(
  event: Event,
  ask: Ask | undefined,
  scope: Scope,
  { spelling, isExtended }: Voice,
): Buffer | string | undefined {
  if (event.type === 'signal') return signalText(event, spelling, scope);
  if (event.type === 'chat') return chatText(event, ask, { spelling, isExtended });
  const said = saying(event, ask, scope, isExtended);
  if (said === undefined) return undefined;
  const [kind, payload] = said;
  return JSON.stringify({
    type: spell(kind, spelling),
    payload,
    sender_id: null,
    room_id: scope.roomId ?? null,
    timestamp: null,
    ...quoted(ask, isExtended),
  });
}

/** S4's own clients show at once what they say, and are not told it again. */
function chatText(
  { message }: ChatEvent,
  ask: Ask | undefined,
  { spelling, isExtended }: Voice,
): string | undefined {
  if (ask !== undefined && !isExtended) return undefined;
  const payload = chatPayload(message, isExtended);
  return JSON.stringify({
    type: spell('chat_message', spelling),
    payload,
    sender_id: fromPeerId(message.from),
    room_id: message.roomId,
    timestamp: isoTime(chatTimeMs(message)),
    ...quoted(ask, isExtended),
  });
}

function quoted(ask: Ask | undefined, isExtended: boolean): JsonObject {
  return isExtended && ask?.id !== undefined ? { reply_to: ask.id } : {};
}

function saying(
  event: Exclude<Event, SignalEvent | ChatEvent>,
  ask: Ask | undefined,
  scope: Scope,
  isExtended: boolean,
): Saying | undefined {
  switch (event.type) {
    case 'joined':
      return ['room_state', joinedState(event, isExtended)];
    case 'room_state':
      return ['room_state', roomState(scope.roomId, event.peers)];
    case 'peer_joined': {
      const { peerId, connectedAtMs, role, metadata, isPolite } = event.peer;
      const more = isExtended ? { role, metadata, polite: isPolite } : {};
      return ['user_joined', { ...userOf(peerId), timestamp: isoTime(connectedAtMs), ...more }];
    }
    case 'peer_left': {
      const more = isExtended ? { reason: event.reason } : {};
      return ['user_left', { ...userOf(event.peerId), timestamp: isoTime(scope.now()), ...more }];
    }
    case 'host_changed':
      return [
        'role_updated',
        {
          user_id: fromPeerId(event.host),
          role: 'host',
          updated_by: event.from === undefined ? null : fromPeerId(event.from),
          timestamp: isoTime(scope.now()),
        },
      ];
    case 'kicked':
      return ['error', kicked(event)];
    case 'refused':
      return ['error', refused(event.error, isExtended)];
    case 'heartbeat_ack':
    case 'chat_page':
    case 'token_refreshed':
    case 'left':
      // S4 has no such verbs: whoever asks knows the answer.
      return isExtended || ask !== undefined ? extendedSaying(event) : undefined;
    default:
      return isExtended ? extendedSaying(event) : undefined;
  }
}

function kicked({ by, reason }: Extract<Event, { type: 'kicked' }>): JsonObject {
  const { text } = errorTable.KICKED;
  const message = reason === undefined ? text : `${text} Reason: ${reason}`;
  return { code: 'KICKED', message, details: { by: fromPeerId(by), reason: reason ?? null } };
}

function refused(error: SignalingError, isExtended: boolean): JsonObject {
  const { code, message, retryAfterMs, fields, retryable } = error;
  const hint = code === 'RATE_LIMITED' && retryAfterMs !== undefined;
  return {
    code: codes[code] ?? code,
    message: hint ? `${message} Retry after ${Math.ceil(retryAfterMs / 1000)}s` : message,
    details: fields ?? null,
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
    ...(isExtended ? { retryable } : {}),
  };
}
