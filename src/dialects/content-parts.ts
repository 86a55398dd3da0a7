/** What the readers of content share: fields that nobody has validated, read as well as they can be. */
import type { Json, JsonObject } from '../protocol/records.js';
import type { IceCandidate } from './content.js';

/** RTCIceCandidateInit's fields, in the two spellings that clients use. */
export const candidateFields: readonly string[] = [
  'candidate',
  'sdpMid',
  'sdp_mid',
  'sdpMLineIndex',
  'sdp_m_line_index',
  'usernameFragment',
  'username_fragment',
];

/** What is written anew may grow fivefold (`1e20` does), and must not fill its receivers' outboxes. */
export const maxRewrittenBytes = 262_144;

/** `JSON.stringify` recurses, and a frame may nest half a million levels. */
export const maxRewrittenLevels = 64;

/** Can it be written anew? */
export function isShallow(value: Json, levels = maxRewrittenLevels): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((item: Json) => isShallow(item, levels - 1));
}

export function isRecord(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object without these fields. */
export function without(body: JsonObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([field]) => !fields.includes(field)));
}

/** A description, whether it is the text itself or an RTCSessionDescriptionInit; `extras`: what else the latter has. */
export function descriptionIn(value: Json | undefined): {
  readonly sdp: string;
  readonly extras: JsonObject;
} {
  if (!isRecord(value)) return { sdp: text(value) ?? '', extras: {} };
  return { sdp: text(value['sdp']) ?? '', extras: without(value, ['type', 'sdp']) };
}

/**
 * A candidate, whether it is the line itself, an RTCIceCandidateInit, or `null` as the end of candidates. `beside`: the
 * object around it, where the other fields may stand as well.
 */
export function candidateIn(
  value: Json | undefined,
  beside: JsonObject,
): { readonly candidate: IceCandidate; readonly extras: JsonObject } {
  const inner = isRecord(value) ? value : {};
  const find = (camel: string, snake: string): Json | undefined =>
    inner[camel] ?? inner[snake] ?? beside[camel] ?? beside[snake];
  const fragment = text(find('usernameFragment', 'username_fragment'));
  // Saying that there is none differs from not saying.
  const saysNone = [inner, beside].some(
    (fields) => fields['usernameFragment'] === null || fields['username_fragment'] === null,
  );
  return {
    candidate: {
      candidate: text(isRecord(value) ? value['candidate'] : value) ?? '',
      sdpMid: text(find('sdpMid', 'sdp_mid')) ?? null,
      sdpMLineIndex: index(find('sdpMLineIndex', 'sdp_m_line_index')),
      ...(fragment !== undefined
        ? { usernameFragment: fragment }
        : saysNone
          ? { usernameFragment: null }
          : {}),
    },
    extras: without(inner, candidateFields),
  };
}

function text(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function index(value: Json | undefined): number | null {
  const number = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}
