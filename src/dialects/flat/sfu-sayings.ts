/** What flat peers are told of media that goes through a Media Service. What mediasoup made is handed on as it is. */
import { asPeerId } from '../../protocol/ids.js';
import type { ConsumerInfo } from '../../protocol/media-api.js';
import type { MediaReply, MediaRequest, ProducerCard } from '../../protocol/media-messages.js';
import type { JsonObject } from '../../protocol/records.js';
import { fromPeerId } from '../peer-key.js';

/** The verb that asks for each, and is answered by its own name. */
export const sfuVerbOf: Readonly<Record<MediaRequest['op'], string>> = {
  capabilities: 'sfu_get_router_capabilities',
  create_transport: 'sfu_create_transport',
  connect_transport: 'sfu_connect_transport',
  produce: 'sfu_produce',
  consume: 'sfu_consume',
  resume_consumer: 'sfu_resume_consumer',
  close_producer: 'sfu_close_producer',
};

export function mediaReply(reply: MediaReply): JsonObject {
  return { type: sfuVerbOf[reply.op], ...answer(reply) };
}

/** `id` is what mediasoup's own examples answer, beside this dialect's names. */
function answer(reply: MediaReply): JsonObject {
  switch (reply.op) {
    case 'capabilities':
      return {
        rtp_capabilities: reply.router.rtpCapabilities,
        epoch: reply.router.epoch,
        producers: reply.producers.map(producer),
      };
    case 'create_transport': {
      const { id, iceParameters, iceCandidates, dtlsParameters } = reply.transport;
      return {
        transport_id: id,
        id,
        direction: reply.direction,
        ice_parameters: iceParameters,
        ice_candidates: iceCandidates,
        dtls_parameters: dtlsParameters,
      };
    }
    case 'connect_transport':
      return { transport_id: reply.transportId };
    case 'produce':
      return { producer_id: reply.producerId, id: reply.producerId };
    case 'consume':
      return consumer(reply.consumer);
    case 'resume_consumer':
      return { consumer_id: reply.consumerId };
    case 'close_producer':
      return { producer_id: reply.producerId };
  }
}

/** `consumer_type`: mediasoup's `type`, which is the frame's own here. Consumers begin paused. */
function consumer({
  id,
  producerId,
  peerId,
  kind,
  rtpParameters,
  type,
  producerPaused,
}: ConsumerInfo): JsonObject {
  return {
    consumer_id: id,
    id,
    producer_id: producerId,
    peer_id: fromPeerId(asPeerId(peerId)),
    kind,
    rtp_parameters: rtpParameters,
    consumer_type: type,
    paused: true,
    producer_paused: producerPaused,
  };
}

export function producer({ producerId, peerId, kind, appData }: ProducerCard): JsonObject {
  return { producer_id: producerId, peer_id: fromPeerId(peerId), kind, app_data: appData };
}
