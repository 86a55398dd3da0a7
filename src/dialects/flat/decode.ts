/** Flat frames in: one JSON object, keyed by `type`. */
import type { DecodedCommand, DecodedRefusal } from '../dialect.js';
import { SignalingError, type ErrorCode } from '../../protocol/errors.js';
import type { Json, JsonObject } from '../../protocol/records.js';
import { isRecord } from '../content-parts.js';
import { askOf, refusal } from './asked.js';
import { flatName } from './name.js';
import { frameText } from './frame-text.js';
import { decodeSignal, signalWords } from './signals.js';
import { verbs } from './verbs.js';
import { WireFrame } from '../../protocol/wire-frame.js';

export function decodeFlat(bytes: Buffer, isBinary: boolean): DecodedCommand | DecodedRefusal {
  const text = frameText(bytes, isBinary);
  if (text === undefined) return refusal('INVALID_JSON', 'The binary frame is not Unicode text.', true);
  let body: Json;
  try {
    body = JSON.parse(text) as Json;
  } catch {
    // The parser's own text would quote what the client sent.
    return refusal('INVALID_JSON', 'The frame is not JSON: send one JSON object.', false);
  }
  if (!isRecord(body)) {
    return refusal('INVALID_MESSAGE', 'The frame must be one JSON object with a "type".', true);
  }
  const { type } = body;
  const word = signalWords.get(type);
  if (word !== undefined) return decodeSignal(word, body, isBinary ? Buffer.from(text) : bytes);
  const verb = typeof type === 'string' ? verbs.get(type) : undefined;
  if (verb === undefined) return unknownType(type, body);
  const ask = askOf(type as string, verb.answered, body);
  try {
    return {
      command: verb.read(body, new WireFrame(flatName, isBinary ? Buffer.from(text) : bytes, true)),
      ask,
    };
  } catch (error) {
    if (error instanceof SignalingError) return { error, ask, endsQuiet: false };
    throw error;
  }
}

function unknownType(type: unknown, body: JsonObject): DecodedRefusal {
  const [code, text]: [ErrorCode, string] =
    typeof type === 'string'
      ? ['UNKNOWN_MESSAGE_TYPE', `Unknown type ${JSON.stringify(type.slice(0, 64))}.`]
      : ['INVALID_MESSAGE', 'type must be a string.'];
  return refusal(code, text, false, askOf(typeof type === 'string' ? type.slice(0, 64) : '', false, body));
}
