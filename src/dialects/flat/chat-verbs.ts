/** What full sessions say to the whole room, read back, and how the room exchanges media. */
import { SignalingError } from '../../protocol/errors.js';
import type { Command } from '../../protocol/messages.js';
import { roomModes, type JsonObject } from '../../protocol/records.js';
import { claimedSender, text, whole } from './fields.js';
import type { Verb } from './verb.js';

const chatMessage: Verb = { answered: false, read: readChat };

export const chatVerbs: readonly (readonly [string, Verb])[] = [
  ['chat_message', chatMessage],
  ['chat-message', chatMessage],
  ['chat_history', { answered: false, read: readHistory }],
  ['set_room_mode', { answered: false, read: readMode }],
];

function readChat(body: JsonObject): Command {
  for (const field of ['target', 'to']) {
    if (body[field] === undefined || body[field] === null) continue;
    // It was for one peer: it must not be read by all.
    const remedy = `${field} is refused: chat goes to the whole room. Leave it out, or send a peer_message.`;
    throw new SignalingError('INVALID_MESSAGE', remedy);
  }
  const content = text(body, 'content');
  if (content === undefined) throw new SignalingError('MISSING_FIELDS', 'Missing: content.');
  const { id } = body;
  if (id === '')
    throw new SignalingError('INVALID_MESSAGE', 'id is empty: name the message, or leave it out.');
  // An `id` that cannot be quoted is refused as that of any other request.
  return { type: 'chat', ...claimedSender(body), content, ...(typeof id === 'string' ? { id } : {}) };
}

function readHistory(body: JsonObject): Command {
  const before = whole(body, 'before', 0);
  const limit = whole(body, 'limit', 1);
  return {
    type: 'chat_history',
    ...(before === undefined ? {} : { before }),
    ...(limit === undefined ? {} : { limit }),
  };
}

function readMode(body: JsonObject): Command {
  const wanted = text(body, 'mode')?.toUpperCase();
  const mode = roomModes.find((one) => one === wanted);
  if (mode === undefined) {
    throw new SignalingError('INVALID_MESSAGE', `mode must be one of ${roomModes.join(', ')}.`);
  }
  return { type: 'set_mode', ...claimedSender(body), mode };
}
