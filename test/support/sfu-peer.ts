/** A full session in an SFU room, with parameters made by hand: what a browser would say, and no media. */
import { randomInt } from 'node:crypto';
import type { RoamingPeer } from './roaming-peer.js';
import type { TestNode } from './test-node.js';
import type { Frame } from './test-peer.js';

export const rtpCapabilities = {
  codecs: [
    { kind: 'audio', mimeType: 'audio/opus', preferredPayloadType: 100, clockRate: 48_000, channels: 2 },
    { kind: 'video', mimeType: 'video/VP8', preferredPayloadType: 101, clockRate: 90_000 },
  ],
};
const fingerprints = [{ algorithm: 'sha-256', value: Array.from({ length: 32 }, () => 'AB').join(':') }];

export class SfuPeer {
  /** What it was told and nobody has asked for yet. */
  #unread: Frame[] = [];
  #asks = 0;

  constructor(readonly peer: RoamingPeer) {}

  get name(): string {
    return this.peer.name;
  }

  /** The first frame with these fields among those that nobody has taken, and no earlier. */
  async find(fields: Frame): Promise<Frame> {
    const fits = (frame: Frame): boolean =>
      Object.entries(fields).every(([name, value]) => frame[name] === value);
    const at = this.#unread.findIndex(fits);
    const [known] = at < 0 ? [] : this.#unread.splice(at, 1);
    if (known !== undefined) return known;
    const frames = await this.peer.until(fields);
    this.#unread.push(...frames.slice(0, -1));
    return frames.at(-1) ?? {};
  }

  /** Everything of media that it was told by now and nobody has taken. */
  async news(): Promise<Frame[]> {
    this.#unread.push(...(await this.peer.told()));
    const isNews = ({ type }: Frame): boolean => /^(sfu_|error$|room_mode)/.test(String(type));
    const news = this.#unread.filter(isNews);
    this.#unread = this.#unread.filter((frame) => !isNews(frame));
    return news;
  }

  /** Asks, and resolves to the answer whatever it is. */
  ask(type: string, fields: Frame = {}): Promise<Frame> {
    this.#asks += 1;
    const id = `${type} ${String(this.#asks)}`;
    this.peer.send({ type, id, ...fields });
    return this.find({ reply_to: id });
  }

  /** The router's epoch. */
  async begin(): Promise<string> {
    return String((await this.ask('sfu_get_router_capabilities'))['epoch']);
  }

  async transport(direction: 'send' | 'recv'): Promise<string> {
    const made = await this.ask('sfu_create_transport', { direction });
    return String(made['transport_id']);
  }

  connect(transportId: string): Promise<Frame> {
    const dtls = { role: 'client', fingerprints };
    return this.ask('sfu_connect_transport', { transport_id: transportId, dtls_parameters: dtls });
  }

  produce(transportId: string): Promise<Frame> {
    return this.ask('sfu_produce', {
      transport_id: transportId,
      kind: 'audio',
      rtp_parameters: {
        codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48_000, channels: 2 }],
        encodings: [{ ssrc: randomInt(1, 2 ** 31) }],
        rtcp: { cname: this.name },
      },
      app_data: { source: this.name },
    });
  }

  consume(producerId: unknown): Promise<Frame> {
    return this.ask('sfu_consume', { producer_id: producerId, rtp_capabilities: rtpCapabilities });
  }

  /** From nothing to a producer; resolves to its id. */
  async speak(): Promise<string> {
    await this.begin();
    return String((await this.produce(await this.transport('send')))['producer_id']);
  }

  async resume(node: TestNode): Promise<Frame> {
    return this.peer.resume(node);
  }
}
