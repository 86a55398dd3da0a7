/** The fields of `sfu_*`: each under this dialect's name or S1's (`transport_id`, `transportId`), checked by its schema. */
import { z } from 'zod';
import { SignalingError } from '../../protocol/errors.js';
import { mediaIdSchema } from '../../protocol/media-api.js';
import type { JsonObject } from '../../protocol/records.js';
import {
  appDataSchema,
  dtlsParametersSchema,
  mediaKinds,
  rtpCapabilitiesSchema,
  rtpParametersSchema,
  transportDirections,
} from '../../protocol/rtp-schemas.js';
import { safeParse } from '../../protocol/safe-parse.js';
import { firstFault, type Fault } from './first-fault.js';

interface Field<Schema extends z.ZodType> {
  readonly name: string;
  readonly schema: Schema;
  /** What to send, for who has sent something else. */
  readonly remedy: string;
}

function field<Schema extends z.ZodType>(name: string, schema: Schema, remedy: string): Field<Schema> {
  return { name, schema, remedy };
}

const transport = 'the transport_id that sfu_create_transport answered';

export const sfuFields = {
  direction: field('direction', z.enum(transportDirections), '"send" or "recv"'),
  transportId: field('transport_id', mediaIdSchema, transport),
  receivingTransportId: field(
    'transport_id',
    mediaIdSchema.nullish().transform((id) => id ?? undefined),
    `${transport}, or nothing when you have one to receive with`,
  ),
  dtlsParameters: field(
    'dtls_parameters',
    dtlsParametersSchema,
    'the dtlsParameters that mediasoup-client gave, unchanged',
  ),
  kind: field('kind', z.enum(mediaKinds), '"audio" or "video"'),
  rtpParameters: field(
    'rtp_parameters',
    rtpParametersSchema,
    'the rtpParameters that mediasoup-client gave, unchanged',
  ),
  appData: field(
    'app_data',
    appDataSchema.nullish().transform((data) => data ?? {}),
    'an object with at most 1024 characters of JSON, or nothing',
  ),
  producerId: field(
    'producer_id',
    mediaIdSchema,
    'the producer_id that sfu_new_producer told or sfu_produce answered',
  ),
  rtpCapabilities: field(
    'rtp_capabilities',
    rtpCapabilitiesSchema,
    'the rtpCapabilities of mediasoup-client’s Device, unchanged',
  ),
  consumerId: field('consumer_id', mediaIdSchema, 'the consumer_id that sfu_consume answered'),
} as const;

/** A path goes through names that the client made up. */
const maxPathChars = 128;

/** Throws `INVALID_MESSAGE`, which says where in the field it is wrong, and what to send instead. */
export function readField<Schema extends z.ZodType>(
  body: JsonObject,
  { name, schema, remedy }: Field<Schema>,
): z.output<Schema> {
  const camel = name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const spelling = body[name] === undefined && body[camel] !== undefined ? camel : name;
  const value = body[spelling];
  let fault: Fault | undefined = firstFault(schema, value, []);
  if (fault === undefined) {
    const { data, error } = safeParse(schema, value);
    if (error === undefined) return data;
    [fault] = error.issues;
  }
  const at = [spelling, ...(fault?.path ?? [])].join('.').slice(0, maxPathChars);
  const wrong = value === undefined ? 'is missing' : (fault?.message ?? 'is not as it should be');
  const options = { fields: { [at]: [wrong] } };
  throw new SignalingError('INVALID_MESSAGE', `${at}: ${wrong}. Send ${remedy}.`, options);
}
