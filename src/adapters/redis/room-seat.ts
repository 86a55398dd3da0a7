import { asNodeId, asSessionId, type PeerId, type RoomId } from '../../protocol/ids.js';
import type { JsonObject, SeatRecord } from '../../protocol/records.js';
import { fromLine, parseJson, parseNumber, toLine } from './room-text.js';

/**
 * How seats are written in Redis: lines of text, so that a script can compare and replace one of them without
 * understanding the rest. Texts are escaped as in JSON, so none holds a line break.
 *
 * A seat: generation, edit, ticket, node, session, standing, quiet (0 or 1), sub, token hashes (JSON), the rest (JSON),
 * since. `edit` numbers what one node writes of a seat, `ticket` names the call that gave the seat its generation.
 */
const SEAT_LINES = 11;

/** The lines of a seat between its node and `since`: what its node decides. */
export function seatLines(seat: Omit<SeatRecord, 'generation' | 'since' | 'nodeId'>): string[] {
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
    since = '',
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
    generation: parseNumber(generation),
    since: parseNumber(since),
    identity: { sub: fromLine(sub), username },
    card: { peerId, role, metadata: asObject(metadata) as JsonObject, connectedAtMs },
    isQuiet: quiet === '1',
    standing,
    tokenHashes,
  };
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
