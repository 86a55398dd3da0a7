/** What each route is for, what it takes and what it answers; by method and path, as the route tables spell them. */
import { z } from 'zod';
import { pageSchema } from '../messages-routes.js';
import { changeSchema, listSchema, newRoomSchema } from '../room-input.js';
import * as answers from './answers.js';

type Answer = readonly [about: string, ...bodies: (z.ZodType | string)[]];

export interface Operation {
  readonly summary: string;
  /** What must be shown: a user's token, if it is there, or always, in the header alone or as cookie too; the operator's; another service's. */
  readonly proof?: 'user' | 'user, if any' | 'header' | 'header, if any' | 'operator' | 'service';
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly needsBody?: true;
  /** By status. A text for a body is its content type; of several bodies it is one. */
  readonly answers: Readonly<Record<number, Answer>>;
}

const badToken: Answer = ['The token is not good', answers.detail];
const identityDown: Answer = ['The identity service does not answer', answers.detail];
const failed: Answer = ['The server failed', 'text/plain'];
const tooOften: Answer = ['Too many requests from this address', answers.limitedDetail];
const html = (about: string): Operation => ({
  summary: about,
  answers: { 200: ['The page', 'text/html'], 404: ['The pages are not built', 'text/plain'] },
});

/** Refusals that the calls about rooms share. */
const badRequest: Answer = ['What is wrong, by field', answers.error];
const noToken: Answer = ['No token, or one that is not good', answers.error];
const noRoom: Answer = ['There is no such room, or not for the caller', answers.error];
const tooManyHere: Answer = ['Too many requests from this address', answers.limitedError];
const outage: Answer = ['A service behind this one does not answer', answers.error];
const bodyTooLarge: Answer = ['The body is too large', answers.error];
/** Of one room, to who may see it. */
const reading = { 401: noToken, 404: noRoom, 429: tooManyHere, 503: outage } as const;
const roomToken = z.object({ room_token: z.string().optional() });
const notAllowed: Answer = ['Not this caller’s to do', answers.error];

const nobodyKnows = z.unknown().optional();
const deletion = {
  proof: 'header, if any',
  needsBody: true,
  answers: {
    200: ['What became of it', answers.statusText],
    400: ['The body is no text', answers.detail],
    401: ['No token where one is needed, or one that is not good', answers.detail],
    403: ['Neither the peer nor the room’s creator', answers.detail],
    413: ['The body is too large', answers.detail],
    422: ['The body is not what is wanted', answers.faults],
    500: failed,
    503: identityDown,
  },
} as const;

const ice = (summary: string, body: z.ZodType, refusal: z.ZodType): Operation => ({
  summary,
  proof: 'user, if any',
  answers: {
    200: ['Servers, with credentials for the caller', body],
    401: ['No token where one is needed, or one that is not good', refusal],
    429: [
      'Too many requests from this address',
      refusal === answers.detail ? answers.limitedDetail : answers.limitedError,
    ],
    503: ['There are none, or the identity service does not answer', refusal],
  },
});
const s4Ice = ice('ICE servers, for clients of /ws/webrtc', answers.webrtcConfig, answers.detail);
const s1Ice = ice('ICE servers, for clients that join with join_room', answers.iceServers, answers.error);
const participants: Operation = {
  summary: 'Who is in a room',
  proof: 'user, if any',
  query: roomToken,
  answers: { ...reading, 200: ['Those who sit there', answers.participants] },
};

