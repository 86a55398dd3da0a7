/** Webrtc frames in: S4's envelopes, in either spelling. */
import { SignalingError } from '../../protocol/errors.js';
import type { Ask } from '../../protocol/messages.js';
import type { Json, JsonObject } from '../../protocol/records.js';
import { isRecord } from '../content-parts.js';
import type { DecodedCommand, DecodedRefusal } from '../dialect.js';
import { hasMoreLevels, malformed, maxLevels } from './envelope.js';
import { kindOf, spellingOf, type Spelling } from './name.js';
import { isSignal, readSignal } from './signals.js';
import { isVerb, verbOf } from './verbs.js';

/** An `id` longer than this is not quoted back. */
const maxIdChars = 64;
const maxQuotedChars = 64;

const serverKinds: ReadonlySet<string> = new Set([
  'user_joined',
  'user_left',
  'room_state',
  'error',
  'host_changed',
]);

/** A byte order mark stays, and makes it malformed: what is forwarded must be JSON for its receiver too. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `spoken`: how the socket spells; what a frame's own `type` gives away goes before it. Never throws. */
export function decodeWebrtc(
  bytes: Buffer,
  isBinary: boolean,
  spoken: Spelling,
): DecodedCommand | DecodedRefusal {
  let body: JsonObject;
  try {
    body = parse(bytes, isBinary);
  } catch (error) {
    return refusal(error);
  }
  const type = typeof body['type'] === 'string' ? body['type'] : undefined;
  const ask = askOf((type ?? '').slice(0, maxQuotedChars), body);
  try {
    if (type === undefined) throw malformed('type', 'must be a string.');
    return read(type, body, bytes, spellingOf(type) ?? spoken, ask);
  } catch (error) {
    return refusal(error, ask);
  }
}

function parse(bytes: Buffer, isBinary: boolean): JsonObject {
  let body: Json;
  try {
    body = JSON.parse(isBinary ? utf8.decode(bytes) : bytes.toString('utf8')) as Json;
  } catch {
    // The parser's own text would quote what the client sent.
    throw new SignalingError('INVALID_JSON', 'The frame is not JSON in UTF-8: send one JSON object.');
  }
  if (isRecord(body)) return body;
  throw new SignalingError('INVALID_MESSAGE', 'The frame must be one JSON object with "type" and "payload".');
}

function read(type: string, body: JsonObject, bytes: Buffer, spelling: Spelling, ask: Ask): DecodedCommand {
  const kind = kindOf(type);
  if (kind !== undefined && serverKinds.has(kind)) {
    throw new SignalingError('FORBIDDEN', `${type} is refused: only the server says that.`);
  }
  if (kind === undefined || !(isSignal(kind) || isVerb(kind))) {
    throw new SignalingError('UNKNOWN_MESSAGE_TYPE', `Unknown type ${JSON.stringify(ask.verb)}.`);
  }
  const { payload } = body;
  if (!isRecord(payload)) throw malformed('payload', 'must be an object.');
  if (hasMoreLevels(body, maxLevels)) {
    throw new SignalingError('INVALID_MESSAGE', `Nested deeper than ${maxLevels} levels: send less.`);
  }
  const envelope = { kind, payload, body };
  const verb = verbOf(envelope);
  if (verb === undefined) return { command: readSignal(envelope, bytes, spelling), ask };
  return { command: verb.read(envelope), ask: { ...ask, answered: verb.answered } };
}

function askOf(verb: string, { id }: JsonObject): Ask {
  const answered = false;
  if (id === undefined) return { verb, answered };
  if (typeof id === 'string' && id.length <= maxIdChars) return { verb, id, answered };
  return { verb, answered, unquotable: true };
}

function refusal(error: unknown, ask?: Ask): DecodedRefusal {
  const known =
    error instanceof SignalingError ? error : new SignalingError('INTERNAL', undefined, { cause: error });
  return { error: known, endsQuiet: false, ...(ask === undefined ? {} : { ask }) };
}
