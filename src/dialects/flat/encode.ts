/** Flat frames out. */
import type { SignalingError, ErrorCode } from '../../protocol/errors.js';
import type { Ask, Event, SignalEvent } from '../../protocol/messages.js';
import type { JsonObject, PeerCard } from '../../protocol/records.js';
import { fromPeerId } from '../peer-key.js';
import { flatName } from './name.js';
import { pythonJson } from './python-json.js';

/** The verbs of the Python server: their answers are written byte for byte as it writes them. */
const pythonVerbs: ReadonlySet<string> = new Set([
  'register',
  'discover_peers',
  'update_metadata',
  'peer_message',
]);

/** What `register` answers for each refusal that the Python server knows. */
const registerRefusals: Readonly<Partial<Record<ErrorCode, JsonObject>>> = {
  MISSING_FIELDS: { type: 'error', reason: 'Missing required fields during registration.' },
  INVALID_TOKEN: { error: 'Invalid token' },
  ROOM_NOT_FOUND: { type: 'error', reason: 'Room not found' },
  INVALID_ROOM_TOKEN: { type: 'error', reason: 'Invalid token' },
  ROOM_EXPIRED: { type: 'error', reason: 'Room expired' },
  STORE_UNAVAILABLE: { type: 'error', reason: 'DynamoDB error' },
};

export function encodeFlat(event: Event, ask: Ask | undefined): Buffer | string {
  if (event.type === 'signal' && event.frame?.dialect === flatName) {
    return signed(event.frame.bytes, event);
  }
  const body = toBody(event, ask);
  // The Python server takes `id` for one more field that it ignores, so `register` does not quote it.
  const reply = ask?.id === undefined || ask.verb === 'register' ? body : { ...body, reply_to: ask.id };
  return ask !== undefined && pythonVerbs.has(ask.verb) ? pythonJson(reply) : JSON.stringify(reply);
}

function toBody(event: Event, ask: Ask | undefined): JsonObject {
  switch (event.type) {
    case 'joined':
      return ask?.verb === 'register' ? registeredAuth(event) : roomJoined(event);
    case 'left':
      return { type: 'room_left' };
    case 'accepted':
    case 'delivered':
    case 'heartbeat_ack':
      return { type: event.type };
    case 'peers':
      return {
        type: 'peer_list',
        to_peer_id: fromPeerId(event.to),
        peers: event.peers.map(peer),
        count: event.peers.length,
      };
    case 'metadata_updated':
      return { type: event.type, peer_id: fromPeerId(event.peerId), metadata: event.metadata };
    case 'refused':
      return refused(event.error, ask?.verb);
    case 'signal':
      return signal(event);
    case 'message':
      return {
        type: 'peer_message',
        from_peer_id: fromPeerId(event.from),
        to_peer_id: fromPeerId(event.to),
        payload: event.payload,
      };
    case 'peer_joined':
      return { type: 'user_joined', ...peer(event.peer), polite: false };
    case 'peer_disconnecting':
      return { type: 'user_disconnecting', peer_id: fromPeerId(event.peerId) };
    case 'peer_resumed':
      return { type: 'user_resumed', peer_id: fromPeerId(event.peerId) };
    case 'peer_left':
      return { type: 'user_left', peer_id: fromPeerId(event.peerId), reason: event.reason };
    case 'room_closed':
      return { type: 'room_closed', room_id: event.roomId, reason: event.reason };
    case 'go_away':
      return { type: 'go_away', retry_in_ms: event.retryInMs };
  }
}

function registeredAuth(event: Extract<Event, { type: 'joined' }>): JsonObject {
  return {
    type: 'registered_auth',
    room_id: event.roomId,
    token: event.roomToken,
    peer_id: fromPeerId(event.self.peerId),
  };
}

function roomJoined(event: Extract<Event, { type: 'joined' }>): JsonObject {
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
    // In each pair the one who came later yields when both call at once (perfect negotiation).
    peers: event.peers.map((card) => ({ ...peer(card), polite: true })),
    limits: {
      max_message_bytes: event.limits.maxMessageBytes,
      max_outbox_bytes: event.limits.maxOutboxBytes,
      max_peers_per_room: event.limits.maxPeersPerRoom,
    },
  };
}

function peer(card: PeerCard): JsonObject {
  return {
    peer_id: fromPeerId(card.peerId),
    role: card.role,
    metadata: card.metadata,
    connected_at: card.connectedAtMs / 1000,
  };
}

/** `reason` equals `message`, for parity clients: they log it. */
function refused({ code, message, retryable }: SignalingError, verb: string | undefined): JsonObject {
  const python = verb === 'register' ? registerRefusals[code] : undefined;
  if (python !== undefined) return python;
  // Version 2.0 has a code of its own for this.
  const said = verb === 'peer_message' && code === 'PEER_NOT_FOUND' ? 'PEER_NOT_IN_ROOM' : code;
  return { type: 'error', code: said, message, reason: message, retryable };
}

const openBrace = 0x7b;

/** The frame as it came, with its sender put in front: nothing else is touched, and nothing grows. */
function signed(bytes: Buffer, { from }: SignalEvent): Buffer {
  const head = Buffer.from(`{"sender":${JSON.stringify(fromPeerId(from))},`);
  return Buffer.concat([head, bytes.subarray(bytes.indexOf(openBrace) + 1)]);
}

/** A signal that cannot go out as it came: canonical names first, then whatever else it carried. */
function signal(event: SignalEvent): JsonObject {
  const rest = Object.fromEntries(
    Object.entries(event.body).filter(([key]) => !['sender', 'senderId', 'target', 'to'].includes(key)),
  );
  return {
    ...rest,
    type: event.kind,
    sender: fromPeerId(event.from),
    ...(event.to === undefined ? {} : { target: fromPeerId(event.to) }),
  };
}
