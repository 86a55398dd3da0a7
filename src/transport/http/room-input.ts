/** What requests about rooms say, checked; what is wrong with it, in S2's shape. */
import type { Request } from 'express';
import { z } from 'zod';
import { SignalingError } from '../../protocol/errors.js';
import { safeParse } from '../../protocol/safe-parse.js';
import { asRoomId, type RoomId } from '../../protocol/ids.js';
import { roomModes, roomStatuses } from '../../protocol/records.js';
import { maxBodyBytes, readBody } from './request-body.js';

/** No store holds a longer id, and no room has one. */
const maxIdLength = 256;
const maxTextLength = 128;
/** What is skipped is read; `after` goes on without. */
const maxOffset = 1000;
const maxLimit = 100;

const status = z.enum(roomStatuses);
/** In whatever case: S1 writes it large, people do not. */
export const modeSchema = z
  .string('must be P2P or SFU')
  .transform((value) => value.toUpperCase())
  .pipe(z.enum(roomModes, 'must be P2P or SFU'))
  .describe('P2P or SFU');
const text = z.string().trim().min(1).max(maxTextLength);

export const newRoomSchema = z.object({
  hostUid: text.optional(),
  hostName: text.optional(),
  /** S2 knows no room tokens: its rooms are open to whoever may use the server. */
  access: z.enum(['open', 'token']).default('open'),
  mode: modeSchema.optional(),
});
export const changeSchema = z
  .object({ status: status.optional(), mode: modeSchema.optional() })
  .refine((wanted) => wanted.status !== undefined || wanted.mode !== undefined, {
    path: ['status'],
    error: 'is missing, and so is mode: one of them is needed',
  });
export const listSchema = z.object({
  limit: whole(1, maxLimit).default(20).describe(`1 to ${maxLimit}; 20 where it is not said`),
  offset: whole(0, maxOffset).default(0).describe(`0 to ${maxOffset}`),
  status: status.optional(),
  after: z.string().max(2048).optional().describe('The next of the page before'),
});

function whole(least: number, most: number): z.ZodType<number, string> {
  const fault = `must be a whole number from ${least} to ${most}`;
  return z
    .string(fault)
    .regex(/^\d{1,9}$/, fault)
    .transform(Number)
    .refine((value) => value >= least && value <= most, fault);
}

/** Throws `INVALID_MESSAGE` with what is wrong by its path. */
export function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const fields: Record<string, string[]> = {};
  for (const { path, message } of parsed.error.issues) (fields[path.join('.')] ??= []).push(message);
  throw new SignalingError('INVALID_MESSAGE', undefined, { fields });
}

/**
 * The body of a request, checked. Rejects with `MESSAGE_TOO_BIG`, `INVALID_MESSAGE`, `ClientGoneError`. Call it in the
 * turn the request came in.
 */
export async function checkedBody<Schema extends z.ZodType>(
  schema: Schema,
  request: Request,
): Promise<z.output<Schema>> {
  const bytes = await readBody(request);
  if (bytes === 'too big') {
    throw new SignalingError('MESSAGE_TOO_BIG', `The request body is larger than ${maxBodyBytes} bytes`);
  }
  let value: unknown;
  try {
    value = bytes.length === 0 ? {} : JSON.parse(bytes.toString('utf8'));
  } catch {
    // What the parser says quotes the body.
    throw new SignalingError('INVALID_MESSAGE', undefined, { fields: { '': ['is not JSON'] } });
  }
  return checked(schema, value);
}

/** The room of the path. Throws `ROOM_NOT_FOUND` for what can be none. */
export function roomIdOf(request: Request): RoomId {
  const { id } = request.params;
  if (typeof id !== 'string' || id.length > maxIdLength) throw new SignalingError('ROOM_NOT_FOUND');
  return asRoomId(id);
}
