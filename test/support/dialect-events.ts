/** What rooms are told of chat, of their mode and of media: one event of each kind, for the dialects to write. */
import type { ChatMessage } from '../../src/protocol/chat.js';
import { asPeerId, asRoomId } from '../../src/protocol/ids.js';
import type { MediaReply } from '../../src/protocol/media-messages.js';
import type { Event } from '../../src/protocol/messages.js';

/** Said at 2026-01-01T12:00:00.250Z, and 7 microseconds. */
export const said: ChatMessage = {
  roomId: asRoomId('room123'),
  id: 'm1',
  from: asPeerId('anna'),
  sub: 'sub-of-anna',
  content: 'hello',
  seq: 1_767_268_800_250_007,
};

export const later: ChatMessage = { ...said, id: 'm2', content: 'bye', seq: said.seq + 1_000_000 };

export const modeByHost: Event = { type: 'mode_changed', mode: 'SFU', reason: 'host', by: asPeerId('anna') };
export const modeBySize: Event = { type: 'mode_changed', mode: 'SFU', reason: 'size', by: undefined };

export const camera = {
  producerId: 'p1',
  peerId: asPeerId('anna'),
  kind: 'video',
  appData: { source: 'camera' },
} as const;

export const rtpCapabilities = { codecs: [{ mimeType: 'audio/opus', preferredPayloadType: 100 }] };
export const rtpParameters = { mid: '0', codecs: [{ mimeType: 'audio/opus', payloadType: 100 }] };
export const transport = {
  id: 't1',
  iceParameters: { usernameFragment: 'u', password: 'p', iceLite: true },
  iceCandidates: [{ foundation: 'udp', ip: '127.0.0.1', port: 40_000 }],
  dtlsParameters: { role: 'auto', fingerprints: [{ algorithm: 'sha-256', value: 'AA' }] },
};

const replies: readonly MediaReply[] = [
  { op: 'capabilities', router: { epoch: 'e1', version: 3, rtpCapabilities }, producers: [camera] },
  { op: 'create_transport', direction: 'recv', transport },
  { op: 'connect_transport', transportId: 't1' },
  { op: 'produce', producerId: 'p1' },
  {
    op: 'consume',
    consumer: {
      id: 'c1',
      producerId: 'p1',
      kind: 'audio',
      rtpParameters,
      type: 'simple',
      peerId: 'anna',
      producerPaused: false,
    },
  },
  { op: 'resume_consumer', consumerId: 'c1' },
  { op: 'close_producer', producerId: 'p1' },
];

export const mediaReplies: readonly Event[] = replies.map((reply) => ({ type: 'media', reply }));

/** What peers of an SFU room are told without asking. */
export const mediaNews: readonly Event[] = [
  { type: 'producer_opened', producer: camera },
  { type: 'producer_closed', producerId: 'p1', peerId: asPeerId('anna') },
  { type: 'media_restarted', epoch: 'e2' },
  { type: 'media_unavailable' },
];
