/** The webrtc dialect's messages in S4's spelling, for the documents. The same with underscores mean the same. */
import { z } from 'zod';
import { leaveReasons } from '../../protocol/messages.js';
import { modeReasons, roomModes } from '../../protocol/records.js';
import { anyObject, count, icePolicy, sdp, type MessageCard } from '../message-card.js';
import { noticeNames } from '../notice-names.js';
import { spell, webrtcName } from './name.js';

const text = z.string();
/** Parity peers may be called by a number, or `true`. */
const user = z.union([z.string(), z.number(), z.literal(true)]);
const isoTime = text.describe('ISO 8601');
const target = { target_user_id: user.nullish().describe('Absent: everybody else') };
const named = { user_id: user, username: user };

type Shape = z.core.$ZodLooseShape;

function ask(name: string, summary: string, payload: z.ZodType): MessageCard {
  const frame = z.looseObject({ type: z.literal(name), payload, id: text.max(64).optional() });
  return { name, by: 'client', summary, frame };
}

/** What the server stamps on a frame of a peer. */
const stamp = { sender_id: user, room_id: text, timestamp: isoTime };

function relayed(name: string, summary: string, payload: z.ZodType): MessageCard {
  const frame = z.looseObject({ type: z.literal(name), payload, ...stamp });
  return { name, by: 'server', summary, frame };
}

function tell(name: string, summary: string, payload: Shape = {}): MessageCard {
  const frame = z.object({
    type: z.literal(name),
    payload: z.object(payload),
    sender_id: z.null(),
    room_id: text.nullable(),
    timestamp: z.null(),
    reply_to: text.optional(),
  });
  return { name, by: 'server', summary, frame };
}

const description = (type: 'offer' | 'answer'): z.ZodType =>
  z.looseObject({ sdp, type: z.literal(type).nullish(), ...target });
const candidate = z.looseObject({
  candidate: text.nullable().describe('Empty or null: there are no more'),
  sdpMid: text.nullish(),
  sdpMLineIndex: z.number().nullish(),
  usernameFragment: text.nullish(),
  ...target,
});
const notices = [...noticeNames].map(([kind, { host }]) => ({
  name: spell(kind, webrtcName),
  summary: `A notice${host === true ? '; the host only' : ''}`,
}));
/** Empty: the payload has nothing in it that is looked at. */
const nothing = z.looseObject({});

const asks: readonly MessageCard[] = [
  ask('offer', 'An offer', description('offer')),
  ask('answer', 'An answer', description('answer')),
  ask('ice-candidate', 'An ICE candidate', candidate),
  ...notices.map(({ name, summary }) => ask(name, summary, z.looseObject(target))),
  ask(
    'kick',
    'Removes a peer; the host only',
    z.looseObject({ target_user_id: user, reason: text.nullish() }),
  ),
  ask('transfer-host', 'Makes another peer the host; the host only', z.looseObject({ target_user_id: user })),
  ask('refresh-token', 'A newer token of the same user', z.looseObject({ token: text })),
  ask('auth', 'The credential, where the address says auth=message', z.looseObject({ token: text })),
  ask('heartbeat', 'Answered heartbeat-ack', nothing),
  ask('ping', 'Answered heartbeat-ack', nothing),
  ask('leave', 'Leaves the room', nothing),
  ask('ack', 'So many frames have been had', z.looseObject({ count })),
  ask(
    'chat-message',
    'Said to the whole room, and kept',
    z.looseObject({ content: text, message_id: text.optional() }),
  ),
  ask(
    'chat-history',
    'What was said before',
    z.looseObject({ before: count.nullish(), limit: z.int().min(1).nullish() }),
  ),
];

const chat = {
  message_id: text,
  id: text,
  ...named,
  content: text,
  text,
  timestamp: isoTime,
  message_type: z.literal('text'),
  seq: count.optional(),
};
const iceServers = z.array(
  z.object({ urls: z.array(text), username: text.nullable(), credential: text.nullable() }),
);
const participant = z.object({ ...named, joined_at: isoTime, polite: z.boolean().optional() });
const beyond = 'With resume=1: ';

