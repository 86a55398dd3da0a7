/** What full sessions ask of the Media Service (S1): checked here, so that nothing malformed is handed on. */
import { SignalingError } from '../../protocol/errors.js';
import type { MediaRequest } from '../../protocol/media-messages.js';
import type { WireFrame } from '../../protocol/wire-frame.js';
import type { Json, JsonObject } from '../../protocol/records.js';
import { isShallow, maxRewrittenLevels } from '../content-parts.js';
import { readField, sfuFields } from './sfu-fields.js';
import { sfuVerbOf } from './sfu-sayings.js';
import type { Verb } from './verb.js';

/**
 * What browsers say of their codecs has some 20 KB and 1,000 values. What is refused is read whole before: there must not
 * be much.
 */
const maxSfuBytes = 65_536;
const maxSfuValues = 4_096;

type Readers = { readonly [Op in MediaRequest['op']]: (body: JsonObject) => MediaRequest & { op: Op } };

const readers: Readers = {
  capabilities: () => ({ op: 'capabilities' }),
  create_transport: (body) => ({ op: 'create_transport', direction: readField(body, sfuFields.direction) }),
  connect_transport: (body) => ({
    op: 'connect_transport',
    transportId: readField(body, sfuFields.transportId),
    dtlsParameters: readField(body, sfuFields.dtlsParameters),
  }),
  produce: (body) => ({
    op: 'produce',
    transportId: readField(body, sfuFields.transportId),
    kind: readField(body, sfuFields.kind),
    rtpParameters: readField(body, sfuFields.rtpParameters),
    appData: readField(body, sfuFields.appData),
  }),
  consume: (body) => ({
    op: 'consume',
    transportId: readField(body, sfuFields.receivingTransportId),
    producerId: readField(body, sfuFields.producerId),
    rtpCapabilities: readField(body, sfuFields.rtpCapabilities),
  }),
  resume_consumer: (body) => ({ op: 'resume_consumer', consumerId: readField(body, sfuFields.consumerId) }),
  close_producer: (body) => ({ op: 'close_producer', producerId: readField(body, sfuFields.producerId) }),
};

export const sfuVerbs: readonly (readonly [string, Verb])[] = Object.entries(readers).map(([op, read]) => [
  sfuVerbOf[op as MediaRequest['op']],
  {
    answered: false,
    read: (body, frame) => {
      check(body, frame);
      return { type: 'media', request: read(body) };
    },
  },
]);

function check(body: JsonObject, { bytes }: WireFrame): void {
  if (bytes.length > maxSfuBytes) {
    const text = `At most ${maxSfuBytes} bytes: send what mediasoup-client gave, and no more.`;
    throw new SignalingError('MESSAGE_TOO_BIG', text);
  }
  if (!isShallow(body)) {
    throw new SignalingError(
      'INVALID_MESSAGE',
      `Nested deeper than ${maxRewrittenLevels} levels: send less.`,
    );
  }
  if (valuesIn(body) > maxSfuValues) {
    const text = `More than ${maxSfuValues} values: send what mediasoup-client gave, and no more.`;
    throw new SignalingError('INVALID_MESSAGE', text);
  }
}

/** All that is in it, at every level. */
function valuesIn(value: Json): number {
  if (typeof value !== 'object' || value === null) return 1;
  let count = 1;
  for (const item of Object.values(value) as readonly Json[]) count += valuesIn(item);
  return count;
}
