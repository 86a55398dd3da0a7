/** The flat dialect's verbs that are not signals: how each is read. A reader throws `SignalingError` to refuse. */
import { SignalingError } from '../../protocol/errors.js';
import { asPeerId, asRoomId, asSessionId } from '../../protocol/ids.js';
import type { Command, PeerFilter, ResumeClaim } from '../../protocol/messages.js';
import type { JsonObject } from '../../protocol/records.js';
import { isRecord, isShallow, maxRewrittenLevels } from '../content-parts.js';
import { isFalsy, toPeerId } from '../peer-key.js';
import { chatVerbs } from './chat-verbs.js';
import { claimedSender, isCount, peer, record, text, tooLong, whole } from './fields.js';
import { sfuVerbs } from './sfu-verbs.js';
import type { Verb } from './verb.js';
import { Secret } from '../../protocol/secret.js';
import type { WireFrame } from '../../protocol/wire-frame.js';

const defaultRole = 'peer';
const maxRoleChars = 64;
const maxPeerIdChars = 128;
const maxReasonChars = 120;
/** The Python server has no bound; this one keeps names, and lists them. */
const maxParityPeerIdChars = 1_024;

export const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['register', { answered: true, read: readRegister }],
  ['join_room', { answered: true, read: readJoinRoom }],
  ['discover_peers', { answered: true, read: readDiscoverPeers }],
  ['update_metadata', { answered: true, read: readUpdateMetadata }],
  ['peer_message', { answered: true, read: readPeerMessage }],
  ['leave_room', { answered: false, read: () => ({ type: 'leave' }) }],
  ['heartbeat', { answered: false, read: () => ({ type: 'heartbeat' }) }],
  ['ack', { answered: false, read: readAck }],
  ['kick', { answered: false, read: readKick }],
  ['transfer_host', { answered: false, read: readTransferHost }],
  ['refresh_token', { answered: false, read: readRefreshToken }],
  ...chatVerbs,
  ...sfuVerbs,
]);

/** Lenient where the Python server is: unusable role and metadata are passed over, odd types are judged later. */
function readRegister(body: JsonObject): Command {
  const { peer_id: peerId, room_id: roomId, token, id_token: idToken, role, metadata } = body;
  if (isFalsy(peerId) || isFalsy(roomId) || isFalsy(token) || isFalsy(idToken)) {
    throw new SignalingError('MISSING_FIELDS');
  }
  const name = toPeerId(peerId);
  const isUsable = typeof name === 'string' && name.length <= maxParityPeerIdChars;
  return {
    type: 'join',
    quiet: true,
    isCounted: false,
    ...(typeof roomId === 'string' ? { roomId: asRoomId(roomId) } : {}),
    ...(typeof token === 'string' ? { roomToken: new Secret(token) } : {}),
    idToken: new Secret(typeof idToken === 'string' ? idToken : ''),
    peerId: isUsable ? name : false,
    role: typeof role === 'string' && role.length <= maxRoleChars ? role : defaultRole,
    metadata: isRecord(metadata) ? metadata : {},
  };
}

function readJoinRoom(body: JsonObject): Command {
  const roomId = text(body, 'room_id', 'roomId');
  const token = text(body, 'token');
  const idToken = text(body, 'id_token');
  if (roomId === undefined) throw new SignalingError('MISSING_FIELDS', 'Missing: room_id.');
  const peerId = text(body, 'peer_id', 'peerId');
  if (peerId !== undefined && peerId.length > maxPeerIdChars) throw tooLong('peer_id', maxPeerIdChars);
  const role = text(body, 'role') ?? defaultRole;
  if (role.length > maxRoleChars) throw tooLong('role', maxRoleChars);
  return {
    type: 'join',
    quiet: false,
    isCounted: true,
    roomId: asRoomId(roomId),
    // Open rooms need no token, and the upgrade may have carried a credential: what is needed the core knows.
    ...(token === undefined ? {} : { roomToken: new Secret(token) }),
    ...(idToken === undefined ? {} : { idToken: new Secret(idToken) }),
    ...(peerId === undefined ? {} : { peerId: toPeerId(peerId) ?? asPeerId(peerId) }),
    role,
    metadata: record(body, 'metadata') ?? {},
    ...resumeClaim(record(body, 'resume')),
  };
}

function resumeClaim(claim: JsonObject | undefined): { resume?: ResumeClaim } {
  if (claim === undefined) return {};
  const { session_id: sessionId, resume_token: token, count } = claim;
  if (typeof sessionId !== 'string' || typeof token !== 'string' || !isCount(count)) {
    const text = 'resume must have session_id and resume_token as strings, and count as a whole number.';
    throw new SignalingError('INVALID_MESSAGE', text);
  }
  const chatSeq = whole(claim, 'chat_seq', 0);
  const told = chatSeq === undefined ? {} : { chatSeq };
  return { resume: { sessionId: asSessionId(sessionId), token: new Secret(token), count, ...told } };
}

function readDiscoverPeers(body: JsonObject): Command {
  const filters = record(body, 'filters') ?? {};
  const { role, tags, properties } = filters;
  const filter: PeerFilter = {
    ...(typeof role === 'string' ? { role } : {}),
    ...(Array.isArray(tags) ? { tags: tags.filter((tag): tag is string => typeof tag === 'string') } : {}),
    ...(isRecord(properties) ? { properties } : {}),
  };
  return { type: 'discover', from: peer(body, 'from_peer_id'), filter };
}

function readUpdateMetadata(body: JsonObject): Command {
  const metadata = record(body, 'metadata');
  if (metadata === undefined) throw new SignalingError('INVALID_MESSAGE', 'metadata must be an object.');
  return { type: 'update_metadata', peerId: peer(body, 'peer_id'), metadata };
}

function readPeerMessage(body: JsonObject, frame: WireFrame): Command {
  const { payload } = body;
  if (payload === undefined || isFalsy(payload)) {
    throw new SignalingError('INVALID_MESSAGE', 'payload is missing or empty.');
  }
  // The receiver gets exactly these four keys; a frame that has more is written anew.
  const isVerbatim = Object.keys(body).length === 4;
  if (!isVerbatim && !isShallow(payload)) {
    throw new SignalingError('INVALID_MESSAGE', `payload has more than ${maxRewrittenLevels} levels.`);
  }
  return {
    type: 'message',
    from: peer(body, 'from_peer_id'),
    to: peer(body, 'to_peer_id'),
    payload,
    frame: isVerbatim ? frame : undefined,
  };
}

function readAck({ count }: JsonObject): Command {
  if (isCount(count)) return { type: 'ack', count };
  throw new SignalingError('INVALID_MESSAGE', 'count must be a whole number of frames.');
}

function readKick(body: JsonObject): Command {
  const reason = text(body, 'reason');
  if (reason !== undefined && reason.length > maxReasonChars) throw tooLong('reason', maxReasonChars);
  return {
    type: 'kick',
    ...claimedSender(body),
    target: peer(body, 'target', 'to'),
    ...(reason === undefined ? {} : { reason }),
  };
}

function readTransferHost(body: JsonObject): Command {
  return { type: 'transfer_host', ...claimedSender(body), to: peer(body, 'target', 'to') };
}

function readRefreshToken(body: JsonObject): Command {
  const token = text(body, 'token', 'id_token');
  if (token === undefined) throw new SignalingError('MISSING_FIELDS', 'Missing: token.');
  return { type: 'refresh_token', token: new Secret(token) };
}
