/** Flat frames out. */
import { SignalingError, type ErrorCode } from '../../protocol/errors.js';
import type { IceConfig } from '../../protocol/ice.js';
import type { Ask, Event, SignalEvent } from '../../protocol/messages.js';
import type { JsonObject } from '../../protocol/records.js';
import { contentOf } from '../content-of.js';
import { without } from '../content-parts.js';
import type { Scope } from '../dialect.js';
import { fromPeerId } from '../peer-key.js';
import { chatCard, chatPage, modeChanged } from './chat-sayings.js';
import { writeFlatContent } from './flat-content.js';
import { flatName } from './name.js';
import { pythonJson } from './python-json.js';
import { mediaReply, producer } from './sfu-sayings.js';
import { iceServers, peer, registeredAuth, roomJoined, rosterEntry } from './welcome.js';

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

export function encodeFlat(event: Event, ask: Ask | undefined, scope: Scope): Buffer | string | undefined {
  if (event.type === 'signal' && event.frame?.dialect === flatName) {
    return signed(event.frame.bytes, event);
  }
  const body = toBody(event, ask, scope);
  if (body === undefined) return undefined;
  // The Python server takes `id` for one more field that it ignores, so `register` does not quote it.
  const reply = ask?.id === undefined || ask.verb === 'register' ? body : { ...body, reply_to: ask.id };
  return ask !== undefined && pythonVerbs.has(ask.verb) ? pythonJson(reply) : JSON.stringify(reply);
}

function toBody(event: Event, ask: Ask | undefined, scope: Scope): JsonObject | undefined {
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
      return { type: 'user_joined', ...rosterEntry(event.peer) };
    case 'peer_disconnecting':
      return { type: 'user_disconnecting', peer_id: fromPeerId(event.peerId) };
    case 'peer_resumed':
      return { type: 'user_resumed', peer_id: fromPeerId(event.peerId) };
    case 'peer_left':
      return { type: 'user_left', peer_id: fromPeerId(event.peerId), reason: event.reason };
    case 'room_state':
    case 'peer_kicked':
      // Said by the changes themselves: `user_joined`, and `user_left` with its reason.
      return undefined;
    case 'host_changed':
      return {
        type: event.type,
        host: fromPeerId(event.host),
        previous: event.from === undefined ? null : fromPeerId(event.from),
      };
    case 'kicked':
      return { type: event.type, by: fromPeerId(event.by), reason: event.reason ?? null };
    case 'ice_servers':
      return freshIce(event.ice);
    case 'session_expiring':
      return {
        type: event.type,
        expires_at: event.atMs / 1000,
        in_ms: Math.max(0, event.atMs - scope.now()),
      };
    case 'token_refreshed':
      return { type: event.type, expires_at: event.untilMs / 1000 };
    case 'chat':
      return { type: 'chat_message', ...chatCard(event.message) };
    case 'chat_page':
      return { type: 'chat_history', ...chatPage(event) };
    case 'mode_changed':
      return modeChanged(event);
    case 'media':
      return mediaReply(event.reply);
    case 'producer_opened':
      return { type: 'sfu_new_producer', ...producer(event.producer) };
    case 'producer_closed':
      return {
        type: 'sfu_producer_closed',
        producer_id: event.producerId,
        peer_id: fromPeerId(event.peerId),
      };
    case 'media_restarted':
      return { type: 'sfu_restarted', epoch: event.epoch };
    case 'media_unavailable':
      return refused(new SignalingError('MEDIA_UNAVAILABLE'), undefined);
    case 'room_closed':
      return { type: 'room_closed', room_id: event.roomId, reason: event.reason };
    case 'go_away':
      return { type: 'go_away', retry_in_ms: event.retryInMs };
  }
}

/** The credentials of before end soon: who goes on with a call must find its way anew. */
function freshIce(ice: IceConfig): JsonObject {
  return {
    type: 'ice_servers',
    ice_servers: iceServers(ice),
    ice_transport_policy: ice.transportPolicy,
    ...(ice.expiresAtMs === undefined ? {} : { expires_at: ice.expiresAtMs / 1000 }),
    ...(ice.ttlS === undefined ? {} : { ttl_s: ice.ttlS }),
    restart_ice: true,
  };
}

/** `reason` equals `message`, for parity clients: they log it. */
function refused(error: SignalingError, verb: string | undefined): JsonObject {
  const { code, message, retryable, retryAfterMs } = error;
  const python = verb === 'register' ? registerRefusals[code] : undefined;
  if (python !== undefined) return python;
  // Version 2.0 has a code of its own for this.
  const said = verb === 'peer_message' && code === 'PEER_NOT_FOUND' ? 'PEER_NOT_IN_ROOM' : code;
  const refusal = { type: 'error', code: said, message, reason: message, retryable };
  return retryAfterMs === undefined ? refusal : { ...refusal, retry_after_ms: retryAfterMs };
}

const openBrace = 0x7b;

/** The frame as it came, with who speaks to whom put in front where it lacks that: nothing else is touched. */
function signed(bytes: Buffer, { from, to, body, isAddressed }: SignalEvent): Buffer {
  const sender = 'sender' in body ? '' : `"sender":${JSON.stringify(fromPeerId(from))},`;
  const isTold = isAddressed === true && to !== undefined;
  const target = isTold ? `"target":${JSON.stringify(fromPeerId(to))},` : '';
  return Buffer.concat([Buffer.from(`{${sender}${target}`), bytes.subarray(bytes.indexOf(openBrace) + 1)]);
}

/** A signal that cannot go out as it came: from another dialect, or in S1's spelling. */
function signal(event: SignalEvent): JsonObject {
  if (event.frame !== undefined) return writeFlatContent(event, contentOf(event));
  // What it says is flat already: canonical names are put in, and all else stays as it was.
  const rest = without(event.body, ['sender', 'senderId', 'target', 'to']);
  return {
    ...rest,
    ...(event.kind === 'notice' ? {} : { type: event.kind }),
    sender: fromPeerId(event.from),
    ...(event.to === undefined ? {} : { target: fromPeerId(event.to) }),
  };
}
