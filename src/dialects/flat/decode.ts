/** Flat frames in: one JSON object, keyed by `type`. */
import type { DecodedCommand, DecodedRefusal } from '../dialect.js';
import { SignalingError, type ErrorCode } from '../../protocol/errors.js';
import type { Ask, SignalKind } from '../../protocol/messages.js';
import type { JsonObject } from '../../protocol/records.js';
import { toPeerId } from '../peer-key.js';
import { flatName } from './name.js';
import { frameText } from './frame-text.js';
import { verbs } from './verbs.js';

/** An `id` longer than this is not quoted back. */
const maxIdChars = 64;

/** What is written anew may grow fivefold (`1e20` does), and must not fill its receivers' outboxes. */
const maxRewrittenBytes = 262_144;

/** How the wire may spell a signal: its own words, and those of S1's clients. */
const signalKinds: ReadonlyMap<unknown, SignalKind> = new Map([
  ['offer', 'offer'],
  ['answer', 'answer'],
  ['candidate', 'candidate'],
  ['webrtc_offer', 'offer'],
  ['webrtc_answer', 'answer'],
  ['webrtc_ice_candidate', 'candidate'],
]);

/** Most signals carry no `id`: they share these. */
const bareAsks: Readonly<Record<SignalKind, Ask>> = {
  offer: { verb: 'offer', answered: false },
  answer: { verb: 'answer', answered: false },
  candidate: { verb: 'candidate', answered: false },
};

export function decodeFlat(bytes: Buffer, isBinary: boolean): DecodedCommand | DecodedRefusal {
  const text = frameText(bytes, isBinary);
  if (text === undefined) return refusal('INVALID_JSON', 'The binary frame is not Unicode text.', true);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // The parser's own text would quote what the client sent.
    return refusal('INVALID_JSON', 'The frame is not JSON: send one JSON object.', false);
  }
  if (!isJsonObject(body)) {
    return refusal('INVALID_MESSAGE', 'The frame must be one JSON object with a "type".', true);
  }
  const { type } = body;
  const kind = signalKinds.get(type);
  if (kind !== undefined) return decodeSignal(kind, body, isBinary ? Buffer.from(text) : bytes);
  const verb = typeof type === 'string' ? verbs.get(type) : undefined;
  if (verb === undefined) return unknownType(type, body);
  const ask = askOf(type as string, verb.answered, body);
  try {
    return {
      command: verb.read(body, {
        dialect: flatName,
        bytes: isBinary ? Buffer.from(text) : bytes,
        isSigned: true,
      }),
      ask,
    };
  } catch (error) {
    if (error instanceof SignalingError) return { error, ask, endsQuiet: false };
    throw error;
  }
}

/** `bytes` are text: a binary frame is handed on as such, as the Python server does. */
function decodeSignal(kind: SignalKind, body: JsonObject, bytes: Buffer): DecodedCommand | DecodedRefusal {
  const { sender, senderId } = body;
  const from = toPeerId(sender ?? senderId);
  const to = toPeerId(body['target'] ?? body['to']);
  const ask = body['id'] === undefined ? bareAsks[kind] : askOf(kind, false, body);
  if (from === null) return refusal('INVALID_MESSAGE', 'sender must be a string.', false, ask);
  if (to === null) return refusal('INVALID_MESSAGE', 'target must be a string.', false, ask);
  if (from === undefined && (sender !== undefined || senderId !== undefined))
    return emptyField('sender', ask);
  if (to === undefined && ('target' in body || 'to' in body)) return emptyField('target', ask);
  if (senderId !== undefined && sender !== undefined && senderId !== sender) {
    return refusal('INVALID_MESSAGE', 'sender and senderId differ: send one of them.', false, ask);
  }
  const isOwnSpelling =
    body['type'] === kind && senderId === undefined && (body['target'] !== undefined || to === undefined);
  if (!isOwnSpelling && bytes.length > maxRewrittenBytes) {
    const text = `At most ${maxRewrittenBytes} bytes in this spelling; ${kind} with sender and target may have more.`;
    return refusal('MESSAGE_TOO_BIG', text, false, ask);
  }
  // Only what a Python server could have forwarded goes out as it came.
  const frame = isOwnSpelling ? { dialect: flatName, bytes, isSigned: sender !== undefined } : undefined;
  return { command: { type: 'signal', kind, from, to, body, frame }, ask };
}

/** Leaving a field out means something; leaving it empty is a mistake. */
function emptyField(field: string, ask: Ask): DecodedRefusal {
  return refusal('MISSING_FIELDS', `${field} is empty: name a peer, or leave it out.`, false, ask);
}

function unknownType(type: unknown, body: JsonObject): DecodedRefusal {
  const [code, text]: [ErrorCode, string] =
    typeof type === 'string'
      ? ['UNKNOWN_MESSAGE_TYPE', `Unknown type ${JSON.stringify(type.slice(0, 64))}.`]
      : ['INVALID_MESSAGE', 'type must be a string.'];
  return refusal(code, text, false, askOf(typeof type === 'string' ? type.slice(0, 64) : '', false, body));
}

function askOf(verb: string, answered: boolean, body: JsonObject): Ask {
  const { id } = body;
  if (id === undefined) return { verb, answered };
  if (typeof id === 'string' && id.length <= maxIdChars) return { verb, id, answered };
  return { verb, answered, unquotable: true };
}

function refusal(code: ErrorCode, text: string, endsQuiet: boolean, ask?: Ask): DecodedRefusal {
  return { error: new SignalingError(code, text), endsQuiet, ...(ask === undefined ? {} : { ask }) };
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
