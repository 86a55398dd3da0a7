import { SignalingError } from '../../protocol/errors.js';
import { asSessionId, type PeerId, type RoomId } from '../../protocol/ids.js';
import type { Ask, Command, ResumeClaim } from '../../protocol/messages.js';
import type { DecodedCommand, DecodedRefusal, Entrance } from '../dialect.js';
import { toPeerId } from '../peer-key.js';
import { malformed } from './envelope.js';
import { roomIdRule, toRoomId } from './room-id.js';
import { webrtc, webrtcExtended } from './webrtc.js';
import { Secret } from '../../protocol/secret.js';

const maxPeerIdChars = 128;
const ask: Ask = { verb: 'connect', answered: true };

/**
 * What `/ws/webrtc/{room_id}` and `/webrtc/ws/{room_id}` speak, and whom they let in: S4's clients join by connecting.
 * The query may have `room_token`, `peer_id`, and `resume=1` for what S4 does not have: with it `session_id`,
 * `resume_token` and `count`, of all three, go on with a session, and `chat_seq` with its chat.
 */
export function webrtcEntrance(roomIdText: string, query: URLSearchParams): Entrance {
  const isExtended = query.get('resume') === '1';
  const dialect = isExtended ? webrtcExtended : webrtc;
  const roomId = toRoomId(roomIdText);
  if (roomId === undefined) {
    const options = { fields: { room_id: [roomIdRule] } };
    const error = new SignalingError('INVALID_MESSAGE', roomIdRule, options);
    return { dialect, roomId, hello: refusal(error) };
  }
  return { dialect, roomId, hello: hello(roomId, isExtended, query) };
}

function hello(roomId: RoomId, isExtended: boolean, query: URLSearchParams): DecodedCommand | DecodedRefusal {
  const roomToken = query.get('room_token');
  try {
    const command: Command = {
      type: 'join',
      roomId,
      ...(roomToken === null ? {} : { roomToken: new Secret(roomToken) }),
      ...namedPeer(query.get('peer_id')),
      naming: 'user',
      role: 'peer',
      metadata: {},
      ...(isExtended ? resumeClaim(query) : {}),
      quiet: false,
      isCounted: isExtended,
      isDoor: true,
    };
    return { command, ask };
  } catch (error) {
    if (error instanceof SignalingError) return refusal(error);
    throw error;
  }
}

function namedPeer(peerId: string | null): { readonly peerId?: PeerId } {
  if (peerId === null) return {};
  const name = toPeerId(peerId);
  if (peerId.length <= maxPeerIdChars && typeof name === 'string') return { peerId: name };
  throw malformed('peer_id', `must have 1 to ${maxPeerIdChars} characters.`);
}

function resumeClaim(query: URLSearchParams): { readonly resume?: ResumeClaim } {
  const [sessionId, token, count] = ['session_id', 'resume_token', 'count'].map((name) => query.get(name));
  if (!sessionId || !token || !count) return {};
  const frames = /^\d{1,15}$/.test(count) ? Number(count) : undefined;
  if (frames === undefined) throw malformed('count', 'must be a whole number of frames.');
  return {
    resume: {
      sessionId: asSessionId(sessionId),
      token: new Secret(token),
      count: frames,
      ...chatSeqIn(query),
    },
  };
}

/** The place of the last chat message that it has had. */
function chatSeqIn(query: URLSearchParams): { readonly chatSeq?: number } {
  const text = query.get('chat_seq');
  if (!text) return {};
  const chatSeq = Number(text);
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(chatSeq)) return { chatSeq };
  throw malformed('chat_seq', 'must be the seq of a chat message.');
}

function refusal(error: SignalingError): DecodedRefusal {
  return { error, ask, endsQuiet: false };
}
