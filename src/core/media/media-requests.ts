import type { MediaService } from '../../ports/media-service.js';
import { SignalingError } from '../../protocol/errors.js';
import type { SessionId } from '../../protocol/ids.js';
import type { MediaReply, MediaRequest } from '../../protocol/media-messages.js';
import type { Ask } from '../../protocol/messages.js';
import type { Context } from '../context.js';
import { Lane } from '../lane.js';
import { refuse } from '../refusal.js';
import { refusedMode } from '../room-mode.js';
import type { Seat } from '../session.js';
import { modeOf, type MediaCopies } from './media-copies.js';
import type { MediaGuard } from './media-guard.js';
import { cardsOf } from './media-room.js';
import type { MediaSites } from './media-sites.js';

/** More than a client has reason to ask before it has been answered. */
const mostWaiting = 32;
const retryAfterMs = 1_000;

interface Asked {
  readonly seat: Seat;
  /** The session that asks, by whatever socket it is told. */
  readonly owner: SessionId;
  readonly request: MediaRequest;
}

/** What peers ask of the Media Service: of each one thing after another, and nothing else of theirs waits for it. */
export class MediaRequests {
  readonly #context: Context;
  readonly #sites: MediaSites;
  readonly #copies: MediaCopies;
  /** Of sessions that have asked for anything. */
  readonly #lanes = new WeakMap<Seat, Lane>();

  constructor(context: Context, sites: MediaSites, copies: MediaCopies) {
    this.#context = context;
    this.#sites = sites;
    this.#copies = copies;
  }

  /** May it have something at a Media Service? What it did on another node nobody knows. */
  hasAsked(seat: Seat): boolean {
    return this.#lanes.has(seat) || seat.generation !== seat.since;
  }

  take(seat: Seat, request: MediaRequest, ask: Ask): void {
    this.#context.tally.media_requests += 1;
    const refusal = this.#sites.isEmpty ? refusedMode(this.#context, 'SFU') : undefined;
    if (refusal !== undefined) {
      this.#refuse(seat, refusal, ask);
      return;
    }
    const isNew = !this.#lanes.has(seat);
    const lane = this.#lanes.get(seat) ?? new Lane(mostWaiting);
    if (isNew) this.#lanes.set(seat, lane);
    const asked = { seat, owner: seat.session.id, request };
    if (lane.run(() => this.#answer(asked, ask))) return;
    const text = `At most ${mostWaiting} requests to the Media Service at a time: this one was dropped, send it again later.`;
    this.#refuse(seat, new SignalingError('RATE_LIMITED', text, { retryAfterMs }), ask);
  }

  /** Never rejects. */
  async #answer(asked: Asked, ask: Ask): Promise<void> {
    const { seat } = asked;
    try {
      const reply = await this.#ask(asked);
      if (isSeated(seat)) seat.session.tell({ type: 'media', reply }, ask);
      if (reply.op === 'produce' || reply.op === 'close_producer')
        this.#copies.announce(this.#copies.of(seat.room));
    } catch (error) {
      if (error instanceof SignalingError) {
        this.#refuse(seat, error, ask);
      } else {
        const { tally, logger } = this.#context;
        tally.handler_failures += 1;
        logger.error('handler_failed', { session: asked.owner, verb: ask.verb, error });
        this.#refuse(seat, new SignalingError('INTERNAL'), ask);
      }
    }
  }

  #refuse(seat: Seat, error: SignalingError, ask: Ask): void {
    this.#context.tally.media_refused += 1;
    if (isSeated(seat)) refuse(this.#context, seat.session, error, ask);
  }

  async #ask(asked: Asked): Promise<MediaReply> {
    const { seat, owner, request } = asked;
    mustBeSfu(seat);
    const state = this.#copies.of(seat.room);
    const before = state.service;
    const guard = await this.#sites.settle(state, request.op === 'capabilities');
    mustBeSfu(seat);
    if (!isSeated(seat)) throw new SignalingError('NOT_IN_ROOM');
    if (request.op === 'capabilities') {
      const reply = await this.#capabilities(asked, guard);
      // So that they know where it is.
      if (before !== guard.name) this.#copies.hint(seat.room);
      return reply;
    }
    try {
      return await forward(guard, asked, request);
    } finally {
      // It may have left while that was made.
      if (!isThere(asked)) void this.closeOwner(guard, { roomId: seat.room.id, owner });
    }
  }

  async #capabilities({ seat, owner }: Asked, guard: MediaGuard): Promise<MediaReply> {
    const { room } = seat;
    const state = this.#copies.of(room);
    const router = await guard.call((service) => service.openRouter(room.id));
    if (this.#copies.isCurrent(state) && state.service === guard.name) state.takeRouter(router.epoch);
    const list = await this.#copies.read(state);
    if (list.epoch !== router.epoch) throw new SignalingError('MEDIA_RESTARTED');
    return { op: 'capabilities', router, producers: cardsOf(list, owner) };
  }

  /** What it had and nobody closes is closed by the service, because nobody names it any more. Never rejects. */
  async closeOwner(guard: MediaGuard, owner: Parameters<MediaService['closeOwner']>[0]): Promise<boolean> {
    try {
      await guard.call((service) => service.closeOwner(owner));
      return true;
    } catch (error) {
      this.#context.logger.debug('media_not_closed', { room: owner.roomId, error });
      // There is no router there, and so nothing on it.
      return error instanceof SignalingError && error.code === 'MEDIA_RESTARTED';
    }
  }
}

function mustBeSfu({ room }: Seat): void {
  if (modeOf(room) !== 'SFU') throw new SignalingError('WRONG_MODE');
}

function isSeated(seat: Seat): boolean {
  const { state } = seat.session;
  return 'seat' in state && state.seat === seat;
}

/** Here, or on the node to which it has gone. */
function isThere({ seat, owner }: Asked): boolean {
  return isSeated(seat) || seat.room.remotes.get(seat.peerId)?.seat.sessionId === owner;
}

async function forward(
  guard: MediaGuard,
  { seat, owner }: Asked,
  request: Exclude<MediaRequest, { readonly op: 'capabilities' }>,
): Promise<MediaReply> {
  const from = { roomId: seat.room.id, owner };
  switch (request.op) {
    case 'create_transport': {
      const { op, direction } = request;
      const asked = { ...from, peerId: seat.peerId, direction };
      return { op, direction, transport: await guard.call((service) => service.createTransport(asked)) };
    }
    case 'connect_transport': {
      const { op, transportId, dtlsParameters } = request;
      await guard.call((service) => service.connectTransport({ ...from, transportId, dtlsParameters }));
      return { op, transportId };
    }
    case 'produce': {
      const { op, ...what } = request;
      const { id: producerId } = await guard.call((service) => service.produce({ ...from, ...what }));
      return { op, producerId };
    }
    case 'consume': {
      const { op, transportId, producerId, rtpCapabilities } = request;
      const on = transportId === undefined ? {} : { transportId };
      const asked = { ...from, ...on, producerId, rtpCapabilities };
      return { op, consumer: await guard.call((service) => service.consume(asked)) };
    }
    case 'resume_consumer': {
      const { op, consumerId } = request;
      await guard.call((service) => service.resumeConsumer({ ...from, consumerId }));
      return { op, consumerId };
    }
    case 'close_producer': {
      const { op, producerId } = request;
      await guard.call((service) => service.closeProducer({ ...from, producerId }));
      return { op, producerId };
    }
  }
}
