/** What stands in a `RoomCache`: a room, that there is none, or that it must not be relied on just now. JSON. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { asRoomId, type RoomId } from '../protocol/ids.js';
import { roomModes, roomStatuses, type RoomRecord } from '../protocol/records.js';

/** As S1 calls a room's fields, and what we need besides. `token` is a SECRET of whoever may join. */
const room = z.strictObject({
  id: z.string(),
  mode: z.enum(roomModes).optional(),
  createdBy: z.string(),
  token: z.string(),
  expiresAtS: z.int(),
  isOpen: z.boolean().optional(),
  listing: z
    .strictObject({ status: z.enum(roomStatuses), createdAtMs: z.int(), hostName: z.string() })
    .optional(),
});
const state = z.strictObject({ state: z.enum(['absent', 'reading', 'changing']), by: z.string().optional() });
const cached = z.union([room, state]);

export type CachedRoom =
  | { readonly is: 'room'; readonly record: RoomRecord }
  /** There was none when somebody looked. */
  | { readonly is: 'absent' }
  /** Somebody is reading it, and will say. */
  | { readonly is: 'reading' }
  /** Somebody is changing it, or has just done so. */
  | { readonly is: 'changing' }
  /** It is of no use. */
  | { readonly is: 'nonsense' };

export function writeRoom({ roomId, ...record }: RoomRecord): string {
  return JSON.stringify({ id: roomId, ...record });
}

export const absentText = JSON.stringify({ state: 'absent' });

/** No two are the same: who has put it there knows it again. */
export function newStateText(what: 'reading' | 'changing'): string {
  return JSON.stringify({ state: what, by: randomUUID() });
}

export function readCached(roomId: RoomId, text: string): CachedRoom {
  const parsed = cached.safeParse(parseJson(text));
  if (!parsed.success) return { is: 'nonsense' };
  if ('state' in parsed.data) return { is: parsed.data.state };
  const { id, createdBy, token, expiresAtS, isOpen, listing, mode } = parsed.data;
  if (id !== roomId) return { is: 'nonsense' };
  const more = {
    ...(isOpen !== undefined && { isOpen }),
    ...(listing && { listing }),
    ...(mode && { mode }),
  };
  return { is: 'room', record: { roomId: asRoomId(id), createdBy, token, expiresAtS, ...more } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Somebody else's.
    return undefined;
  }
}
