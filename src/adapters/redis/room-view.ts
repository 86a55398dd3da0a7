import { asPeerId, type PeerId, type RoomId } from '../../protocol/ids.js';
import { roomModes, type RoomMode, type SeatRecord } from '../../protocol/records.js';
import type { Kick, RoomView } from '../../ports/presence.js';
import { parseSeat } from './room-seat.js';
import { fromLine, fromOptionalLine, parseNumber } from './room-text.js';

/**
 * A room's hash: `epoch`, `version`, `born` (microseconds), `expires` (unix seconds), `creator` (its user's sub), `host`
 * and `kicks` (`room-authority-lua.ts`), `mode` (`room-mode-lua.ts`), `s:{peer}` a seat, `l:{node}` in which life a node last wrote here, `g:{peer}`
 * the generation of a seat that was given up and that this memory never held.
 */
const SEAT_FIELD = 's:';
const ENDED_FIELD = 'g:';
const KICK_COLUMNS = 8;

/** The hash, field and value in turn; `keepUntilS` is when Redis may forget it. Throws when it is not one. */
export function parseRoom(
  roomId: RoomId,
  fields: readonly string[],
): { readonly view: RoomView; readonly keepUntilS: number } {
  let [epoch, version, keepUntilS] = ['', 0, 0];
  let host: PeerId | undefined;
  let mode: RoomMode | undefined;
  let kicked: readonly Kick[] = [];
  const seats: SeatRecord[] = [];
  const ended: RoomView['ended'][number][] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [field = '', value = ''] = fields.slice(at, at + 2);
    if (field === 'epoch') epoch = value;
    else if (field === 'version') version = parseNumber(value);
    else if (field === 'expires') keepUntilS = parseNumber(value);
    else if (field === 'host') host = asPeerId(fromLine(value.split('\n', 1)[0] ?? ''));
    else if (field === 'mode') mode = parseMode(value.split('\n', 1)[0]);
    else if (field === 'kicks') kicked = value.split('\n').map(parseKick);
    else if (field.startsWith(ENDED_FIELD))
      ended.push({
        peerId: asPeerId(fromLine(field.slice(ENDED_FIELD.length))),
        generation: parseNumber(value),
      });
    else if (field.startsWith(SEAT_FIELD))
      seats.push(parseSeat(roomId, asPeerId(fromLine(field.slice(SEAT_FIELD.length))), value));
  }
  return { view: { epoch, version, seats, ended, kicked, host, mode }, keepUntilS };
}

/** Throws when the peer has no seat in the view. */
export function seatOf({ seats }: RoomView, peerId: PeerId): SeatRecord {
  const seat = seats.find((candidate) => candidate.peerId === peerId);
  if (seat === undefined) throw new Error('Redis did not return the seat that it gave');
  return seat;
}

export function parseMode(text: string | undefined): RoomMode {
  const mode = roomModes.find((known) => known === text);
  if (mode === undefined) throw new Error('a mode in Redis has another form');
  return mode;
}

function parseKick(line: string): Kick {
  const columns = line.split('\t');
  const [peer = '', generation = '', by = '', reason = ''] = columns;
  if (columns.length !== KICK_COLUMNS) throw new Error('a kick in Redis has another form');
  return kickOf(asPeerId(fromLine(peer)), parseNumber(generation), by, reason);
}

/** `by` and `reason` as lines, the latter with `+` before it, or `-`. */
export function kickOf(peerId: PeerId, generation: number, by: string, reason: string): Kick {
  const text = fromOptionalLine(reason);
  const because = text === undefined ? {} : { reason: text };
  return { peerId, generation, by: asPeerId(fromLine(by)), ...because };
}
