/** Gateway frames out. */
import type { SignalingError } from '../../protocol/errors.js';
import type { IceConfig } from '../../protocol/ice.js';
import type { Limits } from '../../protocol/limits.js';
import type { Ask, Event, RosterEntry, SignalEvent } from '../../protocol/messages.js';
import type { JsonObject } from '../../protocol/records.js';
import { contentOf } from '../content-of.js';
import { without } from '../content-parts.js';
import type { Scope } from '../dialect.js';
import { writeGatewayContent } from './gateway-content.js';
import { gatewayName } from './name.js';
import { shownPeer } from './shown-peer.js';

/** For S2's own clients: its four types and its errors. */
export function encodePlain(event: Event, ask: Ask | undefined, scope: Scope): Buffer | string | undefined {
  if (event.type === 'signal' && event.frame?.dialect === gatewayName) {
    const { bytes, isSigned } = event.frame;
    return isSigned ? bytes : stamped(bytes, scope.now());
  }
  return text(toBody(event, ask, scope.now()));
}

/** For clients that also asked who comes and goes. */
export function encodeWithPresence(
  event: Event,
  ask: Ask | undefined,
  scope: Scope,
): Buffer | string | undefined {
  return encodePlain(event, ask, scope) ?? text(toPresence(event, scope.now()));
}

function text(body: JsonObject | undefined): string | undefined {
  return body === undefined ? undefined : JSON.stringify(body);
}

const closingBrace = 0x7d;

/** The frame as it came, with a timestamp at its end: nothing else is touched. */
function stamped(bytes: Buffer, nowMs: number): Buffer {
  const tail = Buffer.from(`,"timestamp":${nowMs}}`);
  return Buffer.concat([bytes.subarray(0, bytes.lastIndexOf(closingBrace)), tail]);
}

function toBody(event: Event, ask: Ask | undefined, nowMs: number): JsonObject | undefined {
  switch (event.type) {
    case 'signal':
      return signal(event, nowMs);
    case 'host_changed':
      return {
        type: 'host-change',
        senderId: shownPeer(event.from ?? event.host),
        newHostId: shownPeer(event.host),
        timestamp: nowMs,
      };
    case 'peer_kicked':
      return {
        type: 'kick',
        senderId: shownPeer(event.by),
        targetId: shownPeer(event.peerId),
        ...(event.reason === undefined ? {} : { reason: event.reason }),
        timestamp: nowMs,
      };
    case 'refused':
      return refused(event.error);
    case 'token_refreshed':
      // S2 has no `auth`: who sent one waits for this.
      return ask?.verb === 'auth' ? { type: 'token-refreshed', expiresAt: event.untilMs } : undefined;
    default:
      return undefined;
  }
}

function signal(event: SignalEvent, nowMs: number): JsonObject | undefined {
  // A notice may be long, and would be read for nothing.
  return event.kind === 'notice' ? undefined : writeGatewayContent(event, contentOf(event), nowMs);
}

/** S2's two errors as it writes them; it has no others, so the rest is said in the same shape, with a code. */
function refused({ code, message, fields, retryAfterMs }: SignalingError): JsonObject {
  switch (code) {
    case 'INVALID_JSON':
      return { error: 'Failed to process message' };
    case 'INVALID_MESSAGE':
      return {
        error: 'Invalid message format',
        details: { formErrors: fields === undefined ? [message] : [], fieldErrors: fields ?? {} },
      };
    case 'SENDER_MISMATCH':
      return {
        error: 'Invalid message format',
        code,
        details: { formErrors: [], fieldErrors: { senderId: [message] } },
      };
    default:
      return {
        error: message,
        code,
        details: { formErrors: [message], fieldErrors: {} },
        ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
      };
  }
}

function toPresence(event: Event, nowMs: number): JsonObject | undefined {
  switch (event.type) {
    case 'joined':
      return welcome(event);
    case 'peer_joined':
      return {
        type: 'peer-joined',
        senderId: shownPeer(event.peer.peerId),
        ...card(event.peer),
        timestamp: nowMs,
      };
    case 'peer_left':
      return {
        type: 'peer-left',
        senderId: shownPeer(event.peerId),
        reason: event.reason,
        timestamp: nowMs,
      };
    case 'peer_disconnecting':
      return { type: 'peer-disconnecting', senderId: shownPeer(event.peerId), timestamp: nowMs };
    case 'peer_resumed':
      return { type: 'peer-resumed', senderId: shownPeer(event.peerId), timestamp: nowMs };
    case 'ice_servers':
      return {
        type: 'ice-servers',
        ...ice(event.ice),
        ...(event.ice.expiresAtMs === undefined ? {} : { expiresAt: event.ice.expiresAtMs }),
        restartIce: true,
      };
    case 'session_expiring':
      return { type: 'session-expiring', expiresAt: event.atMs, inMs: Math.max(0, event.atMs - nowMs) };
    case 'token_refreshed':
      return { type: 'token-refreshed', expiresAt: event.untilMs };
    case 'room_closed':
      return { type: 'room-closed', roomId: event.roomId, reason: event.reason };
    case 'go_away':
      return { type: 'go-away', retryInMs: event.retryInMs };
    default:
      return undefined;
  }
}

/** There is no chat in this dialect. */
const chatLimits: readonly (keyof Limits)[] = ['chatsPerSecond', 'maxChatChars'];

function welcome(event: Extract<Event, { type: 'joined' }>): JsonObject {
  return {
    type: 'welcome',
    roomId: event.roomId,
    senderId: shownPeer(event.self.peerId),
    hostId: shownPeer(event.host),
    peers: event.peers.map((entry) => ({ id: shownPeer(entry.peerId), ...card(entry) })),
    limits: without({ ...event.limits }, chatLimits),
    ...ice(event.ice),
  };
}

function card({ role, metadata, connectedAtMs, isPolite }: RosterEntry): JsonObject {
  return { role, metadata, connectedAt: connectedAtMs, polite: isPolite };
}

function ice({ servers, transportPolicy }: IceConfig): JsonObject {
  return { iceServers: servers.map((server) => ({ ...server })), iceTransportPolicy: transportPolicy };
}
