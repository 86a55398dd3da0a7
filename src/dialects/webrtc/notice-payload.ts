/** What the server does to the payload of a notice, which is little: it does not look into it otherwise. */
import type { PeerId } from '../../protocol/ids.js';
import type { JsonObject } from '../../protocol/records.js';
import { noticeNames } from '../notice-names.js';
import { fromPeerId } from '../peer-key.js';

/** S4's documents and its router name these two differently: whoever reads either finds it. */
const chatTwins = [
  ['content', 'text'],
  ['message_id', 'id'],
] as const;

/** The same payload when nothing is missing. */
export function completed(kind: string, payload: JsonObject): JsonObject {
  if (kind !== 'chat_message') return payload;
  let whole = payload;
  for (const [one, other] of chatTwins) {
    const value = payload[one] ?? payload[other] ?? null;
    if (value === null) continue;
    if ((payload[one] ?? null) === null) whole = { ...whole, [one]: value };
    if ((payload[other] ?? null) === null) whole = { ...whole, [other]: value };
  }
  return whole;
}

/** If it says whose it is, it is its sender's; the same payload when it says so, or nothing. */
export function withOwnUser(kind: string, payload: JsonObject, from: PeerId): JsonObject {
  const user = fromPeerId(from);
  const isClaimed = noticeNames.get(kind)?.own === true && Object.hasOwn(payload, 'user_id');
  return isClaimed && payload['user_id'] !== user ? { ...payload, user_id: user } : payload;
}
