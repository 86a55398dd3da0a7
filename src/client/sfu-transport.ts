/**
 * mediasoup-client's transports, wired to the `sfu_*` verbs. What of mediasoup-client is used is described here, so that any
 * version that has it will do, and the application brings its own.
 */
import type { Frame } from './frames.js';
import type { RoomSession } from './room-session.js';

/** mediasoup-client's `Device`. */
export interface DeviceLike {
  load(options: { routerRtpCapabilities: never }): Promise<void>;
  readonly rtpCapabilities: unknown;
  createSendTransport(options: never): TransportLike;
  createRecvTransport(options: never): TransportLike;
}

/** mediasoup-client's `Transport`. */
export interface TransportLike {
  readonly id: string;
  on(event: never, listener: (...args: never[]) => void): unknown;
  produce(options: never): Promise<ProducerLike>;
  consume(options: never): Promise<ConsumerLike>;
  close(): void;
}

export interface ProducerLike {
  readonly id: string;
  close(): void;
}

export interface ConsumerLike {
  readonly id: string;
  readonly track: unknown;
  close(): void;
}

interface Wanted {
  readonly kind?: string;
  readonly dtlsParameters?: unknown;
  readonly rtpParameters?: unknown;
  readonly appData?: unknown;
}

type Answerer = (answer: { readonly id: string }) => void;

/** Asks the Media Service for a transport, and answers what the transport asks of it later. */
export async function openTransport(
  session: RoomSession,
  direction: 'send' | 'recv',
  create: (options: never) => TransportLike,
): Promise<TransportLike> {
  const said = await session.request({ type: 'sfu_create_transport', direction });
  const transport = create({
    id: said['transport_id'],
    iceParameters: said['ice_parameters'],
    iceCandidates: said['ice_candidates'],
    dtlsParameters: said['dtls_parameters'],
    iceServers: session.welcome['ice_servers'],
  } as never);
  const ask = (frame: Frame, done: Answerer, failed: (error: Error) => void): void => {
    session.request({ ...frame, transport_id: transport.id }).then(
      (answer) => {
        done({ id: String(answer['producer_id']) });
      },
      (error: unknown) => {
        failed(error instanceof Error ? error : new Error(String(error)));
      },
    );
  };
  transport.on('connect' as never, (wanted: Wanted, done: Answerer, failed: (error: Error) => void) => {
    ask({ type: 'sfu_connect_transport', dtls_parameters: wanted.dtlsParameters }, done, failed);
  });
  transport.on('produce' as never, (wanted: Wanted, done: Answerer, failed: (error: Error) => void) => {
    const { kind, rtpParameters, appData } = wanted;
    ask({ type: 'sfu_produce', kind, rtp_parameters: rtpParameters, app_data: appData }, done, failed);
  });
  return transport;
}
