import { SignalingError } from '../../protocol/errors.js';
import { asPeerId, asRoomId } from '../../protocol/ids.js';
import type { Ask, Command } from '../../protocol/messages.js';
import type { DecodedCommand, DecodedRefusal, Entrance } from '../dialect.js';
import { toPeerId } from '../peer-key.js';
import { peerName } from './gateway-message.js';
import { gateway, gatewayWithPresence } from './gateway.js';
import { Secret } from '../../protocol/secret.js';

/** S2's own rule, and a bound, so that ids fit into keys. */
const usableRoomId = /^[A-Za-z0-9_-]{1,100}$/;

/** The address alone asks for it. */
const ask: Ask = { verb: 'connect', answered: true };

/**
 * What `/signal/{roomIdText}` speaks. `query`: `room_token` for rooms that have one, `peer_id` (or `senderId`) for who
 * knows its name before its first message, `presence=1` for who wants to know of the others. An unusable room id or
 * name makes `hello` a refusal.
 */
export function gatewayEntrance(roomIdText: string, query: URLSearchParams): Entrance {
  const dialect = query.get('presence') === '1' ? gatewayWithPresence : gateway;
  if (!usableRoomId.test(roomIdText)) {
    const text = 'The room id in the address must be 1 to 100 letters, digits, "_" and "-".';
    return { dialect, roomId: undefined, hello: refusal('roomId', text) };
  }
  const roomId = asRoomId(roomIdText);
  return { dialect, roomId, hello: greeting(roomIdText, query) };
}

function greeting(roomIdText: string, query: URLSearchParams): DecodedCommand | DecodedRefusal {
  const field = query.has('peer_id') ? 'peer_id' : 'senderId';
  const name = query.get(field);
  if (name !== null && !peerName.safeParse(name).success) {
    return refusal(field, `${field} in the address must have 1 to 128 characters.`);
  }
  const roomToken = query.get('room_token');
  const command: Command = {
    type: 'join',
    roomId: asRoomId(roomIdText),
    ...(roomToken === null || roomToken === '' ? {} : { roomToken: new Secret(roomToken) }),
    ...(name === null ? { naming: 'unnamed' } : { peerId: toPeerId(name) ?? asPeerId(name) }),
    role: 'peer',
    metadata: {},
    quiet: false,
    isCounted: false,
    isDoor: true,
    mayBeAnonymous: true,
  };
  return { command, ask };
}

function refusal(field: string, text: string): DecodedRefusal {
  const error = new SignalingError('INVALID_MESSAGE', text, { fields: { [field]: [text] } });
  return { error, ask, endsQuiet: false };
}
