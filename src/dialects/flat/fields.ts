/** Fields of a flat frame, in the spelling of this dialect or of S1. What is not as it should be is thrown as `SignalingError`. */
import { SignalingError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import type { Json, JsonObject } from '../../protocol/records.js';
import { isRecord } from '../content-parts.js';
import { toPeerId } from '../peer-key.js';

export function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

export function claimedSender(body: JsonObject): { by?: PeerId } {
  const { sender, senderId } = body;
  return sender === undefined && senderId === undefined ? {} : { by: peer(body, 'sender', 'senderId') };
}

/** The first of the spellings that is there, as a non-empty string. */
export function text(body: JsonObject, ...spellings: readonly string[]): string | undefined {
  const field = spellings.find((spelling) => body[spelling] !== undefined && body[spelling] !== null);
  if (field === undefined) return undefined;
  const value = body[field];
  if (typeof value === 'string' && value.length > 0) return value;
  throw new SignalingError('INVALID_MESSAGE', `${field} must be a non-empty string.`);
}

/** The first of the spellings that is there, as a peer's name. */
export function peer(body: JsonObject, ...spellings: readonly [string, ...string[]]): PeerId {
  const field = spellings.find((spelling) => body[spelling] !== undefined) ?? spellings[0];
  const peerId = toPeerId(body[field]);
  if (peerId === undefined || peerId === null) {
    throw new SignalingError('INVALID_MESSAGE', `${field} must name a peer.`);
  }
  return peerId;
}

export function record(body: JsonObject, field: string): JsonObject | undefined {
  const value = body[field];
  if (value === undefined || value === null) return undefined;
  if (isRecord(value)) return value;
  throw new SignalingError('INVALID_MESSAGE', `${field} must be an object.`);
}

export function tooLong(field: string, max: number): SignalingError {
  return new SignalingError('INVALID_MESSAGE', `${field} has more than ${max} characters.`);
}

/** A whole number from `least` on; absent when it is not there, or null. */
export function whole(body: JsonObject, field: string, least: number): number | undefined {
  const value = body[field];
  if (value === undefined || value === null) return undefined;
  if (isCount(value) && value >= least) return value;
  throw new SignalingError(
    'INVALID_MESSAGE',
    `${field} must be a whole number, at least ${least}, or be left out.`,
  );
}
