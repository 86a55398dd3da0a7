/** The gateway dialect's messages, for the documents. */
import { z } from 'zod';
import { leaveReasons } from '../../protocol/messages.js';
import {
  anyObject,
  candidate,
  card,
  count,
  iceServer,
  icePolicy,
  type MessageCard,
} from '../message-card.js';
import { kinds, peerName } from './gateway-message.js';

const asked: Readonly<Record<string, string>> = {
  sdp: 'An offer or an answer; without targetId to everybody else',
  ice: 'An ICE candidate; without targetId to everybody else',
  'host-change': 'Makes another peer the host; the host only',
  kick: 'Removes a peer; the host only',
  auth: 'The credential, where the address says auth=message; later a newer one',
};

const timestamp = z.number().describe('Unix time in milliseconds');
const person = { role: z.string(), metadata: anyObject, connectedAt: timestamp, polite: z.boolean() };
const ice = { iceServers: z.array(iceServer), iceTransportPolicy: icePolicy };
const limits = z.record(z.string(), count).describe('0: none');
const withPresence = 'With presence=1: ';

export const gatewayCards: readonly MessageCard[] = [
  ...kinds.map((frame): MessageCard => ({
    name: [...frame.shape.type.values][0] ?? '',
    by: 'client',
    summary: asked[[...frame.shape.type.values][0] ?? ''] ?? '',
    frame,
  })),
  {
    name: 'sdp',
    by: 'server',
    summary: 'An offer or an answer of another peer',
    frame: z.looseObject({
      type: z.literal('sdp'),
      senderId: peerName,
      targetId: peerName.optional(),
      sdp: z.looseObject({ type: z.enum(['offer', 'answer']), sdp: z.string() }),
      timestamp,
    }),
  },
  {
    name: 'ice',
    by: 'server',
    summary: 'An ICE candidate of another peer',
    frame: z.looseObject({
      type: z.literal('ice'),
      senderId: peerName,
      targetId: peerName.optional(),
      ice: candidate,
      timestamp,
    }),
  },
  card('server', 'host-change', 'Who may kick and hand over now', {
    senderId: peerName.describe('Who it was'),
    newHostId: peerName,
    timestamp,
  }),
  card('server', 'kick', 'A peer was removed', {
    senderId: peerName,
    targetId: peerName,
    reason: z.string().optional(),
    timestamp,
  }),
  card('server', 'token-refreshed', 'Answers auth', { expiresAt: timestamp }),
  card('server', 'welcome', `${withPresence}you are in`, {
    roomId: z.string(),
    senderId: peerName.describe('Your name'),
    hostId: peerName,
    peers: z.array(z.object({ id: peerName, ...person })),
    limits,
    ...ice,
  }),
  card('server', 'peer-joined', `${withPresence}somebody has come`, {
    senderId: peerName,
    ...person,
    timestamp,
  }),
  card('server', 'peer-left', `${withPresence}somebody is gone`, {
    senderId: peerName,
    reason: z.enum(leaveReasons),
    timestamp,
  }),
  card('server', 'peer-disconnecting', `${withPresence}its socket is gone; it is waited for`, {
    senderId: peerName,
    timestamp,
  }),
  card('server', 'peer-resumed', `${withPresence}it is back`, { senderId: peerName, timestamp }),
  card('server', 'ice-servers', `${withPresence}take these servers and restart ICE`, {
    ...ice,
    expiresAt: timestamp.optional(),
    restartIce: z.literal(true),
  }),
  card('server', 'session-expiring', `${withPresence}the token ends soon: send auth`, {
    expiresAt: timestamp,
    inMs: count,
  }),
  card('server', 'room-closed', `${withPresence}the room was deleted`, {
    roomId: z.string(),
    reason: z.literal('deleted'),
  }),
  card('server', 'go-away', `${withPresence}this node ends: come back`, { retryInMs: count }),
  {
    name: 'error',
    by: 'server',
    summary: 'A refusal. It has no type',
    frame: z.object({
      error: z.string(),
      code: z.string().optional(),
      details: z
        .object({ formErrors: z.array(z.string()), fieldErrors: z.record(z.string(), z.array(z.string())) })
        .optional(),
      retry_after_ms: count.optional(),
    }),
  },
];