const tells: readonly MessageCard[] = [
  relayed('offer', 'An offer of another peer', description('offer')),
  relayed('answer', 'An answer of another peer', description('answer')),
  relayed('ice-candidate', 'An ICE candidate of another peer', candidate),
  // `role-updated` is the server's own word too.
  ...notices
    .filter(({ name }) => name !== 'role-updated')
    .map(({ name }) => relayed(name, 'A notice of another peer', z.looseObject(target))),
  relayed('chat-message', 'Said in the room', z.object(chat)),
  tell('room-state', 'Everybody who is in the room', {
    room_id: text.nullable(),
    participants: z.array(participant),
    participant_count: count,
    reconnected: z.literal(true).optional(),
    missed_message_count: count.optional(),
    last_sequence: count.optional(),
    user_id: user.optional().describe('From here on: with resume=1, to who has joined'),
    session_id: text.optional(),
    resume_token: text.optional(),
    grace_ms: count.optional(),
    heartbeat_ms: count.optional(),
    host_id: user.optional(),
    mode: z.enum(roomModes).optional(),
    limits: z.record(text, count).optional(),
    ice_servers: iceServers.optional(),
    ice_transport_policy: icePolicy.optional(),
  }),
  tell('user-joined', 'Somebody has come', {
    ...named,
    timestamp: isoTime,
    role: text.optional(),
    metadata: anyObject.optional(),
    polite: z.boolean().optional(),
  }),
  tell('user-left', 'Somebody is gone', {
    ...named,
    timestamp: isoTime,
    reason: z.enum(leaveReasons).optional(),
  }),
  {
    ...tell('role-updated', 'Who is host now; or another role, a notice of the host'),
    frame: z.looseObject({
      type: z.literal('role-updated'),
      payload: z.looseObject({ user_id: user.optional(), role: text.optional() }),
      sender_id: user.nullable(),
      room_id: text.nullable(),
      timestamp: isoTime.nullable(),
    }),
  },
  tell('error', 'A refusal', {
    code: text,
    message: text,
    details: anyObject.nullable(),
    retry_after_ms: count.optional(),
    retryable: z.boolean().optional(),
  }),
  tell('heartbeat-ack', 'Answers heartbeat and ping'),
  tell('room-left', 'Answers leave'),
  tell('token-refreshed', 'Answers refresh-token and auth', { expires_at: isoTime }),
  tell('chat-history', 'Answers chat-history, oldest first', {
    messages: z.array(z.object(chat)),
    next: count.nullable(),
  }),
  tell('accepted', `${beyond}it was handed on, or done`),
  tell('delivered', `${beyond}its target has acknowledged it`),
  tell('user-disconnecting', `${beyond}its socket is gone; it is waited for`, named),
  tell('user-resumed', `${beyond}it is back`, named),
  tell('ice-servers', `${beyond}take these servers and restart ICE`, {
    ice_servers: iceServers,
    ice_transport_policy: icePolicy,
    bundle_policy: text,
    rtcp_mux_policy: text,
    expires_at: isoTime.nullable(),
    restart_ice: z.literal(true),
  }),
  tell('session-expiring', `${beyond}the token ends soon`, { expires_at: isoTime }),
  tell('room-closed', `${beyond}the room was deleted`, { room_id: text, reason: z.literal('deleted') }),
  tell('room-mode-changed', `${beyond}how media goes from now on`, {
    mode: z.enum(roomModes),
    reason: z.enum(modeReasons),
    by: user.nullable(),
  }),
  tell('go-away', `${beyond}this node ends: come back`, { retry_in_ms: count }),
];

export const webrtcCards: readonly MessageCard[] = [...asks, ...tells];
