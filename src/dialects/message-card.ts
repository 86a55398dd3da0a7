/** What a dialect's messages look like, for the documents that the server serves of itself. */
import { z } from 'zod';

export interface MessageCard {
  /** The frame's `type`; of frames that have none, a name. */
  readonly name: string;
  /** Who says it. */
  readonly by: 'client' | 'server';
  readonly summary: string;
  readonly frame: z.ZodType;
}

/** A frame with that `type` and these fields. */
export function card(
  by: MessageCard['by'],
  name: string,
  summary: string,
  fields: z.core.$ZodLooseShape = {},
): MessageCard {
  return { name, by, summary, frame: z.object({ type: z.literal(name), ...fields }) };
}

/** The same, and whatever else its sender puts into it. */
export function openCard(
  by: MessageCard['by'],
  name: string,
  summary: string,
  fields: z.core.$ZodLooseShape = {},
): MessageCard {
  return { name, by, summary, frame: z.looseObject({ type: z.literal(name), ...fields }) };
}

/** Some of a message's fields that more than one dialect has. */
export const anyObject = z.record(z.string(), z.unknown());
export const iceServer = z.object({
  urls: z.array(z.string()),
  username: z.string().optional(),
  credential: z.string().optional(),
});
export const icePolicy = z.enum(['all', 'relay']);
export const sdp = z.string().describe('A session description (RFC 8866)');
export const candidate = z.looseObject({
  candidate: z.string().describe('Empty: there are no more'),
  sdpMid: z.string().nullish(),
  sdpMLineIndex: z.number().nullish(),
  usernameFragment: z.string().nullish(),
});
export const unixSeconds = z.number().describe('Unix time in seconds');
export const count = z.int().min(0);
