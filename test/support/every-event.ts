/** One event of each kind, and more where a dialect has several ways to write it. */
import { noticeNames } from '../../src/dialects/notice-names.js';
import { SignalingError } from '../../src/protocol/errors.js';
import { asPeerId, asRoomId, asSessionId } from '../../src/protocol/ids.js';
import type { Ask, Event, SignalEvent } from '../../src/protocol/messages.js';
import type { JsonObject } from '../../src/protocol/records.js';
import { camera, later, mediaNews, mediaReplies, modeByHost, modeBySize, said } from './dialect-events.js';
import { unlimitedCore } from './memory-core.js';

export interface Written {
  readonly event: Event;
  /** What it answers. */
  readonly ask: Ask | undefined;
}

type ByType = { readonly [Type in Event['type']]: readonly Extract<Event, { type: Type }>[] };

const [anna, ben, one] = [asPeerId('anna'), asPeerId('ben'), asPeerId('\u00011')];
const roomId = asRoomId('room123');
const card = { role: 'peer', metadata: { tags: ['a'] }, connectedAtMs: 1_767_268_800_250 };
const peer = { ...card, peerId: anna, isPolite: true };
const ice = {
  servers: [
    { urls: ['stun:stun.example.org'] },
    { urls: ['turn:relay.example.org'], username: 'u', credential: 'c' },
  ],
  transportPolicy: 'all',
  expiresAtMs: 1_767_272_400_000,
  ttlS: 3_600,
} as const;

function signal(kind: SignalEvent['kind'], body: JsonObject): SignalEvent {
  return { type: 'signal', kind, from: anna, to: ben, body, frame: undefined };
}

const joined: Extract<Event, { type: 'joined' }> = {
  type: 'joined',
  roomId,
  roomToken: '4e5f60',
  self: { ...card, peerId: ben },
  sessionId: asSessionId('s1'),
  resumeToken: 'r1',
  resumed: false,
  graceMs: 5_000,
  heartbeatMs: 10_000,
  missed: 0,
  peers: [peer, { ...peer, peerId: one }],
  host: anna,
  limits: unlimitedCore.limits,
  ice,
  mode: 'P2P',
  mediaEpoch: undefined,
};

const byType: ByType = {
  joined: [
    joined,
    {
      ...joined,
      resumed: true,
      mode: 'SFU',
      mediaEpoch: 'e1',
      ice: { servers: [], transportPolicy: 'relay' },
    },
  ],
  left: [{ type: 'left' }],
  accepted: [{ type: 'accepted' }],
  delivered: [{ type: 'delivered' }],
  heartbeat_ack: [{ type: 'heartbeat_ack' }],
  peers: [{ type: 'peers', to: ben, peers: [peer] }],
  metadata_updated: [{ type: 'metadata_updated', peerId: ben, metadata: { tags: [] } }],
  refused: [
    { type: 'refused', error: new SignalingError('INVALID_TOKEN') },
    { type: 'refused', error: new SignalingError('INVALID_JSON') },
    { type: 'refused', error: new SignalingError('SENDER_MISMATCH') },
    { type: 'refused', error: new SignalingError('RATE_LIMITED', undefined, { retryAfterMs: 100 }) },
    {
      type: 'refused',
      error: new SignalingError('INVALID_MESSAGE', undefined, { fields: { sdp: ['is wrong'] } }),
    },
  ],
  signal: [
    signal('offer', { type: 'offer', sdp: 'v=0', more: 1 }),
    signal('answer', { type: 'answer', sdp: 'v=0' }),
    signal('candidate', {
      type: 'candidate',
      candidate: { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 },
    }),
    ...[...noticeNames.keys()].map((name) => signal('notice', { type: name, payload: { some: true } })),
  ],
  message: [{ type: 'message', from: anna, to: ben, payload: { some: true }, frame: undefined }],
  peer_joined: [{ type: 'peer_joined', peer }],
  peer_disconnecting: [{ type: 'peer_disconnecting', peerId: anna }],
  peer_resumed: [{ type: 'peer_resumed', peerId: anna }],
  peer_left: [{ type: 'peer_left', peerId: anna, reason: 'kicked' }],
  room_state: [{ type: 'room_state', peers: [peer] }],
  host_changed: [
    { type: 'host_changed', host: anna, from: ben },
    { type: 'host_changed', host: anna, from: undefined },
  ],
  kicked: [
    { type: 'kicked', by: anna, reason: 'done' },
    { type: 'kicked', by: anna, reason: undefined },
  ],
  peer_kicked: [{ type: 'peer_kicked', peerId: ben, by: anna, reason: 'done' }],
  ice_servers: [
    { type: 'ice_servers', ice },
    { type: 'ice_servers', ice: { servers: [], transportPolicy: 'all' } },
  ],
  session_expiring: [{ type: 'session_expiring', atMs: 1_767_268_860_000 }],
  token_refreshed: [{ type: 'token_refreshed', untilMs: 1_767_272_400_000 }],
  chat: [{ type: 'chat', message: said }],
  chat_page: [
    { type: 'chat_page', roomId, messages: [said, later], next: said.seq },
    { type: 'chat_page', roomId, messages: [], next: undefined },
  ],
  mode_changed: [modeByHost, modeBySize] as ByType['mode_changed'],
  media: mediaReplies as ByType['media'],
  producer_opened: [{ type: 'producer_opened', producer: camera }],
  producer_closed: [{ type: 'producer_closed', producerId: 'p1', peerId: anna }],
  media_restarted: [{ type: 'media_restarted', epoch: 'e2' }],
  media_unavailable: mediaNews.filter(
    ({ type }) => type === 'media_unavailable',
  ) as ByType['media_unavailable'],
  room_closed: [{ type: 'room_closed', roomId, reason: 'deleted' }],
  go_away: [{ type: 'go_away', retryInMs: 100 }],
};

/** Requests that change how a dialect words its answer. */
const asks: Readonly<Record<string, readonly Ask[]>> = {
  flat: [
    { verb: 'register', answered: true },
    { verb: 'join_room', id: '7', answered: true },
    { verb: 'peer_message', answered: true },
  ],
  gateway: [{ verb: 'auth', answered: true }],
  webrtc: [{ verb: 'chat_message', id: '7', answered: true }],
};

/** News, and answers: who asks for nothing is told news, and the rest to who has asked. */
const answers: ReadonlySet<Event['type']> = new Set([
  'joined',
  'left',
  'accepted',
  'delivered',
  'heartbeat_ack',
  'peers',
  'metadata_updated',
  'refused',
  'token_refreshed',
  'chat',
  'chat_page',
  'media',
]);

export function everyEvent(dialect: string): readonly Written[] {
  return Object.values(byType)
    .flat()
    .flatMap((event: Event) => [
      { event, ask: undefined },
      ...(answers.has(event.type) ? (asks[dialect] ?? []).map((ask) => ({ event, ask })) : []),
    ]);
}
