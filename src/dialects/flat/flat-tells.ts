/** What flat clients are told, for the documents. How it is written is in encode.ts. */
import { z } from 'zod';
import {
  anyObject,
  candidate,
  card,
  count,
  iceServer,
  icePolicy,
  openCard,
  sdp,
  unixSeconds,
} from '../message-card.js';
import type { MessageCard } from '../message-card.js';
import { noticeNames } from '../notice-names.js';
import {
  addressed,
  chatPageSchema,
  leaveReason,
  mode,
  modeReason,
  peerId,
  producer,
  replyTo,
  rosterEntry,
  shownChat,
  shownPeer,
  text,
} from './flat-fields.js';

const answer = (name: string, summary: string, fields: z.core.$ZodLooseShape = {}): MessageCard =>
  card('server', name, summary, { ...fields, reply_to: replyTo });
const news = (name: string, summary: string, fields: z.core.$ZodLooseShape = {}): MessageCard =>
  card('server', name, summary, fields);

const limits = z.object({
  max_message_bytes: count,
  max_outbox_bytes: count,
  max_peers_per_room: count,
  messages_per_second: count,
  message_burst: count,
  user_messages_per_second: count,
  max_connections_per_ip: count,
  sign_ins_per_minute: count,
  rooms_per_minute: count,
  ice_requests_per_minute: count,
  bad_tokens_per_minute: count,
  chats_per_second: count,
  max_chat_chars: count,
});
const ice = { ice_servers: z.array(iceServer), ice_transport_policy: icePolicy };

const session: readonly MessageCard[] = [
  news('registered_auth', 'Answers register', { room_id: text, token: text, peer_id: peerId }),
  answer('room_joined', 'Answers join_room; every frame after it counts', {
    room_id: text,
    peer_id: peerId,
    session_id: text,
    resume_token: text.describe('Shown to go on with this session'),
    resumed: z.boolean().describe('Nothing is missing: what was not had follows'),
    grace_ms: count,
    heartbeat_ms: count,
    host: peerId,
    mode,
    sfu_epoch: text.nullable(),
    peers: z.array(rosterEntry),
    ...ice,
    limits: limits.describe('0: none'),
  }),
  answer('room_left', 'Answers leave_room'),
  answer('accepted', 'It was handed on, or done'),
  answer('delivered', 'Its target has acknowledged it'),
  answer('heartbeat_ack', 'Answers heartbeat'),
  answer('token_refreshed', 'Answers refresh_token', { expires_at: unixSeconds }),
  news('session_expiring', 'The token ends soon: send refresh_token', {
    expires_at: unixSeconds,
    in_ms: count,
  }),
  news('ice_servers', 'Take these servers and restart ICE', {
    ...ice,
    expires_at: unixSeconds.optional(),
    ttl_s: count.optional(),
    restart_ice: z.literal(true),
  }),
  news('go_away', 'This node ends: come back, to any', { retry_in_ms: count }),
  news('room_closed', 'The room was deleted', { room_id: text, reason: z.literal('deleted') }),
  answer('error', 'A refusal; without reply_to it answers the frame before', {
    code: text.optional().describe('One of the table of errors; absent where the Python server has none'),
    message: text.optional(),
    reason: text.describe('As message: the Python server’s word for it'),
    retryable: z.boolean().optional(),
    retry_after_ms: count.optional(),
  }),
  {
    name: 'invalid_token',
    by: 'server',
    summary: 'register was refused: the token is not good. The Python server’s frame has no type',
    frame: z.object({ error: z.literal('Invalid token') }),
  },
];

const room: readonly MessageCard[] = [
  answer('peer_list', 'Answers discover_peers', { to_peer_id: peerId, peers: z.array(shownPeer), count }),
  answer('metadata_updated', 'Answers update_metadata', { peer_id: peerId, metadata: anyObject }),
  answer('peer_message', 'An application message of another peer', {
    from_peer_id: peerId,
    to_peer_id: peerId,
    payload: z.unknown(),
  }),
  news('user_joined', 'Somebody has come', rosterEntry.shape),
  news('user_disconnecting', 'Its socket is gone; it is waited for', { peer_id: peerId }),
  news('user_resumed', 'It is back', { peer_id: peerId }),
  news('user_left', 'It is gone', { peer_id: peerId, reason: leaveReason }),
  news('host_changed', 'Who may kick and hand over now', { host: peerId, previous: peerId.nullable() }),
  news('kicked', 'The host has removed you', { by: peerId, reason: text.nullable() }),
  news('room_mode_changed', 'How media goes from now on', {
    mode,
    reason: modeReason,
    by: peerId.nullable(),
  }),
  answer('chat_message', 'Said in the room; the answer to who said it', shownChat.shape),
  answer('chat_history', 'Answers chat_history, oldest first', chatPageSchema.shape),
];

const signals: readonly MessageCard[] = [
  openCard('server', 'offer', 'An offer of another peer', { ...addressed, sdp }),
  openCard('server', 'answer', 'An answer of another peer', { ...addressed, sdp }),
  openCard('server', 'candidate', 'An ICE candidate of another peer', {
    ...addressed,
    candidate: z.union([candidate, z.string(), z.null()]),
  }),
  ...[...noticeNames.keys()].map((name) => openCard('server', name, 'A notice of another peer', addressed)),
];

const media: readonly MessageCard[] = [
  answer('sfu_get_router_capabilities', 'As mediasoup made them', {
    rtp_capabilities: anyObject,
    epoch: text,
    producers: z.array(producer),
  }),
  answer('sfu_create_transport', 'The Media Service’s end', {
    transport_id: text,
    id: text,
    direction: z.enum(['send', 'recv']),
    ice_parameters: anyObject,
    ice_candidates: z.array(anyObject),
    dtls_parameters: anyObject,
  }),
  answer('sfu_connect_transport', 'It is connected', { transport_id: text }),
  answer('sfu_produce', 'The others have been told', { producer_id: text, id: text }),
  answer('sfu_consume', 'A consumer: resume it', {
    consumer_id: text,
    id: text,
    producer_id: text,
    peer_id: peerId,
    kind: z.enum(['audio', 'video']),
    rtp_parameters: anyObject,
    consumer_type: text,
    paused: z.literal(true),
    producer_paused: z.boolean(),
  }),
  answer('sfu_resume_consumer', 'Media comes', { consumer_id: text }),
  answer('sfu_close_producer', 'The others have been told', { producer_id: text }),
  news('sfu_new_producer', 'There is media of another peer', producer.shape),
  news('sfu_producer_closed', 'It has ended', { producer_id: text, peer_id: peerId }),
  news('sfu_restarted', 'The router is another one: negotiate afresh', { epoch: text }),
];

export const flatTells: readonly MessageCard[] = [...session, ...room, ...signals, ...media];
