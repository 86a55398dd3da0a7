/** Fields of flat messages, as the documents show them. */
import { z } from 'zod';
import { leaveReasons } from '../../protocol/messages.js';
import { modeReasons, roomModes } from '../../protocol/records.js';
import { anyObject, count, unixSeconds } from '../message-card.js';

/** The Python server takes numbers and `true` for names too. */
export const peerId = z
  .union([z.string(), z.number(), z.literal(true)])
  .describe('The name of a peer in its room');
export const text = z.string();
export const mode = z.enum(roomModes);
export const modeReason = z.enum(modeReasons);
export const leaveReason = z.enum(leaveReasons);
/** What answers a request that has an `id`. */
export const id = z.string().max(64).optional().describe('Quoted by what answers as reply_to');
export const replyTo = z.string().optional().describe('The id of the request that it answers');

export const shownPeer = z.object({
  peer_id: peerId,
  role: text,
  metadata: anyObject,
  connected_at: unixSeconds,
});
export const rosterEntry = shownPeer.extend({
  polite: z.boolean().describe('Whether you yield when both call at once (perfect negotiation)'),
});
export const shownChat = z.object({
  id: text,
  room_id: text,
  sender: peerId,
  senderId: peerId,
  content: text,
  timestamp: count.describe('Unix time in milliseconds'),
  createdAt: text.describe('The same in ISO 8601'),
  seq: count.describe('Its place in the room: grows from message to message'),
});
export const chatPageSchema = z.object({
  messages: z.array(shownChat),
  next: count.nullable().describe('The before of the page before; null: there is none'),
});
export const producer = z.object({
  producer_id: text,
  peer_id: peerId,
  kind: z.enum(['audio', 'video']),
  app_data: anyObject,
});

/** Between peers; everything else in the frame goes along. */
export const addressed = { sender: peerId.optional(), target: peerId.optional() };
