/** One peer's media through a Media Service: a full session on one side, mediasoup-client on the other. */
import type { Frame } from './frames.js';
import type { RoomSession } from './room-session.js';
import { closeStage, openStage, type Stage } from './sfu-stage.js';
import type { ConsumerLike, DeviceLike, ProducerLike } from './sfu-transport.js';
import { Turns } from './sfu-turns.js';

/** Media of another peer. */
export interface Incoming {
  readonly consumer: ConsumerLike;
  readonly producerId: string;
  readonly peerId: string;
  readonly kind: 'audio' | 'video';
  /** What the other peer said of it. */
  readonly appData: Readonly<Record<string, unknown>>;
}

export interface SfuBridgeOptions {
  /** A new one each time: `() => new mediasoupClient.Device()`. */
  readonly newDevice: () => DeviceLike;
  readonly onMedia: (incoming: Incoming) => void;
  readonly onMediaEnded: (incoming: Incoming) => void;
  /** Media has stopped, or may stop (`unavailable`): it goes on by itself, in a room that became P2P when that is SFU again. */
  readonly onInterrupted?: (why: 'restarted' | 'unavailable' | 'p2p') => void;
  /** Something asked of the server failed; what is not told otherwise. */
  readonly onError?: (error: unknown) => void;
}

interface Sending {
  readonly track: unknown;
  readonly appData: Readonly<Record<string, unknown>>;
  producer: ProducerLike | undefined;
}

/** One peer's media in an SFU room. It survives a new router: what is sent is sent again, what is received is asked for again. */
export class SfuBridge {
  readonly #session: RoomSession;
  readonly #options: SfuBridgeOptions;
  readonly #sending = new Set<Sending>();
  /** By producer id. */
  readonly #incoming = new Map<string, Incoming>();
  readonly #wanted = new Set<string>();
  readonly #stopListening: (() => void)[];
  #stage: Stage | undefined;
  /** Of the router that the server has told of last, while a stage is made. */
  #toldEpoch: string | undefined;
  /** Grows when what is being made is for nothing. */
  #life = 0;
  /** What changes the transports goes one after the other. */
  readonly #turns: Turns;
  #isClosed = false;

  private constructor(session: RoomSession, options: SfuBridgeOptions) {
    this.#session = session;
    this.#options = options;
    this.#turns = new Turns((error) => options.onError?.(error));
    const want = this.#want.bind(this);
    this.#stopListening = [
      session.on('sfu_new_producer', want),
      session.on('sfu_producer_closed', (frame) => {
        this.#ended(String(frame['producer_id']));
      }),
      session.on('sfu_restarted', ({ epoch }) => {
        this.#routerIs(epoch);
      }),
      session.on('room_mode_changed', ({ mode }) => {
        if (mode === 'SFU') this.#beginSoon();
        else this.#stop('p2p');
      }),
      session.on('error', ({ code, reply_to: replyTo }) => {
        // What there is stays: the service may only have been slow, and nobody says when it is back with all it had.
        if (code === 'MEDIA_UNAVAILABLE' && replyTo === undefined && this.#stage !== undefined)
          options.onInterrupted?.('unavailable');
      }),
      session.on('resumed', ({ mode, sfu_epoch: epoch }) => {
        if (mode !== 'SFU') this.#stop('p2p');
        else if (typeof epoch === 'string') this.#routerIs(epoch);
        else this.#beginSoon();
      }),
      session.on('restarted', ({ mode }) => {
        // What the session before had was closed with it.
        this.#stop(mode === 'SFU' ? 'restarted' : 'p2p');
        if (mode === 'SFU') this.#beginSoon();
      }),
    ];
    void session.ended.then(this.close.bind(this));
  }

  /** Begins to receive. Rejects with what the server said against it. */
  static async open(session: RoomSession, options: SfuBridgeOptions): Promise<SfuBridge> {
    const bridge = new SfuBridge(session, options);
    try {
      await bridge.#turns.run(() => bridge.#begin());
      return bridge;
    } catch (error) {
      bridge.close();
      throw error;
    }
  }

