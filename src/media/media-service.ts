import { randomUUID } from 'node:crypto';
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
import type { MediaOwner } from './media-owner.js';
import { MediaRefusal, notFound, refusing } from './media-refusal.js';
import type { MediaRoom } from './media-room.js';
import type { MediaRooms } from './media-rooms.js';
import type { EngineDtlsParameters, EngineRtpCapabilities, EngineRtpParameters } from './mediasoup-engine.js';
import { dtlsParametersFault, rtpCapabilitiesFault, rtpParametersFault } from './rtp-faults.js';
import type { Workers } from './workers.js';

export interface TransportSettings {
  readonly listenIp: string;
  /** What peers are told instead; absent: the same. */
  readonly announcedAddress: string | undefined;
  /** Bits a second that a receiver is taken to be good for until it is known. */
  readonly initialBitrate: number;
}

/** It sends nothing that could be wrong: most likely its ports, or those of the process, are all in use. */
const noTransport = ['FULL', 'The service has no means for another transport.'] as const;
const doesNotFit = 'rtpParameters do not fit this router, or use a mid, rid or ssrc that is in use already.';
const cannotReceive = 'rtpCapabilities cannot receive this producer.';

type OfRoom = Pick<OfOwner, 'roomId'>;
type Call<Result> = (room: MediaRoom, owner: MediaOwner) => Promise<Result>;

/** The calls of `protocol/media-api.ts`, whose schemas what comes here has passed. Each rejects with `MediaRefusal`. */
export class MediaService {
  /** New with each start. */
  readonly epoch = randomUUID();
  readonly #workers: Workers;
  readonly #rooms: MediaRooms;
  readonly #settings: TransportSettings;

  constructor(workers: Workers, rooms: MediaRooms, settings: TransportSettings) {
    this.#workers = workers;
    this.#rooms = rooms;
    this.#settings = settings;
  }

  health(): MediaHealth {
    return { epoch: this.epoch, load: this.#workers.load, workers: this.#workers.alive.length };
  }

  keep({ rooms }: { readonly rooms: Readonly<Record<string, readonly string[]>> }): Kept {
    return { ...this.health(), rooms: this.#rooms.keep(rooms) };
  }

  async openRouter({ roomId }: OfRoom): Promise<RouterInfo> {
    return (await this.#rooms.open(roomId)).info;
  }

  closeRouter({ roomId }: OfRoom): void {
    this.#rooms.find(roomId)?.close();
  }

  producers({ roomId }: OfRoom): ProducerList {
    return this.#rooms.get(roomId).producerList;
  }

  async createTransport(asked: CreateTransport): Promise<TransportInfo> {
    const room = this.#rooms.get(asked.roomId);
    const owner = room.welcome(asked);
    return owner.inTurn(async () => {
      owner.needTransport(asked.direction);
      const { listenIp, announcedAddress, initialBitrate } = this.#settings;
      const listenIps = [
        announcedAddress === undefined ? { ip: listenIp } : { ip: listenIp, announcedIp: announcedAddress },
      ];
      const transport = await refusing({ room, fault: noTransport }, () =>
        room.router.createWebRtcTransport({
          listenIps,
          enableUdp: true,
          enableTcp: true,
          preferUdp: true,
          initialAvailableOutgoingBitrate: initialBitrate,
        }),
      );
      return owner.addTransport(asked.direction, transport);
    });
  }

  async connectTransport(asked: ConnectTransport): Promise<void> {
    refuseIf(dtlsParametersFault(asked.dtlsParameters));
    const dtlsParameters = asked.dtlsParameters as EngineDtlsParameters;
    await this.#inTurn(asked, async (room, owner) => {
      const owned = owner.transport(asked.transportId);
      const fault = ['INVALID', 'dtlsParameters were refused.'] as const;
      if (owned.isConnected) throw invalid('transportId is of a transport that is connected already.');
      await refusing({ room, on: [owned.transport], fault }, () =>
        owned.transport.connect({ dtlsParameters }),
      );
      owned.isConnected = true;
    });
  }

  async produce({ kind, rtpParameters, appData = {}, ...asked }: Produce): Promise<Produced> {
    refuseIf(rtpParametersFault(kind, rtpParameters));
    return this.#inTurn(asked, async (room, owner) => {
      const transport = owner.transportFor('send', asked.transportId);
      owner.need('producers');
      const fault = ['INVALID', doesNotFit] as const;
      const producer = await refusing({ room, on: [transport], fault }, () =>
        transport.produce({ kind, rtpParameters: rtpParameters as unknown as EngineRtpParameters }),
      );
      owner.addProducer(producer, appData);
      return { id: producer.id };
    });
  }

  closeProducer(asked: CloseProducer): Promise<void> {
    return this.#inTurn(asked, async (_, owner) => {
      const owned = owner.producer(asked.producerId);
      if (owned === undefined) throw notFound('producer');
      owned.producer.close();
      return Promise.resolve();
    });
  }

  /** The consumer begins paused. */
  async consume(asked: Consume): Promise<ConsumerInfo> {
    refuseIf(rtpCapabilitiesFault(asked.rtpCapabilities));
    const rtpCapabilities = asked.rtpCapabilities as unknown as EngineRtpCapabilities;
    return this.#inTurn(asked, async (room, owner) => {
      const { producer, of } = room.producer(asked.producerId);
      if (of === owner) throw invalid('producerId is of a producer of the same owner.');
      const transport = owner.receiver(asked.transportId);
      owner.need('consumers');
      const { producerId } = asked;
      const fault = ['INVALID', cannotReceive] as const;
      const consumer = await refusing({ room, on: [transport, producer], fault }, () => {
        if (!room.router.canConsume({ producerId, rtpCapabilities })) throw invalid(cannotReceive);
        return transport.consume({ producerId, rtpCapabilities, paused: true });
      });
      return owner.addConsumer(consumer, of.peerId);
    });
  }

  resumeConsumer(asked: ResumeConsumer): Promise<void> {
    return this.#inTurn(asked, (room, owner) => {
      const consumer = owner.consumer(asked.consumerId);
      // The news that its producer is closed may be on its way yet.
      const { producer } = room.producer(consumer.producerId);
      const on = [consumer, producer];
      return refusing({ room, on, fault: ['INTERNAL', 'The consumer was not resumed.'] }, () =>
        consumer.resume(),
      );
    });
  }

  closeOwner({ roomId, owner }: OfOwner): void {
    this.#rooms.find(roomId)?.closeOwner(owner);
  }

  #inTurn<Result>(asked: OfOwner, call: Call<Result>): Promise<Result> {
    const room = this.#rooms.get(asked.roomId);
    const owner = room.owner(asked);
    return owner.inTurn(() => call(room, owner));
  }
}

function invalid(message: string): MediaRefusal {
  return new MediaRefusal('INVALID', message);
}

function refuseIf(fault: string | undefined): void {
  if (fault !== undefined) throw invalid(`${fault}.`);
}
