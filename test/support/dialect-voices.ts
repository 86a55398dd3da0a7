/** The three dialects as a test speaks them: how a peer comes in, what it says, and how it is told no. */
import type { Room, User } from './server.js';
import { TestPeer, type Frame } from './test-peer.js';

/** Where a peer comes in; a `TestServer` and a `TestNode` are such. */
interface Reachable {
  readonly ws: string;
}

export interface Voice {
  readonly name: 'flat' | 'gateway' | 'webrtc';
  /** The address of a socket that says who it is in it; flat peers say it in their first message. */
  address(base: string, room: Room, name: string, user: User): string;
  /** An offer; `rest` goes along beside the description. Without `to` it is for everybody. */
  offer(from: string, to: string | undefined, sdp: string, rest?: Frame): Frame;
  /** The description of an offer or answer, `undefined` when the frame is none. */
  sdpIn(frame: Frame): unknown;
  kick(from: string, target: string): Frame;
  /** The code of a refusal as the errors table has it; `undefined` when the frame is none. */
  codeIn(frame: Frame): string | undefined;
  retryAfterIn(frame: Frame): unknown;
}

const doorQuery = (room: Room, name: string, user: User): string =>
  new URLSearchParams({ token: user.id_token, room_token: room.token, peer_id: name }).toString();

const flat: Voice = {
  name: 'flat',
  address: (base) => base,
  offer: (sender, target, sdp, rest = {}) => ({
    type: 'offer',
    sender,
    ...(target === undefined ? {} : { target }),
    sdp,
    ...rest,
  }),
  sdpIn: ({ type, sdp }) => (type === 'offer' || type === 'answer' ? sdp : undefined),
  kick: (sender, target) => ({ type: 'kick', sender, target }),
  codeIn: ({ type, code }) => (type === 'error' ? String(code) : undefined),
  retryAfterIn: (frame) => frame['retry_after_ms'],
};

const gateway: Voice = {
  name: 'gateway',
  address: (base, room, name, user) => `${base}/signal/${room.room_id}?${doorQuery(room, name, user)}`,
  offer: (senderId, targetId, sdp, rest = {}) => ({
    type: 'sdp',
    senderId,
    ...(targetId === undefined ? {} : { targetId }),
    sdp: { type: 'offer', sdp },
    ...rest,
  }),
  sdpIn: ({ type, sdp }) => (type === 'sdp' ? (sdp as Frame)['sdp'] : undefined),
  kick: (senderId, targetId) => ({ type: 'kick', senderId, targetId }),
  codeIn: ({ error, code }) => {
    if (typeof code === 'string') return code;
    if (error === 'Failed to process message') return 'INVALID_JSON';
    return error === 'Invalid message format' ? 'INVALID_MESSAGE' : undefined;
  },
  retryAfterIn: (frame) => frame['retry_after_ms'],
};

const webrtc: Voice = {
  name: 'webrtc',
  address: (base, room, name, user) => `${base}/ws/webrtc/${room.room_id}?${doorQuery(room, name, user)}`,
  offer: (_from, target, sdp, rest = {}) => ({
    type: 'offer',
    payload: { sdp, type: 'offer', ...(target === undefined ? {} : { target_user_id: target }) },
    ...rest,
  }),
  sdpIn: ({ type, payload }) =>
    type === 'offer' || type === 'answer' ? (payload as Frame)['sdp'] : undefined,
  kick: (_from, target) => ({ type: 'kick', payload: { target_user_id: target } }),
  codeIn: ({ type, payload }) => {
    const code = type === 'error' ? String((payload as Frame)['code']) : undefined;
    return code === 'RATE_LIMIT_EXCEEDED' ? 'RATE_LIMITED' : code;
  },
  retryAfterIn: ({ payload }) => (payload as Frame)['retry_after_ms'],
};

export const voices: readonly Voice[] = [flat, gateway, webrtc];

/** A peer that sits in the room. */
export async function seated(
  { ws }: Reachable,
  voice: Voice,
  room: Room,
  name: string,
  user: User,
): Promise<TestPeer> {
  const peer = await TestPeer.open(voice.address(ws, room, name, user));
  if (voice.name === 'flat') {
    peer.send({ type: 'join_room', peer_id: name, ...room, id_token: user.id_token });
    await peer.expect({ type: 'room_joined', peer_id: name });
  } else {
    // The joined are answered, whatever was told before that.
    await barrier(peer, voice);
  }
  return peer;
}

/** All that was on its way to the peer: asks for something that is always refused, and waits for that. */
export async function barrier(peer: TestPeer, voice: Voice): Promise<Frame[]> {
  const mark = '\u0002barrier';
  peer.send(
    voice.name === 'flat'
      ? { type: 'discover_peers', from_peer_id: mark }
      : voice.name === 'gateway'
        ? { type: 'auth', token: '' }
        : { type: 'user-joined', payload: {}, mark },
  );
  const told: Frame[] = [];
  for (;;) {
    const frame = await peer.next();
    const code = voice.codeIn(frame);
    if (voice.name === 'flat' && code === 'SENDER_MISMATCH') return told;
    if (voice.name === 'webrtc' && code === 'FORBIDDEN') return told;
    const fields = (frame['details'] as Frame | undefined)?.['fieldErrors'] as Frame | undefined;
    if (voice.name === 'gateway' && code === 'INVALID_MESSAGE' && fields?.['token'] !== undefined)
      return told;
    told.push(frame);
  }
}
