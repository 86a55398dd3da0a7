/** Gateway frames in. */
import { SignalingError } from '../../protocol/errors.js';
import { asPeerId, type PeerId } from '../../protocol/ids.js';
import type { Ask, Command } from '../../protocol/messages.js';
import type { JsonObject } from '../../protocol/records.js';
import type { DecodedCommand, DecodedRefusal } from '../dialect.js';
import { toPeerId } from '../peer-key.js';
import { messageType, readMessage, type GatewayMessage } from './gateway-message.js';
import { gatewayName } from './name.js';
import { Secret } from '../../protocol/secret.js';
import { WireFrame } from '../../protocol/wire-frame.js';

/** S2's messages carry no ids: all of a type share one. */
const asks: Readonly<Record<GatewayMessage['type'], Ask>> = {
  sdp: { verb: 'sdp', answered: false },
  ice: { verb: 'ice', answered: false },
  'host-change': { verb: 'host-change', answered: false },
  kick: { verb: 'kick', answered: false },
  auth: { verb: 'auth', answered: true },
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function decodeGateway(bytes: Buffer, isBinary: boolean): DecodedCommand | DecodedRefusal {
  let body: unknown;
  try {
    // A text frame was checked by the WebSocket layer; a binary one goes on as text, and must be some.
    body = JSON.parse(isBinary ? utf8.decode(bytes) : bytes.toString('utf8'));
  } catch {
    // The parser's own text would quote what the client sent.
    return {
      error: new SignalingError('INVALID_JSON', 'The frame is not JSON: send one JSON object.'),
      endsQuiet: false,
    };
  }
  const message = readMessage(body);
  if (!(message instanceof SignalingError)) {
    return { command: toCommand(message, body as JsonObject, bytes), ask: asks[message.type] };
  }
  const type = messageType(body);
  return { error: message, endsQuiet: false, ...(type === undefined ? {} : { ask: asks[type] }) };
}

function toCommand(message: GatewayMessage, body: JsonObject, bytes: Buffer): Command {
  switch (message.type) {
    case 'sdp':
    case 'ice': {
      const { senderId, targetId, timestamp } = message;
      // Without a timestamp it cannot go out as it came: the writer puts one in.
      const frame = new WireFrame(gatewayName, bytes, timestamp !== undefined);
      const kind = message.type === 'ice' ? 'candidate' : message.sdp.type;
      const from = peer(senderId);
      if (targetId === undefined) return { type: 'signal', kind, from, to: undefined, body, frame };
      return { type: 'signal', kind, from, to: peer(targetId), body, frame, orUnnamed: true };
    }
    case 'host-change':
      return { type: 'transfer_host', by: peer(message.senderId), to: peer(message.newHostId) };
    case 'kick': {
      const { senderId, targetId, reason } = message;
      return {
        type: 'kick',
        by: peer(senderId),
        target: peer(targetId),
        ...(reason === undefined ? {} : { reason }),
      };
    }
    case 'auth':
      return { type: 'refresh_token', token: new Secret(message.token) };
  }
}

/** A non-empty text always names a peer. */
function peer(name: string): PeerId {
  return toPeerId(name) ?? asPeerId(name);
}
