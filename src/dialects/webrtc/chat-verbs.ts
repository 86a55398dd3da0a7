/** What S4's clients say to the whole room, and read back. Readers throw `SignalingError` to refuse. */
import type { Command } from '../../protocol/messages.js';
import type { Json } from '../../protocol/records.js';
import { malformed, peerIn, type Envelope } from './envelope.js';

const maxIdChars = 64;

/**
 * S4's documents call its fields `content` and `message_id`, its router reads `text` and `id`. Whose it is and when it was
 * said is the server's word; what else S4's schema has (`message_type`, `reply_to`) does not go along.
 */
export function readChat(envelope: Envelope): Command {
  const { payload, body } = envelope;
  if (peerIn(envelope, 'target_user_id') !== undefined) {
    // It was for one peer: it must not be read by all.
    throw malformed('target_user_id', 'is refused: chat goes to the whole room. Leave it out.');
  }
  const content = payload['content'] ?? payload['text'];
  if (typeof content !== 'string' || content === '')
    throw malformed('content', 'must be a non-empty string.');
  const id = payload['message_id'] ?? payload['id'] ?? body['id'];
  if (id === undefined || id === null) return { type: 'chat', content };
  if (typeof id === 'string' && id !== '' && id.length <= maxIdChars) return { type: 'chat', content, id };
  throw malformed('message_id', `must be a string of 1 to ${maxIdChars} characters, or be left out.`);
}

export function readHistory({ payload }: Envelope): Command {
  const before = whole('before', payload['before'], 0);
  const limit = whole('limit', payload['limit'], 1);
  return {
    type: 'chat_history',
    ...(before === undefined ? {} : { before }),
    ...(limit === undefined ? {} : { limit }),
  };
}

function whole(field: string, value: Json | undefined, least: number): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw malformed(field, `must be a whole number, at least ${least}, or be left out.`);
}
