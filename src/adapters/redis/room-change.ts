import { asNodeId, asPeerId, asSessionId, type RoomId } from '../../protocol/ids.js';
import { leaveReasons, type LeaveReason } from '../../protocol/messages.js';
import { modeReasons } from '../../protocol/records.js';
import type { RoomChange } from '../../ports/presence.js';
import { parseSeat } from './room-seat.js';
import { fromLine, fromOptionalLine, parseNumber } from './room-text.js';
import { kickOf, parseMode } from './room-view.js';

const VERSION = '1';

/**
 * A change: version of this form, epoch, previous, version, origin, then `seat`, note (with `+` before it, or `-`), peer
 * and the seat's lines; or `gone`, reason, peer, session, generation, and of a kick by, reason (with `+` before it, or
 * `-`); or `host`, peer; or `mode`, mode, reason, by (with `+` before it, or `-`). Throws when it is anything else.
 */
export function parseChange(roomId: RoomId, text: string): RoomChange {
  const [form, epoch = '', previous = '', version = '', origin = '', ...what] = text.split('\n');
  if (form !== VERSION || epoch === '') throw malformed();
  return {
    roomId,
    epoch,
    previous: parseNumber(previous),
    version: parseNumber(version),
    origin: asNodeId(fromLine(origin)),
    what: parseWhat(roomId, what),
  };
}

function parseWhat(roomId: RoomId, what: readonly string[]): RoomChange['what'] {
  const [kind, word = '', ...rest] = what;
  switch (kind) {
    case 'seat':
      return parseTaken(roomId, word, rest);
    case 'gone':
      return parseGone(word, rest);
    case 'host':
      if (what.length !== 2) throw malformed();
      return { kind, host: asPeerId(fromLine(word)) };
    case 'mode':
      return parseModeChange(what);
    default:
      throw malformed();
  }
}

function parseTaken(
  roomId: RoomId,
  word: string,
  [peer = '', ...lines]: readonly string[],
): RoomChange['what'] {
  const text = fromOptionalLine(word);
  const note = text === undefined ? {} : { note: text };
  return {
    kind: 'seat',
    seat: parseSeat(roomId, asPeerId(fromLine(peer)), lines.join('\n')),
    ...note,
  };
}

function parseGone(reason: string, lines: readonly string[]): RoomChange['what'] {
  const [peer = '', session = '', generation = '', by, because] = lines;
  const isKick = reason === 'kicked' && lines.length === 5;
  if (!isReason(reason) || (lines.length !== 3 && !isKick)) throw malformed();
  const gone = {
    kind: 'gone',
    peerId: asPeerId(fromLine(peer)),
    sessionId: asSessionId(fromLine(session)),
    generation: parseNumber(generation),
    reason,
  } as const;
  if (by === undefined || because === undefined) return gone;
  return { ...gone, kick: kickOf(gone.peerId, gone.generation, by, because) };
}

function parseModeChange(what: readonly string[]): RoomChange['what'] {
  const [, mode, word, by = ''] = what;
  const reason = modeReasons.find((known) => known === word);
  if (what.length !== 4 || reason === undefined) throw malformed();
  const who = fromOptionalLine(by);
  return {
    kind: 'mode',
    mode: parseMode(mode),
    reason,
    ...(who === undefined ? {} : { by: asPeerId(who) }),
  };
}

function isReason(text: string): text is LeaveReason {
  return leaveReasons.some((reason) => reason === text);
}

function malformed(): Error {
  return new Error('a change of a room has another form');
}
