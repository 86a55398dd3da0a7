import type { ConsumerInfo, ProducerInfo, RouterInfo, TransportInfo } from '../protocol/media-api.js';
import type { AppData, TransportDirection } from '../protocol/rtp-schemas.js';
import { Lane } from './lane.js';
import { MediaRefusal, notFound } from './media-refusal.js';
import { countUntilClosed, type Use } from './media-worker.js';
import type { EngineConsumer, EngineProducer, EngineTransport } from './mediasoup-engine.js';

/** What one owner may have at a time. */
export interface OwnerLimits {
  readonly transports: number;
  readonly producers: number;
  readonly consumers: number;
}

interface OwnedTransport {
  readonly direction: TransportDirection;
  readonly transport: EngineTransport;
  isConnected: boolean;
}

interface OwnedProducer {
  readonly producer: EngineProducer;
  readonly appData: AppData;
}

/** More calls of one owner than a client has reason to make at once. */
const mostWaiting = 256;

/** What one session has in a room. Things that end by themselves, or with what they hang on, are forgotten at once. */
export class MediaOwner {
  readonly id: string;
  peerId: string;
  /** Sweeps since anybody named it. */
  unnamed = 0;
  readonly #limits: OwnerLimits;
  readonly #use: Use;
  readonly #onProducers: () => void;
  readonly #lane = new Lane(mostWaiting);
  readonly #transports = new Map<string, OwnedTransport>();
  readonly #producers = new Map<string, OwnedProducer>();
  readonly #consumers = new Map<string, EngineConsumer>();
  #isClosed = false;

  /** `onProducers` is told each time its producers change; `use` is that of the room's worker. */
  constructor(id: string, peerId: string, limits: OwnerLimits, use: Use, onProducers: () => void) {
    this.id = id;
    this.peerId = peerId;
    this.#limits = limits;
    this.#use = use;
    this.#onProducers = onProducers;
  }

  get counts(): OwnerLimits {
    return {
      transports: this.#transports.size,
      producers: this.#producers.size,
      consumers: this.#consumers.size,
    };
  }

  /** Its calls one after another, so that limits hold. `FULL` when too many wait. */
  inTurn<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#lane.isFull)
      return Promise.reject(new MediaRefusal('FULL', 'Too many calls of this owner wait.'));
    return this.#lane.run(() => {
      if (this.#isClosed) throw notFound('owner');
      return call();
    });
  }

  /** Throws `FULL` where one more would be beyond the limit. */
  need(what: keyof OwnerLimits): void {
    const most = this.#limits[what];
    if (this.counts[what] >= most) throw new MediaRefusal('FULL', `This owner has ${most} ${what} already.`);
  }

  /**
   * The same for a transport. The oldest that was never connected gives way to another of its direction: nobody else
   * closes what a client gave up before it used it.
   */
  needTransport(wanted: TransportDirection): void {
    if (this.#transports.size >= this.#limits.transports) {
      const all = [...this.#transports.values()];
      all.find(({ direction, isConnected }) => direction === wanted && !isConnected)?.transport.close();
    }
    this.need('transports');
  }

  transport(id: string): OwnedTransport {
    return found(this.#transports.get(id), 'transport');
  }

  /** The named one, or the only one that receives. */
  receiver(id: string | undefined): EngineTransport {
    if (id !== undefined) return this.transportFor('recv', id);
    const receivers = [...this.#transports.values()].filter(({ direction }) => direction === 'recv');
    if (receivers.length > 1)
      throw invalid('transportId is missing, and this owner has several to receive on.');
    return found(receivers[0], 'transport to receive on').transport;
  }

  transportFor(direction: TransportDirection, id: string): EngineTransport {
    const owned = this.transport(id);
    if (owned.direction !== direction) throw invalid(`transportId is of a transport to ${owned.direction}.`);
    return owned.transport;
  }

  producer(id: string): OwnedProducer | undefined {
    return this.#producers.get(id);
  }

  consumer(id: string): EngineConsumer {
    return found(this.#consumers.get(id), 'consumer');
  }

  addTransport(direction: TransportDirection, transport: EngineTransport): TransportInfo {
    if (this.#isClosed) {
      transport.close();
      throw notFound('owner');
    }
    this.#transports.set(transport.id, { direction, transport, isConnected: false });
    countUntilClosed(this.#use, 'transports', transport);
    transport.observer.once('close', () => {
      this.#transports.delete(transport.id);
    });
    // The other end is gone for good, and with it what hangs on the transport.
    transport.on('dtlsstatechange', (state) => {
      if (state === 'closed' || state === 'failed') transport.close();
    });
    const { id, iceParameters, iceCandidates, dtlsParameters } = transport;
    return {
      id,
      iceParameters: json(iceParameters),
      iceCandidates: iceCandidates.map(json),
      dtlsParameters: json(dtlsParameters),
    };
  }

  addProducer(producer: EngineProducer, appData: AppData): void {
    this.#producers.set(producer.id, { producer, appData });
    countUntilClosed(this.#use, 'producers', producer);
    producer.observer.once('close', () => {
      this.#producers.delete(producer.id);
      this.#onProducers();
    });
    this.#onProducers();
  }

  addConsumer(consumer: EngineConsumer, peerId: string): ConsumerInfo {
    this.#consumers.set(consumer.id, consumer);
    countUntilClosed(this.#use, 'consumers', consumer);
    consumer.observer.once('close', () => {
      this.#consumers.delete(consumer.id);
    });
    const { id, producerId, kind, rtpParameters, type, producerPaused } = consumer;
    return { id, producerId, kind, rtpParameters: json(rtpParameters), type, producerPaused, peerId };
  }

  producers(): ProducerInfo[] {
    return [...this.#producers].map(([id, { producer, appData }]) => ({
      id,
      owner: this.id,
      peerId: this.peerId,
      kind: producer.kind,
      appData,
    }));
  }

  close(): void {
    this.#isClosed = true;
    for (const { transport } of [...this.#transports.values()]) transport.close();
  }
}

function found<Thing>(thing: Thing | undefined, what: string): Thing {
  if (thing === undefined) throw notFound(what);
  return thing;
}

function invalid(message: string): MediaRefusal {
  return new MediaRefusal('INVALID', message);
}

/** The library's parameters are JSON, though their types do not say so. */
function json(value: object): RouterInfo['rtpCapabilities'] {
  return value as RouterInfo['rtpCapabilities'];
}
