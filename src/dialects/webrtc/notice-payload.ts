/** What the server does to the payload of a notice, which is little: it does not look into it otherwise. */
import type { PeerId } from '../../protocol/ids.js';
import type { JsonObject } from '../../protocol/records.js';
import { noticeNames } from '../notice-names.js';
import { fromPeerId } from '../peer-key.js';

/** If it says whose it is, it is its sender's; the same payload when it says so, or nothing. */
export function withOwnUser(kind: string, payload: JsonObject, from: PeerId): JsonObject {
  const user = fromPeerId(from);
  const isClaimed = noticeNames.get(kind)?.own === true && Object.hasOwn(payload, 'user_id');
  return isClaimed && payload['user_id'] !== user ? { ...payload, user_id: user } : payload;
}
