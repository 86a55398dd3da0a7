/** S4's envelope: `{type, payload, sender_id?, room_id?, timestamp?}`. */
import { SignalingError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import type { Json, JsonObject } from '../../protocol/records.js';
import type { Scope } from '../dialect.js';
import { fromPeerId, toPeerId } from '../peer-key.js';

export interface Envelope {
  /** The kind, with underscores. */
  readonly kind: string;
  readonly payload: JsonObject;
  /** The whole of it, as it was parsed. */
  readonly body: JsonObject;
}

/** Deeper nesting is refused, so that whoever writes it anew has stack enough. The envelope is the first level. */
export const maxLevels = 64;

/** What the server says of a frame, whatever its sender said: the keys of `stamp`. */
const stampedKeys: ReadonlySet<string> = new Set(['sender_id', 'room_id', 'timestamp']);

export function isStamped(body: JsonObject): boolean {
  return Object.keys(body).some((key) => stampedKeys.has(key));
}

export function withoutStamp(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !stampedKeys.has(key)));
}

export function stamp(from: PeerId, { roomId, now }: Scope): JsonObject {
  return { sender_id: fromPeerId(from), room_id: roomId ?? null, timestamp: isoTime(now()) };
}

/** `null` where there is no such date. */
export function isoTime(unixMs: number): string | null {
  const date = new Date(unixMs);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** A scalar has none. */
export function hasMoreLevels(value: Json, than: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return than === 0 || Object.values(value).some((item: Json) => hasMoreLevels(item, than - 1));
}

export function malformed(field: string, text: string): SignalingError {
  const sentence = `${field} ${text}`;
  return new SignalingError('INVALID_MESSAGE', sentence, { fields: { [field]: [sentence] } });
}

/** The peer that the first of those fields names that is there, in the payload or around it; `undefined`: none is. */
export function peerIn({ payload, body }: Envelope, ...fields: readonly string[]): PeerId | undefined {
  for (const field of fields) {
    const value = payload[field] ?? body[field];
    if (value === undefined || value === null) continue;
    const peer = toPeerId(value);
    if (peer === null) throw malformed(field, 'must be a string.');
    if (peer === undefined) throw malformed(field, 'is empty: name a peer, or leave it out.');
    return peer;
  }
  return undefined;
}
