/**
 * What the signaling server asks of a Media Service over HTTP, and what it answers: JSON, guarded by the header
 * `X-Internal-Service-Key`. Both sides check what they get by these schemas. Shapes of WebRTC parameters are those of
 * ORTC as mediasoup 3 has them.
 *
 *     GET  /health                     -> mediaHealth                (no key)
 *     GET  /metrics                    -> Prometheus text            (no key)
 *     GET  /stats                      -> JSON for operators
 *     POST /keep            keep       -> kept
 *     POST /routers         ofRoom     -> router
 *     POST /producers/list  ofRoom     -> producerList
 *     POST /transports      createTransport -> transport
 *     POST /transports/connect connectTransport -> done
 *     POST /producers       produce    -> produced
 *     POST /producers/close closeProducer -> done
 *     POST /consumers       consume    -> consumer
 *     POST /consumers/resume resumeConsumer -> done
 *     POST /owners/close    ofOwner    -> done
 *     POST /routers/close   ofRoom     -> done
 *     a refusal is any status from 400 up, with `mediaRefusal` as its body.
 */
import { z } from 'zod';

import {
  appDataSchema,
  dtlsParametersSchema,
  mediaKinds,
  rtpCapabilitiesSchema,
  rtpParametersSchema,
  transportDirections,
} from './rtp-schemas.js';

const word = (most: number): z.ZodString => z.string().min(1).max(most);

/** An id that a Media Service gave. */
export const mediaIdSchema = word(64);
const id = mediaIdSchema;

export const ofRoomSchema = z.object({ roomId: word(256) });
/** `owner`: the session, new with each stay; `peerId`: what the others call it. */
const ownership = { roomId: word(256), owner: word(64) };
export const ofOwnerSchema = z.object(ownership);
export const createTransportSchema = z.object({
  ...ownership,
  peerId: word(1_024),
  direction: z.enum(transportDirections),
});
export const connectTransportSchema = z.object({
  ...ownership,
  transportId: id,
  dtlsParameters: dtlsParametersSchema,
});
export const produceSchema = z.object({
  ...ownership,
  transportId: id,
  kind: z.enum(mediaKinds),
  rtpParameters: rtpParametersSchema,
  appData: appDataSchema.optional(),
});
export const closeProducerSchema = z.object({ ...ownership, producerId: id });
export const consumeSchema = z.object({
  ...ownership,
  /** Absent: the owner's only receiving transport. */
  transportId: id.optional(),
  producerId: id,
  rtpCapabilities: rtpCapabilitiesSchema,
});
export const resumeConsumerSchema = z.object({ ...ownership, consumerId: id });
/** An object whose keys are room ids. `z.record` leaves `__proto__` out, which is an id like any other. */
function byRoom<Value>(value: z.ZodType<Value>): z.ZodType<Record<string, Value>> {
  const isObject = (given: unknown): given is object =>
    typeof given === 'object' && given !== null && !Array.isArray(given);
  return z.preprocess(
    (given) => (isObject(given) ? Object.entries(given) : given),
    z
      .array(z.tuple([word(256), value]), 'Invalid input: expected an object')
      .transform((entries): Record<string, Value> => Object.fromEntries(entries)),
  );
}
/** Who is in which room as far as a node knows: whose media nobody names for a while is closed. */
export const keepSchema = z.object({ rooms: byRoom(z.array(word(64)).max(10_000)) });

const epoch = word(64);
export const mediaHealthSchema = z.object({
  /** New with each start of the service. */
  epoch,
  /** Consumers and producers, the busiest worker's share of what it is good for: 0 to 1 and beyond. */
  load: z.number().min(0),
  workers: z.int().min(0),
});
export const keptSchema = mediaHealthSchema.extend({
  /** Rooms that have a router: its epoch, new with each router, and a number that grows with each change of its producers. */
  rooms: byRoom(z.object({ epoch, version: z.int().min(0) })),
});
export const routerSchema = z.object({
  epoch,
  version: z.int().min(0),
  /** mediasoup's own, handed on to its client as it is. */
  rtpCapabilities: z.record(z.string(), z.json()),
});
export const producerListSchema = z.object({
  epoch,
  version: z.int().min(0),
  producers: z.array(
    z.object({ id, owner: word(64), peerId: word(1_024), kind: z.enum(mediaKinds), appData: appDataSchema }),
  ),
});
/** ICE and DTLS parameters in mediasoup's shapes. */
export const transportSchema = z.object({
  id,
  iceParameters: z.record(z.string(), z.json()),
  iceCandidates: z.array(z.record(z.string(), z.json())),
  dtlsParameters: z.record(z.string(), z.json()),
});
export const producedSchema = z.object({ id });
export const consumerSchema = z.object({
  id,
  producerId: id,
  kind: z.enum(mediaKinds),
  rtpParameters: z.record(z.string(), z.json()),
  type: z.string(),
  /** Whose producer it is. */
  peerId: word(1_024),
  producerPaused: z.boolean(),
});
export const doneSchema = z.object({});

export const mediaRefusalCodes = [
  /** A field is wrong; the text names it. */
  'INVALID',
  /** No such transport, producer or consumer in the room, or it is somebody else's. */
  'NOT_FOUND',
  /** The room has no router: it was lost with its worker, or never opened. */
  'NO_ROUTER',
  /** It is beyond what one peer, room or service may have. */
  'FULL',
  /** The internal key is missing or wrong. */
  'FORBIDDEN',
  'INTERNAL',
] as const;
export type MediaRefusalCode = (typeof mediaRefusalCodes)[number];
export const mediaRefusalSchema = z.object({
  code: z.enum(mediaRefusalCodes),
  message: z.string().max(1_024),
});

export type CreateTransport = z.output<typeof createTransportSchema>;
export type ConnectTransport = z.output<typeof connectTransportSchema>;
export type Produce = z.output<typeof produceSchema>;
export type CloseProducer = z.output<typeof closeProducerSchema>;
export type Consume = z.output<typeof consumeSchema>;
export type ResumeConsumer = z.output<typeof resumeConsumerSchema>;
export type OfOwner = z.output<typeof ofOwnerSchema>;
export type MediaHealth = z.output<typeof mediaHealthSchema>;
export type Kept = z.output<typeof keptSchema>;
export type RouterInfo = z.output<typeof routerSchema>;
export type ProducerList = z.output<typeof producerListSchema>;
export type ProducerInfo = ProducerList['producers'][number];
export type TransportInfo = z.output<typeof transportSchema>;
export type Produced = z.output<typeof producedSchema>;
export type ConsumerInfo = z.output<typeof consumerSchema>;