  /** Sends a `MediaStreamTrack` to everybody in the room. Resolves to what ends that. */
  async produce(track: unknown, appData: Readonly<Record<string, unknown>> = {}): Promise<() => void> {
    const sending: Sending = { track, appData, producer: undefined };
    this.#sending.add(sending);
    try {
      await this.#turns.run(() => this.#send(sending));
    } catch (error) {
      this.#sending.delete(sending);
      throw error;
    }
    return () => {
      this.#sending.delete(sending);
      const { producer } = sending;
      sending.producer = undefined;
      if (producer !== undefined) this.#close(producer);
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#turns.close();
    for (const stop of this.#stopListening) stop();
    this.#clear();
  }

  #routerIs(epoch: unknown): void {
    this.#toldEpoch = String(epoch);
    if (this.#stage?.epoch === epoch) return;
    this.#interrupt('restarted');
    this.#beginSoon();
  }

  #stop(why: 'restarted' | 'p2p'): void {
    this.#life += 1;
    this.#interrupt(why);
  }

  #interrupt(why: 'restarted' | 'p2p'): void {
    if (this.#stage === undefined) return;
    this.#clear();
    this.#options.onInterrupted?.(why);
  }

  #clear(): void {
    const stage = this.#stage;
    this.#stage = undefined;
    for (const id of [...this.#incoming.keys()]) this.#ended(id);
    this.#wanted.clear();
    for (const sending of this.#sending) sending.producer = undefined;
    if (stage !== undefined) closeStage(stage);
  }

  #beginSoon(): void {
    const life = this.#life;
    this.#turns.untilDone(async () => {
      if (this.#life === life) await this.#begin();
    });
  }

  async #begin(): Promise<void> {
    if (this.#isClosed || this.#stage !== undefined) return;
    const life = this.#life;
    this.#toldEpoch = undefined;
    const stage = await openStage(this.#session, this.#options.newDevice());
    if (!this.#isStill(life, stage)) {
      // What made it so has set off the next.
      closeStage(stage);
      return;
    }
    this.#stage = stage;
    for (const sending of this.#sending) this.#turns.untilDone(() => this.#send(sending));
    for (const producer of stage.producers) this.#want(producer);
  }

  async #send(sending: Sending): Promise<void> {
    const stage = this.#stage;
    if (stage === undefined || sending.producer !== undefined || !this.#sending.has(sending)) return;
    const { track, appData } = sending;
    // The track is the application's: it goes on with another router.
    const producer = await stage.send.produce({ track, appData, stopTracks: false } as never);
    if (this.#stage !== stage) producer.close();
    else if (this.#sending.has(sending)) sending.producer = producer;
    else this.#close(producer);
  }

  #want(producer: Frame): void {
    const producerId = String(producer['producer_id']);
    let stage: Stage | undefined;
    this.#turns.untilDone(async () => {
      if (stage === undefined) {
        stage = this.#stage;
        if (stage === undefined || this.#wanted.has(producerId)) return;
        this.#wanted.add(producerId);
      }
      await this.#consume(stage, producer, producerId);
    });
  }

  async #consume(stage: Stage, producer: Frame, producerId: string): Promise<void> {
    const isWanted = (): boolean => this.#stage === stage && this.#wanted.has(producerId);
    if (!isWanted()) return;
    const said = await this.#session.request({
      type: 'sfu_consume',
      transport_id: stage.recv.id,
      producer_id: producerId,
      rtp_capabilities: stage.rtpCapabilities,
    });
    const { consumer_id: id, kind, rtp_parameters: rtpParameters } = said;
    const consumer = await stage.recv.consume({ id, producerId, kind, rtpParameters } as never);
    if (!isWanted()) {
      consumer.close();
      return;
    }
    const incoming: Incoming = {
      consumer,
      producerId,
      peerId: String(producer['peer_id']),
      kind: kind === 'audio' ? 'audio' : 'video',
      appData: (producer['app_data'] ?? {}) as Incoming['appData'],
    };
    this.#incoming.set(producerId, incoming);
    this.#options.onMedia(incoming);
    this.#turns.untilDone(async () => {
      const isThere = this.#incoming.get(producerId) === incoming;
      if (isThere) await this.#session.request({ type: 'sfu_resume_consumer', consumer_id: id });
    });
  }

  #ended(producerId: string): void {
    this.#wanted.delete(producerId);
    const incoming = this.#incoming.get(producerId);
    this.#incoming.delete(producerId);
    if (incoming === undefined) return;
    incoming.consumer.close();
    this.#options.onMediaEnded(incoming);
  }

  #isStill(life: number, { epoch }: Stage): boolean {
    const isSame = this.#toldEpoch === undefined || this.#toldEpoch === epoch;
    return isSame && !this.#isClosed && this.#life === life;
  }

  #close(producer: ProducerLike): void {
    producer.close();
    const frame = { type: 'sfu_close_producer', producer_id: producer.id };
    this.#session.request(frame).catch((error: unknown) => this.#options.onError?.(error));
  }
}
