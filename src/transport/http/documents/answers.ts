/** What the HTTP routes answer, for the documents. A test holds real answers against them. */
import { z } from 'zod';
import { chatPageSchema } from '../../../dialects/flat/flat-fields.js';
import { iceServer, icePolicy } from '../../../dialects/message-card.js';
import { roomModes, roomStatuses } from '../../../protocol/records.js';

const text = z.string();
const count = z.int().min(0);
const unixMs = count.describe('Unix time in milliseconds');
const person = z.union([z.string(), z.number(), z.literal(true)]);

export const signedIn = z.object({ id_token: text, username: text });
export const createdRoom = z.object({ room_id: text, token: text.describe('Whoever has it may join') });
export const statusText = z.object({ status: text });
export const health = z.object({ status: z.literal('healthy'), timestamp: text, version: text });
export const readiness = z.object({ status: text, reasons: z.array(text).optional() });
export const counts = z.object({
  timestamp: text,
  active_rooms: count,
  active_connections: count,
  peers_by_role: z.record(text, count),
  total_connections: count,
  total_messages: count,
  rooms_created: count,
});

/** FastAPI's refusals. */
export const detail = z.object({ detail: text });
export const faults = z.object({
  detail: z.array(
    z.object({
      type: text,
      loc: z.array(z.union([text, z.number()])),
      msg: text,
      input: z.unknown(),
      ctx: z.object({ error: text }).optional(),
    }),
  ),
});
export const limitedDetail = detail.extend({ retry_after_ms: count });
/** Refusals of the calls of S2 and S1. */
export const error = z.object({ error: text, details: z.record(text, text).optional() });
export const limitedError = z.object({ error: text, retry_after_ms: count });

export const room = z.object({
  roomId: text,
  hostUid: person,
  players: z.array(person),
  status: z.enum(roomStatuses),
  mode: z.enum(roomModes),
  created: unixMs.nullable(),
  hostName: text.nullable(),
  access: z.enum(['open', 'token']),
  expiresAt: unixMs,
});
export const madeRoom = room.extend({
  token: text.describe('Where access is token, whoever has it may join'),
});
export const roomList = z.object({
  rooms: z.array(room),
  limit: count,
  offset: count,
  next: text.optional().describe('The after of the next page'),
});
export const participants = z.object({
  room_id: text,
  participants: z.array(
    z.object({ user_id: person, username: person, joined_at: text, role: text, host: z.boolean() }),
  ),
  participant_count: count,
});
export const chatPage = chatPageSchema;
export const user = z.object({ uid: text, handle: text, created: unixMs });
export const internalRoom = z.object({
  id: text,
  mode: z.enum(roomModes),
  maxParticipants: count,
  createdBy: text,
  hostId: person.nullable(),
  participants: z.array(z.object({ userId: person, peerId: person, role: text, joinedAt: unixMs })),
  isOpen: z.boolean(),
  status: z.enum(roomStatuses),
  createdAt: unixMs.nullable(),
  expiresAt: unixMs,
  cacheTtlS: count,
});

export const webrtcConfig = z.object({
  ice_servers: z.array(
    z.object({ urls: z.array(text), username: text.nullable(), credential: text.nullable() }),
  ),
  ice_transport_policy: icePolicy,
  bundle_policy: text,
  rtcp_mux_policy: text,
});
export const iceServers = z.object({ iceServers: z.array(iceServer), ttl: count.describe('Seconds') });
export const turnCredentials = z.object({
  urls: z.array(text),
  username: text,
  password: text,
  credential: text,
  credentialType: z.literal('password'),
  ttl: count.describe('Seconds'),
  expiresAt: unixMs,
});

export const dashboardData = z.object({
  at_ms: unixMs,
  not_ready: z.array(text),
  decisions: z.array(text),
  rooms: z.array(
    z.object({ room_id: text, mode: z.enum(roomModes), peers_here: count, peers_elsewhere: count }),
  ),
  metrics: text.describe('As /metrics says it'),
});
export const anyDocument = z.looseObject({});
