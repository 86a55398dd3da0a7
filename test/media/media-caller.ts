import { z } from 'zod';
import {
  consumerSchema,
  doneSchema,
  keptSchema,
  mediaHealthSchema,
  mediaRefusalSchema,
  producedSchema,
  producerListSchema,
  routerSchema,
  transportSchema,
  type ConsumerInfo,
  type Kept,
  type MediaHealth,
  type ProducerList,
  type RouterInfo,
  type TransportInfo,
} from '../../src/protocol/media-api.js';
import { mediaKey } from '../support/media-service.js';
import { dtlsParameters, rtpCapabilities, type RtpParameters } from './media-parameters.js';

const answers: Record<string, z.ZodType> = {
  '/keep': keptSchema,
  '/routers': routerSchema,
  '/routers/close': doneSchema,
  '/producers/list': producerListSchema,
  '/transports': transportSchema,
  '/transports/connect': doneSchema,
  '/producers': producedSchema,
  '/producers/close': doneSchema,
  '/consumers': consumerSchema,
  '/consumers/resume': doneSchema,
  '/owners/close': doneSchema,
};

export interface Answer {
  readonly status: number;
  /** `ok`, or the code of the refusal. */
  readonly outcome: string;
  readonly body: unknown;
}

/** Speaks to a Media Service as the signaling server does. Every answer is checked against the contract. */
export class MediaCaller {
  constructor(
    readonly url: string,
    readonly key: string = mediaKey,
  ) {}

  async send(path: string, text: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-internal-service-key': this.key, ...headers },
      body: text,
    });
    const body: unknown = await response.json();
    if (response.status < 400) {
      const schema = answers[path];
      if (schema === undefined) throw new Error(`${path} should not succeed`);
      return { status: response.status, outcome: 'ok', body: schema.parse(body) };
    }
    return { status: response.status, outcome: mediaRefusalSchema.parse(body).code, body };
  }

  call(path: string, asked: object): Promise<Answer> {
    return this.send(path, JSON.stringify(asked));
  }

  /** The answer of a call that must succeed. */
  async ask<Result>(path: string, asked: object): Promise<Result> {
    const { outcome, body } = await this.call(path, asked);
    if (outcome !== 'ok') throw new Error(`${path}: ${JSON.stringify(body)}`);
    return body as Result;
  }

  /** The refusal of a call that must fail: its code and text. */
  async refusal(path: string, asked: object): Promise<string> {
    const { outcome, body } = await this.call(path, asked);
    if (outcome === 'ok') throw new Error(`${path} was not refused`);
    return `${outcome} ${mediaRefusalSchema.parse(body).message}`;
  }

  async health(): Promise<MediaHealth> {
    const response = await fetch(`${this.url}/health`);
    return mediaHealthSchema.parse(await response.json());
  }

  async stats(): Promise<MediaStats> {
    const response = await fetch(`${this.url}/stats`, { headers: { 'x-internal-service-key': this.key } });
    return statsSchema.parse(await response.json());
  }

  openRouter(roomId: string): Promise<RouterInfo> {
    return this.ask('/routers', { roomId });
  }

  producers(roomId: string): Promise<ProducerList> {
    return this.ask('/producers/list', { roomId });
  }

  keep(rooms: Readonly<Record<string, readonly string[]>>): Promise<Kept> {
    return this.ask('/keep', { rooms });
  }

  member(roomId: string, owner: string): Member {
    return new Member(this, roomId, owner);
  }
}

const statsSchema = mediaHealthSchema.omit({ workers: true }).extend({
  workers: z.array(
    z.object({
      pid: z.int(),
      load: z.number(),
      rooms: z.int(),
      transports: z.int(),
      producers: z.int(),
      consumers: z.int(),
    }),
  ),
  rooms: z.array(
    z.object({
      roomId: z.string(),
      workerPid: z.int(),
      owners: z.int(),
      transports: z.int(),
      producers: z.int(),
      consumers: z.int(),
    }),
  ),
});
export type MediaStats = z.output<typeof statsSchema>;

/** One owner in one room. */
export class Member {
  constructor(
    readonly caller: MediaCaller,
    readonly roomId: string,
    readonly owner: string,
  ) {}

  get #who(): { roomId: string; owner: string } {
    return { roomId: this.roomId, owner: this.owner };
  }

  transport(direction: 'send' | 'recv'): Promise<TransportInfo> {
    return this.caller.ask('/transports', { ...this.#who, peerId: `peer of ${this.owner}`, direction });
  }

  connect(transportId: string, parameters: object = dtlsParameters()): Promise<object> {
    return this.caller.ask('/transports/connect', {
      ...this.#who,
      transportId,
      dtlsParameters: parameters,
    });
  }

  async produce(transportId: string, rtpParameters: RtpParameters, appData: object = {}): Promise<string> {
    const kind = rtpParameters.codecs[0]?.mimeType.split('/')[0];
    const asked = { ...this.#who, transportId, kind, rtpParameters, appData };
    const { id } = await this.caller.ask<{ id: string }>('/producers', asked);
    return id;
  }

  consume(producerId: string, transportId?: string): Promise<ConsumerInfo> {
    const asked = { ...this.#who, producerId, transportId, rtpCapabilities: rtpCapabilities() };
    return this.caller.ask('/consumers', asked);
  }

  /** A call of this owner that must fail. */
  refusal(path: string, asked: object): Promise<string> {
    return this.caller.refusal(path, { ...this.#who, ...asked });
  }

  ask(path: string, asked: object = {}): Promise<object> {
    return this.caller.ask(path, { ...this.#who, ...asked });
  }
}
