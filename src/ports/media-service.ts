import type { RoomId, SessionId } from '../protocol/ids.js';
import type {
  CloseProducer,
  ConnectTransport,
  Consume,
  ConsumerInfo,
  CreateTransport,
  Kept,
  MediaHealth,
  OfOwner,
  Produce,
  Produced,
  ProducerList,
  ResumeConsumer,
  RouterInfo,
  TransportInfo,
} from '../protocol/media-api.js';

/**
 * One Media Service, as `protocol/media-api.ts` has it. Every call settles within its deadline (a second, two for what
 * peers ask). It rejects with a `SignalingError`: `MEDIA_UNAVAILABLE` when the service did not answer, or not in its
 * form; `MEDIA_NOT_FOUND`, `MEDIA_RESTARTED` (the room has no router there), `MEDIA_FULL`, `INVALID_MESSAGE` when it said no,
 * `INTERNAL` when it failed.
 */
export interface MediaService {
  /** The same on every node that uses it: its address. */
  readonly name: string;
  health(): Promise<MediaHealth>;
  /** Says who is in which rooms; answers which of them have a router, and what of it has changed. */
  keep(rooms: ReadonlyMap<RoomId, readonly SessionId[]>): Promise<Kept>;
  /** The room's router; it is made where there is none. */
  openRouter(roomId: RoomId): Promise<RouterInfo>;
  closeRouter(roomId: RoomId): Promise<void>;
  producers(roomId: RoomId): Promise<ProducerList>;
  createTransport(asked: CreateTransport): Promise<TransportInfo>;
  connectTransport(asked: ConnectTransport): Promise<void>;
  produce(asked: Produce): Promise<Produced>;
  closeProducer(asked: CloseProducer): Promise<void>;
  consume(asked: Consume): Promise<ConsumerInfo>;
  resumeConsumer(asked: ResumeConsumer): Promise<void>;
  /** Closes everything of a session. What is closed already is no error. */
  closeOwner(owner: OfOwner): Promise<void>;
}
