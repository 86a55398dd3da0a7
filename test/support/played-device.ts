/** What the bridge uses of mediasoup-client's `Device`, without media. Its steps can be held back. */
import type {
  ConsumerLike,
  DeviceLike,
  ProducerLike,
  TransportLike,
} from '../../src/client/sfu-transport.js';

type Step = 'load' | 'produce';
type Ask = (
  wanted: object,
  done: (answer: { readonly id: string }) => void,
  failed: (error: Error) => void,
) => void;

class PlayedTransport implements TransportLike {
  isOpen = true;
  readonly tracks = new Set<string>();
  readonly #asks = new Map<string, Ask>();

  constructor(
    readonly id: string,
    private readonly device: PlayedDevice,
  ) {}

  on(event: never, listener: (...args: never[]) => void): this {
    this.#asks.set(event, listener as unknown as Ask);
    return this;
  }

  async produce(options: never): Promise<ProducerLike> {
    const { track, appData } = options as { readonly track: string; readonly appData: object };
    await this.device.pass('produce');
    if (track === this.device.refused) throw new Error('track ended');
    const rtpParameters = { codecs: [{ mimeType: 'audio/opus', payloadType: 100, clockRate: 48_000 }] };
    const id = await new Promise<string>((resolve, reject) => {
      const answered = ({ id }: { readonly id: string }): void => {
        resolve(id);
      };
      this.#asks.get('produce')?.({ kind: 'audio', rtpParameters, appData }, answered, reject);
    });
    this.tracks.add(track);
    return { id, close: () => this.tracks.delete(track) };
  }

  consume(options: never): Promise<ConsumerLike> {
    const { id } = options as { readonly id: string };
    return Promise.resolve({ id, track: undefined, close: () => undefined });
  }

  close(): void {
    this.isOpen = false;
  }
}

export class PlayedDevice implements DeviceLike {
  readonly rtpCapabilities = { codecs: [] };
  /** A track that cannot be sent. */
  refused: string | undefined;
  /** Resolves when the step that is held back has been come to. */
  isHeld: Promise<void> = Promise.resolve();
  readonly #transports: PlayedTransport[] = [];
  #held: { readonly step: Step; readonly reached: () => void; readonly released: Promise<void> } | undefined;

  get open(): readonly PlayedTransport[] {
    return this.#transports.filter(({ isOpen }) => isOpen);
  }

  /** Tracks that are sent. */
  get producing(): string[] {
    return this.open.flatMap(({ tracks }) => [...tracks]);
  }

  get made(): number {
    return this.#transports.length;
  }

  /** Holds the next step of that kind back, until what is returned is called. */
  hold(step: Step): () => void {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.isHeld = new Promise((resolve) => {
      this.#held = { step, reached: resolve, released };
    });
    return release;
  }

  async pass(step: Step): Promise<void> {
    const held = this.#held;
    if (held?.step !== step) return;
    this.#held = undefined;
    held.reached();
    await held.released;
  }

  load(): Promise<void> {
    return this.pass('load');
  }

  createSendTransport(options: never): TransportLike {
    return this.#make(options);
  }

  createRecvTransport(options: never): TransportLike {
    return this.#make(options);
  }

  #make(options: never): TransportLike {
    const { id } = options as { readonly id: string };
    const transport = new PlayedTransport(id, this);
    this.#transports.push(transport);
    return transport;
  }
}
