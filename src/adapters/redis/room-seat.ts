import { asNodeId, asPeerId, asSessionId, type PeerId, type RoomId } from '../../protocol/ids.js';
import { leaveReasons, type LeaveReason } from '../../protocol/messages.js';
import type { JsonObject, SeatRecord } from '../../protocol/records.js';
import type { RoomChange, RoomView } from '../../ports/presence.js';

/**
 * How seats and changes are written in Redis: lines of text, so that a script can compare and replace one of them
 * without understanding the rest. Texts are escaped as in JSON, so none holds a line break.
 *
 * A seat: generation, edit, ticket, node, session, standing, quiet (0 or 1), sub, token hashes (JSON), the rest (JSON).
 * `edit` numbers what one node writes of a seat, `ticket` names the call that gave the seat its generation.
 */
const SEAT_LINES = 10;
const VERSION = '1';
const SEAT_FIELD = 's:';
const ENDED_FIELD = 'g:';

/** One text as one line; equal lines are equal texts. */
export function toLine(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The lines of a seat after its node: what its node decides. */
export function seatLines(seat: Omit<SeatRecord, 'generation' | 'nodeId'>): string[] {
  const { sessionId, standing, isQuiet, identity, tokenHashes, card } = seat;
  const { role, metadata, connectedAtMs } = card;
  const rest = { username: identity.username, role, metadata, connectedAtMs };
  const quiet = isQuiet ? '1' : '0';
  return [
    toLine(sessionId),
    standing,
    quiet,
    toLine(identity.sub),
    JSON.stringify(tokenHashes),
    JSON.stringify(rest),
  ];
}

/** Throws when the text is not a seat as this server writes it. */
export function parseSeat(roomId: RoomId, peerId: PeerId, text: string): SeatRecord {
  const lines = text.split('\n');
  const [
    generation = '',
    ,
    ,
    node = '',
    session = '',
    standing = '',
    quiet,
    sub = '',
    tokens = '',
    rest = '',
  ] = lines;
  if (lines.length !== SEAT_LINES || !isStanding(standing))
    throw new Error('a seat in Redis has another form');
  const { username, role, metadata, connectedAtMs } = asObject(parseJson(rest));
  const tokenHashes: unknown = parseJson(tokens);
  if (!isTexts(tokenHashes) || typeof username !== 'string' || typeof role !== 'string')
    throw new Error('a seat in Redis has another form');
  if (typeof connectedAtMs !== 'number') throw new Error('a seat in Redis has another form');
  return {
    roomId,
    peerId,
    sessionId: asSessionId(fromLine(session)),
    nodeId: asNodeId(fromLine(node)),
    generation: asNumber(generation),
    identity: { sub: fromLine(sub), username },
    card: { peerId, role, metadata: asObject(metadata) as JsonObject, connectedAtMs },
    isQuiet: quiet === '1',
    standing,
    tokenHashes,
  };
}

/** A room's hash, field and value in turn; `keepUntilS` is when Redis may forget it. Throws when it is not one. */
export function parseRoom(
  roomId: RoomId,
  fields: readonly string[],
): { readonly view: RoomView; readonly keepUntilS: number } {
  let [epoch, version, keepUntilS] = ['', 0, 0];
  const seats: SeatRecord[] = [];
  const ended: RoomView['ended'][number][] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [field = '', value = ''] = fields.slice(at, at + 2);
    if (field === 'epoch') epoch = value;
    else if (field === 'version') version = asNumber(value);
    else if (field === 'expires') keepUntilS = asNumber(value);
    else if (field.startsWith(ENDED_FIELD))
      ended.push({
        peerId: asPeerId(fromLine(field.slice(ENDED_FIELD.length))),
        generation: asNumber(value),
      });
    else if (field.startsWith(SEAT_FIELD))
      seats.push(parseSeat(roomId, asPeerId(fromLine(field.slice(SEAT_FIELD.length))), value));
  }
  return { view: { epoch, version, seats, ended }, keepUntilS };
}

/** Throws when the peer has no seat in the view. */
export function seatOf({ seats }: RoomView, peerId: PeerId): SeatRecord {
  const seat = seats.find((candidate) => candidate.peerId === peerId);
  if (seat === undefined) throw new Error('Redis did not return the seat that it gave');
  return seat;
}

/**
 * A change: version of this form, epoch, previous, version, origin, then either `seat`, note (with `+` before it, or
 * nothing), peer and the seat's lines; or `gone`, reason, peer, session, generation. Throws when it is anything else.
 */
export function parseChange(roomId: RoomId, text: string): RoomChange {
  const [form, epoch = '', previous = '', version = '', origin = '', kind, word = '', peer = '', ...rest] =
    text.split('\n');
  if (form !== VERSION || epoch === '') throw new Error('a change of a room has another form');
  const peerId = asPeerId(fromLine(peer));
  const head = {
    roomId,
    epoch,
    previous: asNumber(previous),
    version: asNumber(version),
    origin: asNodeId(fromLine(origin)),
  };
  if (kind === 'seat') {
    const note = word.startsWith('+') ? { note: fromLine(word.slice(1)) } : {};
    return { ...head, what: { kind, seat: parseSeat(roomId, peerId, rest.join('\n')), ...note } };
  }
  const [session = '', generation = ''] = rest;
  if (kind !== 'gone' || rest.length !== 2 || !isReason(word))
    throw new Error('a change of a room has another form');
  const sessionId = asSessionId(fromLine(session));
  return { ...head, what: { kind, peerId, sessionId, generation: asNumber(generation), reason: word } };
}

export function fromLine(line: string): string {
  const text = parseJson(`"${line}"`);
  if (typeof text !== 'string') throw new Error('a text in Redis has another form');
  return text;
}

/** `JSON.parse` quotes what it cannot read, and that is nobody's to log. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('a text in Redis is not JSON');
  }
}

function asNumber(text: string): number {
  if (!/^\d{1,16}$/.test(text)) throw new Error('a number in Redis has another form');
  return Number(text);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('a seat in Redis has another form');
  return { ...value };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isStanding(text: string): text is SeatRecord['standing'] {
  return text === 'here' || text === 'away' || text === 'kept';
}

function isReason(text: string): text is LeaveReason {
  return leaveReasons.some((reason) => reason === text);
}
