/**
 * Peer names on the flat wire may be any truthy JSON scalar: the Python server keys its dictionaries with them, and
 * `1` and `"1"` are two peers there. Inside they are strings; a name that was none is told apart by a control
 * character in front, and gets its own form back on the way out.
 */
import { asPeerId, type PeerId } from '../protocol/ids.js';
import type { Json } from '../protocol/records.js';

const mark = '\u0001';
const markCode = 1;

/** The peer that a value names: `undefined` for what Python calls false, `null` for lists and objects (D11). */
export function toPeerId(value: Json | undefined): PeerId | undefined | null {
  if (typeof value === 'string') {
    if (value.length === 0) return undefined;
    return asPeerId(value.charCodeAt(0) === markCode ? mark + JSON.stringify(value) : value);
  }
  if (isFalsy(value)) return undefined;
  if (typeof value === 'object' || value === Infinity || value === -Infinity) return null;
  return asPeerId(mark + JSON.stringify(value));
}

/** The name as the wire spelled it. */
export function fromPeerId(peerId: PeerId): Json {
  return peerId.charCodeAt(0) === markCode ? (JSON.parse(peerId.slice(1)) as Json) : peerId;
}

/** What Python's truth test calls false: absent, null, false, 0, "", [] and {}. */
export function isFalsy(value: Json | undefined): value is undefined | null | false | 0 | '' {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
