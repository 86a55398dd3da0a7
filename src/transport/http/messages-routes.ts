/** What was said in a room, read back a page at a time, in the shapes of the flat dialect. */
import type { Request } from 'express';
import { z } from 'zod';
import { chatPage } from '../../dialects/flat/chat-sayings.js';
import { jsonReply, type Reply } from './reply.js';
import { callerOf, limited, nobody, roomTokenOf, type RoomAsker } from './room-caller.js';
import { checked, roomIdOf } from './room-input.js';

const maxLimit = 200;
/** By address: each may cost a read of the archive. */
const pagesPerMinute = 600;

const limitFault = `must be a whole number from 1 to ${maxLimit}`;
const beforeFault = 'must be the seq of a message, or the next of a page';

export const pageSchema = z.object({
  limit: digits(3, limitFault)
    .refine((value) => value >= 1 && value <= maxLimit, limitFault)
    .optional()
    .describe(`1 to ${maxLimit}`),
  before: digits(16, beforeFault)
    .refine(Number.isSafeInteger, beforeFault)
    .optional()
    .describe('The seq of a message, or the next of a page'),
});

function digits(most: number, fault: string): z.ZodType<number, string> {
  return z
    .string(fault)
    .regex(new RegExp(`^\\d{1,${String(most)}}$`), fault)
    .transform(Number);
}

/** `GET /rooms/:id/messages?before&limit&room_token`: `{messages, next}`, oldest first. */
export async function messages(asker: RoomAsker, request: Request): Promise<Reply> {
  const tooMany = await limited(asker, request, 'room_messages', pagesPerMinute);
  if (tooMany !== undefined) return tooMany;
  const given = await roomTokenOf(asker, request);
  if ('refusal' in given) return given.refusal;
  const caller = await callerOf(asker, request);
  if (caller === 'nobody') return nobody();
  const { before, limit } = checked(pageSchema, request.query);
  const page = await asker.rooms.messages(caller, roomIdOf(request), given.roomToken, {
    ...(before !== undefined && { before }),
    ...(limit !== undefined && { limit }),
  });
  return jsonReply(200, chatPage(page));
}
