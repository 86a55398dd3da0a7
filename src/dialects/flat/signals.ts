/** What goes from peer to peer in flat: offers, answers, candidates and notices. */
import type { Ask, SignalKind } from '../../protocol/messages.js';
import type { Json, JsonObject } from '../../protocol/records.js';
import { isRecord, isShallow, maxRewrittenBytes, maxRewrittenLevels } from '../content-parts.js';
import type { DecodedCommand, DecodedRefusal } from '../dialect.js';
import { noticeNames } from '../notice-names.js';
import { toPeerId } from '../peer-key.js';
import { askOf, refusal } from './asked.js';
import { flatName } from './name.js';
import { WireFrame } from '../../protocol/wire-frame.js';

interface SignalWord {
  readonly kind: SignalKind;
  /** The word that leaves: S1's clients have words of their own, which are written anew. */
  readonly own: string;
  readonly isHostOnly: boolean;
  /** It may say whose it is in `user_id` too. */
  readonly hasOwner: boolean;
  /** Most signals carry no `id`: they share this. */
  readonly bareAsk: Ask;
}

function word(kind: SignalKind, own: string, isHostOnly = false, hasOwner = false): SignalWord {
  return { kind, own, isHostOnly, hasOwner, bareAsk: { verb: own, answered: false } };
}

/** By the `type` of a frame. */
export const signalWords: ReadonlyMap<unknown, SignalWord> = new Map([
  ['offer', word('offer', 'offer')],
  ['answer', word('answer', 'answer')],
  ['candidate', word('candidate', 'candidate')],
  ['webrtc_offer', word('offer', 'offer')],
  ['webrtc_answer', word('answer', 'answer')],
  ['webrtc_ice_candidate', word('candidate', 'candidate')],
  ...[...noticeNames].map(
    ([name, { host, own }]) => [name, word('notice', name, host === true, own === true)] as const,
  ),
]);

/** `bytes` are text: a binary frame is handed on as such, as the Python server does. */
export function decodeSignal(
  { kind, own, isHostOnly, hasOwner, bareAsk }: SignalWord,
  body: JsonObject,
  bytes: Buffer,
): DecodedCommand | DecodedRefusal {
  const { sender, senderId } = body;
  const claimed = toPeerId(sender ?? senderId);
  const to = toPeerId(body['target'] ?? body['to']);
  const ask = body['id'] === undefined ? bareAsk : askOf(own, false, body);
  if (claimed === null) return refusal('INVALID_MESSAGE', 'sender must be a string.', false, ask);
  if (to === null) return refusal('INVALID_MESSAGE', 'target must be a string.', false, ask);
  if (claimed === undefined && (sender !== undefined || senderId !== undefined))
    return emptyField('sender', ask);
  if (to === undefined && ('target' in body || 'to' in body)) return emptyField('target', ask);
  if (senderId !== undefined && sender !== undefined && senderId !== sender) {
    return refusal('INVALID_MESSAGE', 'sender and senderId differ: send one of them.', false, ask);
  }
  const owners = hasOwner ? ownersIn(body).map(toPeerId) : [];
  const [owner] = owners;
  if (owner === null || owners.some((one) => one !== (claimed ?? owner))) {
    return refusal('INVALID_MESSAGE', 'user_id must be the sender: correct it, or leave it out.', false, ask);
  }
  // Where only `user_id` says who it is from, that is checked as the sender is.
  const from = claimed ?? owner;
  const isOwnSpelling =
    body['type'] === own && senderId === undefined && (body['target'] !== undefined || to === undefined);
  if (!isOwnSpelling && bytes.length > maxRewrittenBytes) {
    const text = `At most ${maxRewrittenBytes} bytes in this spelling; ${own} with sender and target may have more.`;
    return refusal('MESSAGE_TOO_BIG', text, false, ask);
  }
  if (!isOwnSpelling && !isShallow(body)) {
    const text = `At most ${maxRewrittenLevels} levels of nesting in this spelling.`;
    return refusal('INVALID_MESSAGE', text, false, ask);
  }
  // Only what a Python server could have forwarded goes out as it came.
  const frame = isOwnSpelling ? new WireFrame(flatName, bytes, sender !== undefined) : undefined;
  const command = { type: 'signal', kind, from, to, body, frame } as const;
  return { command: isHostOnly ? { ...command, isHostOnly } : command, ask };
}

/** Whose a notice says it is, beside its sender and in its payload. */
function ownersIn({ user_id: beside, payload }: JsonObject): Json[] {
  const within = isRecord(payload) ? payload['user_id'] : undefined;
  return [beside, within].filter((user) => user !== undefined && user !== null);
}

/** Leaving a field out means something; leaving it empty is a mistake. */
function emptyField(field: string, ask: Ask): DecodedRefusal {
  return refusal('MISSING_FIELDS', `${field} is empty: name a peer, or leave it out.`, false, ask);
}
