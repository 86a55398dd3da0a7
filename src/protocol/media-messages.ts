/** What peers ask of the Media Service through the signaling server, and what they are answered. */
import type { PeerId } from './ids.js';
import type { ConsumerInfo, RouterInfo, TransportInfo } from './media-api.js';
import type {
  AppData,
  DtlsParameters,
  MediaKind,
  RtpCapabilities,
  RtpParameters,
  TransportDirection,
} from './rtp-schemas.js';

/** What a peer asks of the Media Service. */
export type MediaRequest =
  | { readonly op: 'capabilities' }
  | { readonly op: 'create_transport'; readonly direction: TransportDirection }
  | {
      readonly op: 'connect_transport';
      readonly transportId: string;
      readonly dtlsParameters: DtlsParameters;
    }
  | {
      readonly op: 'produce';
      readonly transportId: string;
      readonly kind: MediaKind;
      readonly rtpParameters: RtpParameters;
      readonly appData: AppData;
    }
  | {
      readonly op: 'consume';
      readonly transportId: string | undefined;
      readonly producerId: string;
      readonly rtpCapabilities: RtpCapabilities;
    }
  | { readonly op: 'resume_consumer'; readonly consumerId: string }
  | { readonly op: 'close_producer'; readonly producerId: string };

/** Media of a peer that the others can have. */
export interface ProducerCard {
  readonly producerId: string;
  readonly peerId: PeerId;
  readonly kind: MediaKind;
  readonly appData: AppData;
}

/** What it answers. */
export type MediaReply =
  | {
      readonly op: 'capabilities';
      readonly router: RouterInfo;
      /** Those of the other peers, at this moment. */
      readonly producers: readonly ProducerCard[];
    }
  | {
      readonly op: 'create_transport';
      readonly transport: TransportInfo;
      readonly direction: TransportDirection;
    }
  | { readonly op: 'connect_transport'; readonly transportId: string }
  | { readonly op: 'produce'; readonly producerId: string }
  | { readonly op: 'consume'; readonly consumer: ConsumerInfo }
  | { readonly op: 'resume_consumer'; readonly consumerId: string }
  | { readonly op: 'close_producer'; readonly producerId: string };
