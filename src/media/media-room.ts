import type { OfOwner, ProducerList, RouterInfo } from '../protocol/media-api.js';
import { MediaOwner, type OwnerLimits } from './media-owner.js';
import { notFound } from './media-refusal.js';
import type { MediaWorker } from './media-worker.js';
import type { EngineProducer, EngineRouter } from './mediasoup-engine.js';
import type { PlacedRouter } from './workers.js';

export interface RoomState {
  readonly epoch: string;
  readonly version: number;
}

/** A room's router and who has what on it. Ends with the router, which ends with its worker at the latest. */
export class MediaRoom {
  readonly id: string;
  /** Sweeps since anybody asked to keep it. */
  unkept = 0;
  readonly router: EngineRouter;
  readonly worker: MediaWorker;
  readonly #limits: OwnerLimits;
  readonly #owners = new Map<string, MediaOwner>();
  #version = 0;

  constructor(id: string, { router, worker }: PlacedRouter, limits: OwnerLimits) {
    this.id = id;
    this.router = router;
    this.worker = worker;
    this.#limits = limits;
  }

  /** `epoch` is new with each router, `version` grows with each change of the producers. */
  get state(): RoomState {
    return { epoch: this.router.id, version: this.#version };
  }

  get isOpen(): boolean {
    return !this.router.closed;
  }

  get owners(): readonly MediaOwner[] {
    return [...this.#owners.values()];
  }

  get info(): RouterInfo {
    const rtpCapabilities = this.router.rtpCapabilities as unknown as RouterInfo['rtpCapabilities'];
    return { ...this.state, rtpCapabilities };
  }

  get producerList(): ProducerList {
    return { ...this.state, producers: this.owners.flatMap((owner) => owner.producers()) };
  }

  /** Who calls is there. Throws `NOT_FOUND`. */
  owner({ owner: id }: OfOwner): MediaOwner {
    const owner = this.#owners.get(id);
    if (owner === undefined) throw notFound('transport, producer or consumer');
    owner.unnamed = 0;
    return owner;
  }

  /** The same, and a newcomer is taken in. */
  welcome(asked: OfOwner & { readonly peerId: string }): MediaOwner {
    const { owner: id, peerId } = asked;
    if (!this.#owners.has(id)) {
      const onProducers = (): void => {
        this.#version += 1;
      };
      this.#owners.set(id, new MediaOwner(id, peerId, this.#limits, this.worker.use, onProducers));
    }
    const owner = this.owner(asked);
    owner.peerId = peerId;
    return owner;
  }

  /** Anybody's producer. Throws `NOT_FOUND`. */
  producer(id: string): { readonly producer: EngineProducer; readonly of: MediaOwner } {
    for (const of of this.#owners.values()) {
      const owned = of.producer(id);
      if (owned !== undefined) return { producer: owned.producer, of };
    }
    throw notFound('producer');
  }

  name(owners: readonly string[]): void {
    this.unkept = 0;
    for (const id of owners) {
      const owner = this.#owners.get(id);
      if (owner !== undefined) owner.unnamed = 0;
    }
  }

  closeOwner(id: string): void {
    this.#owners.get(id)?.close();
    this.#owners.delete(id);
  }

  close(): void {
    for (const { id } of this.owners) this.closeOwner(id);
    this.router.close();
  }
}