export const operations: Readonly<Record<string, Operation>> = {
  'POST /anonymous-signin': {
    summary: 'Signs a new throw-away user up and in',
    answers: {
      200: ['Its identity token', answers.signedIn],
      429: tooOften,
      500: ['The identity service failed', answers.detail],
    },
  },
  'POST /create-room': {
    summary: 'Makes a room',
    proof: 'header',
    body: z.object({ mode: newRoomSchema.shape.mode }),
    answers: {
      200: ['The room', answers.createdRoom],
      400: ['mode is neither P2P nor SFU', answers.detail],
      401: badToken,
      422: ['There is no Authorization header', answers.faults],
      429: tooOften,
      500: failed,
      503: ['The identity service does not answer, or there is no Media Service', answers.detail],
    },
  },
  'POST /delete-peers-and-room': {
    ...deletion,
    summary: 'Deletes a room, its peers and their throw-away users',
    body: z.object({ peer_id: nobodyKnows, room_id: nobodyKnows }),
  },
  'POST /delete-peer': {
    ...deletion,
    summary: 'Deletes one peer, and the room with the last',
    body: z.object({ peer_id: nobodyKnows }),
  },
  'GET /health': { summary: 'As version 2.0 says it', answers: { 200: ['It lives', answers.health] } },
  'GET /healthz': {
    summary: 'Whether the process lives',
    answers: { 200: ['It lives', answers.statusText] },
  },
  'GET /readyz': {
    summary: 'Whether it can serve',
    answers: { 200: ['It can', answers.readiness], 503: ['It cannot, and why', answers.readiness] },
  },
  'GET /metrics': {
    summary: 'Figures for Prometheus, or version 2.0’s counts for Accept: application/json',
    proof: 'operator',
    answers: {
      200: ['The figures', 'text/plain', answers.counts],
      401: ['Not the operator', answers.detail],
      403: ['Not from the operator’s networks', answers.detail],
    },
  },
  'GET /api/v1/webrtc/config': s4Ice,
  'GET /webrtc/config': s4Ice,
  'GET /api/turn-credentials': ice(
    'TURN credentials, for clients of /signal',
    answers.turnCredentials,
    answers.error,
  ),
  'GET /ice-servers': s1Ice,
  'GET /api/turn/ice-servers': s1Ice,
  'GET /rooms': {
    summary: 'Open rooms, page by page',
    proof: 'user, if any',
    query: listSchema,
    answers: {
      200: ['A page', answers.roomList],
      400: badRequest,
      401: noToken,
      429: tooManyHere,
      503: outage,
    },
  },
  'POST /rooms': {
    summary: 'Makes a room of the directory',
    proof: 'user, if any',
    body: newRoomSchema,
    answers: {
      200: ['The room, with its token', answers.madeRoom],
      400: badRequest,
      401: noToken,
      403: ['hostUid is somebody else', answers.error],
      413: bodyTooLarge,
      429: tooManyHere,
      503: outage,
    },
  },
  'GET /rooms/:id': {
    summary: 'One room',
    proof: 'user, if any',
    query: roomToken,
    answers: { ...reading, 200: ['The room', answers.room] },
  },
  'PATCH /rooms/:id': {
    summary: 'Changes status or mode; its creator’s and its host’s',
    proof: 'user',
    body: changeSchema,
    needsBody: true,
    answers: {
      200: ['The room', answers.room],
      400: badRequest,
      401: noToken,
      403: notAllowed,
      404: noRoom,
      410: ['Its time is over', answers.error],
      413: bodyTooLarge,
      503: outage,
    },
  },
  'DELETE /rooms/:id': {
    summary: 'Ends a room; its creator’s and its host’s',
    proof: 'user',
    answers: { 204: ['It is gone'], 401: noToken, 403: notAllowed, 404: noRoom, 503: outage },
  },
  'GET /rooms/:id/participants': participants,
  'GET /webrtc/rooms/:id/participants': participants,
  'GET /rooms/:id/messages': {
    summary: 'What was said in a room, page by page backwards',
    proof: 'user, if any',
    query: pageSchema.extend(roomToken.shape),
    answers: { ...reading, 200: ['A page, oldest first', answers.chatPage], 400: badRequest },
  },
  'GET /users/:uid': {
    summary: 'A user, for itself',
    proof: 'user',
    answers: {
      200: ['The user', answers.user],
      401: noToken,
      403: ['Somebody else', answers.error],
      404: ['It is not known here', answers.error],
      503: outage,
    },
  },
  'GET /internal/rooms/:id': {
    summary: 'A room, for services that have the key',
    proof: 'service',
    answers: {
      200: ['The room', answers.internalRoom],
      403: ['The key is missing or not right', answers.error],
      404: ['There is no such room', answers.error],
      503: outage,
    },
  },
  'GET /demo': html('The demo: open it in two tabs'),
  'GET /dashboard': html('The dashboard. It has no data in it'),
  'GET /reference': html('This, for people'),
  'GET /web/:file': {
    summary: 'Scripts and style sheets of the pages',
    answers: {
      200: ['The file', 'text/javascript', 'text/css'],
      404: ['There is no such file, or the pages are not built', answers.detail, 'text/plain'],
    },
  },
  'GET /dashboard/data': {
    summary: 'What the dashboard draws. Not by cookie, and not from pages of other sites',
    proof: 'operator',
    answers: {
      200: ['The figures of now', answers.dashboardData],
      401: ['Not the operator', answers.detail],
      403: ['Not from the operator’s networks, or asked by another site', answers.detail],
    },
  },
  'GET /openapi.json': { summary: 'This', answers: { 200: ['OpenAPI 3.1', answers.anyDocument] } },
  'GET /asyncapi.json': {
    summary: 'The messages of the WebSocket dialects',
    answers: { 200: ['AsyncAPI 3.0', answers.anyDocument] },
  },
};
