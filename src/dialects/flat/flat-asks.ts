/** What flat clients may send, for the documents. How it is read is in verbs.ts and signals.ts. */
import { z } from 'zod';
import { anyObject, candidate, card, count, openCard, sdp, type MessageCard } from '../message-card.js';
import { noticeNames } from '../notice-names.js';
import { addressed, id, mode, peerId, text } from './flat-fields.js';
import { sfuFields } from './sfu-fields.js';

const resume = z.object({ session_id: text, resume_token: text, count, chat_seq: count.optional() });
const spelled = (own: string): string => `Another word for ${own}`;
const offer = { ...addressed, id, sdp };
const candidateFields = { ...addressed, id, candidate: z.union([candidate, z.string(), z.null()]) };
const toEverybody = 'Without target: to everybody else in the room.';

const session: readonly MessageCard[] = [
  card('client', 'register', 'Joins as the Python server knows it: no presence, no explicit errors', {
    peer_id: peerId,
    room_id: text,
    token: text,
    id_token: text,
    role: text.optional(),
    metadata: anyObject.optional(),
  }),
  card('client', 'join_room', 'Joins, or goes on with an earlier session; answered room_joined', {
    id,
    room_id: text,
    token: text.optional().describe('Of rooms that are not open'),
    id_token: text.optional().describe('Unless the upgrade carried one'),
    peer_id: text.max(128).optional(),
    role: text.max(64).optional(),
    metadata: anyObject.optional(),
    resume: resume.optional(),
  }),
  card('client', 'leave_room', 'Leaves; the socket stays open', { id }),
  card('client', 'heartbeat', 'Shows that the client lives; answered heartbeat_ack', { id }),
  card('client', 'ack', 'So many frames since room_joined have been had', { count }),
  card('client', 'refresh_token', 'A newer token of the same user', { id, token: text }),
];

const room: readonly MessageCard[] = [
  card('client', 'discover_peers', 'Searches the roster; answered peer_list', {
    id,
    from_peer_id: peerId,
    filters: z
      .object({ role: text.optional(), tags: z.array(text).optional(), properties: anyObject.optional() })
      .optional(),
  }),
  card('client', 'update_metadata', 'Unites tags and merges properties of its own metadata', {
    id,
    peer_id: peerId,
    metadata: anyObject,
  }),
  card('client', 'peer_message', 'An application message to one peer', {
    id,
    from_peer_id: peerId,
    to_peer_id: peerId,
    payload: z.unknown(),
  }),
  card('client', 'kick', 'Removes a peer; the host only', {
    id,
    target: peerId,
    reason: text.max(120).optional(),
  }),
  card('client', 'transfer_host', 'Makes another peer the host; the host only', { id, target: peerId }),
  card('client', 'set_room_mode', 'P2P or SFU; the host only', { id, mode }),
  card('client', 'chat_message', 'Said to the whole room, and kept', {
    id: text.min(1).max(64).optional().describe("The message's own name: sent again, it is the same message"),
    content: text.min(1),
  }),
  card('client', 'chat-message', spelled('chat_message'), {
    id: text.max(64).optional(),
    content: text.min(1),
  }),
  card('client', 'chat_history', 'What was said before', {
    id,
    before: count.optional().describe('A seq, or the next of a page'),
    limit: z.int().min(1).optional(),
  }),
];

const signals: readonly MessageCard[] = [
  openCard('client', 'offer', `An offer. ${toEverybody}`, offer),
  openCard('client', 'answer', `An answer. ${toEverybody}`, offer),
  openCard('client', 'candidate', `An ICE candidate. ${toEverybody}`, candidateFields),
  openCard('client', 'webrtc_offer', spelled('offer'), offer),
  openCard('client', 'webrtc_answer', spelled('answer'), offer),
  openCard('client', 'webrtc_ice_candidate', spelled('candidate'), candidateFields),
  ...[...noticeNames].map(([name, { host }]) =>
    openCard('client', name, `A notice to the room${host === true ? '; the host only' : ''}`, {
      ...addressed,
      id,
    }),
  ),
];

const field = (name: keyof typeof sfuFields): z.ZodType =>
  sfuFields[name].schema.describe(sfuFields[name].remedy);

const media: readonly MessageCard[] = [
  card('client', 'sfu_get_router_capabilities', 'What the room’s router can do, and whose media there is', {
    id,
  }),
  card('client', 'sfu_create_transport', 'A transport to send or to receive with', {
    id,
    direction: field('direction'),
  }),
  card('client', 'sfu_connect_transport', 'The DTLS parameters of the client’s end', {
    id,
    transport_id: field('transportId'),
    dtls_parameters: field('dtlsParameters'),
  }),
  card('client', 'sfu_produce', 'Sends a track', {
    id,
    transport_id: field('transportId'),
    kind: field('kind'),
    rtp_parameters: field('rtpParameters'),
    // Its own schema refers to itself, by an address that a document as a whole has not.
    app_data: anyObject.nullish().describe(sfuFields.appData.remedy),
  }),
  card('client', 'sfu_consume', 'Receives a track of another peer, paused', {
    id,
    transport_id: field('receivingTransportId'),
    producer_id: field('producerId'),
    rtp_capabilities: field('rtpCapabilities'),
  }),
  card('client', 'sfu_resume_consumer', 'Begins to receive it', { id, consumer_id: field('consumerId') }),
  card('client', 'sfu_close_producer', 'Sends that track no more', { id, producer_id: field('producerId') }),
];

export const flatAsks: readonly MessageCard[] = [...session, ...room, ...signals, ...media];
