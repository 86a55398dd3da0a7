/** How a node passes a session on to another: the question, and the answer with the session's mail. */
import { z } from 'zod';
import { asNodeId, asPeerId, asRoomId, asSessionId } from './ids.js';
import { leaveReasons, signalKinds, type Receipt } from './messages.js';
import type { SeatRecord } from './records.js';

const ids = {
  roomId: z.string().transform(asRoomId),
  peerId: z.string().transform(asPeerId),
  sessionId: z.string().transform(asSessionId),
};

const question = z.object({
  question: z.number(),
  what: z.literal('handover'),
  ...ids,
  /** SHA-256 of the resume token that the peer has shown. */
  tokenHash: z.string(),
  /** Frames that the peer has had. */
  count: z.number(),
  /** Of dialects: what is kept is written in one. */
  family: z.string(),
});
export type HandoverQuestion = z.output<typeof question>;

const probe = z.object({ question: z.number(), what: z.literal('probe'), ...ids });
export type ProbeQuestion = z.output<typeof probe>;

const anyQuestion = z.discriminatedUnion('what', [question, probe]);

/** Throws when it is neither. */
export const readQuestion = (head: string): HandoverQuestion | ProbeQuestion =>
  anyQuestion.parse(JSON.parse(head));

const receipt = z.object({
  roomId: ids.roomId,
  from: ids.peerId,
  session: ids.sessionId,
  id: z.string(),
  isAwaited: z.boolean(),
}) satisfies z.ZodType<Receipt>;

/** Bytes of the body that belong to one entry, in order. */
const length = z.number().int().min(0);

const seat = z.object({
  ...ids,
  nodeId: z.string().transform(asNodeId),
  generation: z.number(),
  since: z.number(),
  identity: z.object({ sub: z.string(), username: z.string() }),
  card: z.object({
    peerId: ids.peerId,
    role: z.string(),
    metadata: z.record(z.string(), z.json()),
    connectedAtMs: z.number(),
  }),
  isQuiet: z.boolean(),
  standing: z.enum(['here', 'away', 'kept']),
  tokenHashes: z.array(z.string()),
}) satisfies z.ZodType<SeatRecord>;

const mail = z.object({
  ok: z.literal(true),
  told: z.number(),
  acknowledged: z.number(),
  hasAcknowledged: z.boolean(),
  /** Frames that the peer has not said to have. */
  kept: z.array(z.object({ length, receipt: receipt.optional() })),
  heard: z.array(z.tuple([z.string(), z.boolean()])),
  /** SHA-256 of tokens that held before. */
  spent: z.array(z.string()),
  /** The peer's own messages that are not confirmed. */
  sent: z.array(
    z.object({
      id: z.string(),
      verb: z.string(),
      to: ids.peerId,
      isAccepted: z.boolean(),
      isPlaced: z.boolean(),
      kind: z.enum([...signalKinds, 'message']),
      dialect: z.string(),
      length,
    }),
  ),
  /** Who has left the room there, as the presence may not know yet: the peer was told. */
  departures: z.array(z.object({ peerId: ids.peerId, generation: z.number(), reason: z.enum(leaveReasons) })),
  /** Seats of a memory that was lost, of which it is not known yet whether they are still there. */
  unsure: z.array(seat),
  /** Who is in the room as far as the peer was told. */
  present: z.array(ids.peerId),
  /** Of each node the last letter that is in this mail. */
  letters: z.record(z.string(), z.number()),
  /** The last chat message that is in this mail, or was had. */
  chatSeq: z.number(),
  /** What it was told of the media of the room: the router, and the producers with whose they are. */
  media: z.object({ epoch: z.string(), producers: z.array(z.tuple([z.string(), ids.peerId])) }).optional(),
});
export type HandedMail = z.output<typeof mail>;

const refusals = ['refused', 'superseded', 'unknown'] as const;
/** The claim does not hold there; its token did once; or that node serves no such session. */
export type HandoverRefusal = (typeof refusals)[number];
const handed = z.discriminatedUnion('ok', [mail, z.object({ ok: z.literal(false), why: z.enum(refusals) })]);

/** Throws when it is no answer to a handover. */
export function readHanded(head: string): HandedMail | HandoverRefusal {
  const said = handed.parse(JSON.parse(head));
  return said.ok ? said : said.why;
}
