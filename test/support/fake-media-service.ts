/** A real HTTP server that speaks `protocol/media-api.ts` and has no media; what may befall a service can be ordered. */
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import {
  closeProducerSchema,
  connectTransportSchema,
  consumeSchema,
  createTransportSchema,
  keepSchema,
  ofOwnerSchema,
  ofRoomSchema,
  produceSchema,
  resumeConsumerSchema,
  type MediaRefusalCode,
  type ProducerInfo,
} from '../../src/protocol/media-api.js';

export interface FakeCall {
  readonly path: string;
  readonly body: unknown;
}

interface FakeRoom {
  readonly epoch: string;
  version: number;
  producers: ProducerInfo[];
  /** Transports and consumers of each owner. */
  readonly things: Map<string, Set<string>>;
  readonly names: Map<string, string>;
}

/** `hang`: nothing is answered any more; `nonsense`: everything is, with something else. */
export type MediaFault = 'none' | 'hang' | 'nonsense' | 'garbage' | MediaRefusalCode;

class Refusal extends Error {
  constructor(readonly code: MediaRefusalCode) {
    super(`refused: ${code}`);
  }
}

export class FakeMediaService {
  readonly key = 'a key of the tests';
  readonly rooms = new Map<string, FakeRoom>();
  readonly calls: FakeCall[] = [];
  load = 0;
  /** Of one path only, if it is named. */
  fault: { readonly kind: MediaFault; readonly path?: string } = { kind: 'none' };
  readonly #events = new EventEmitter().setMaxListeners(0);
  #server: Server | undefined;
  #port = 0;
  #ids = 0;
  #epoch = '';

  static async start(): Promise<FakeMediaService> {
    const service = new FakeMediaService();
    await service.revive();
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  /** Begins (again) on its port, with nothing. */
  async revive(): Promise<void> {
    this.rooms.clear();
    this.#epoch = this.#id('service');
    this.#server = createServer((request, response) => {
      void this.#serve(request, response);
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** As by SIGKILL: connections break, and new ones are refused. */
  async die(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  /** As when a worker dies. */
  loseRouter(roomId: string): void {
    this.rooms.delete(roomId);
  }

  /** Everything of an owner ends, as when nobody has named it for long. */
  sweep(roomId: string, owner: string): void {
    const room = this.#room(roomId);
    room.things.delete(owner);
    const left = room.producers.filter((producer) => producer.owner !== owner);
    if (left.length < room.producers.length) room.version += 1;
    room.producers = left;
  }

  count(path: string): number {
    return this.calls.filter((call) => call.path === path).length;
  }

  /** Resolves to the body of the next call of that path that fits. */
  async call(path: string, fits: (body: unknown) => boolean = () => true): Promise<unknown> {
    for (;;) {
      const [call] = (await once(this.#events, 'call')) as [FakeCall];
      if (call.path === path && fits(call.body)) return call.body;
    }
  }

  #id(what: string): string {
    this.#ids += 1;
    return `${what}-${String(this.#ids)}-${String(this.#port)}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const body: unknown = request.method === 'POST' ? await json(request) : undefined;
    const { kind } =
      this.fault.path === undefined || this.fault.path === path ? this.fault : { kind: 'none' };
    const answer = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    const call: FakeCall = { path, body };
    this.calls.push(call);
    if (kind === 'hang') {
      // Nobody answers.
    } else if (kind === 'nonsense') answer(200, { what: 'is this?' });
    else if (kind === 'garbage') response.end('<html>');
    else if (request.headers['x-internal-service-key'] !== this.key && path !== '/health')
      answer(403, { code: 'FORBIDDEN', message: 'no key' });
    else {
      try {
        if (kind !== 'none') throw new Refusal(kind as MediaRefusalCode);
        answer(200, this.#answer(path, body));
      } catch (error) {
        const code =
          error instanceof Refusal ? error.code : error instanceof z.ZodError ? 'INVALID' : 'INTERNAL';
        const message = error instanceof Error ? error.message.slice(0, 200) : '';
        answer(code === 'INVALID' ? 400 : 409, { code, message });
      }
    }
    this.#events.emit('call', call);
  }

  #answer(path: string, body: unknown): object {
    switch (path) {
      case '/health':
        return this.#health();
      case '/keep':
        return this.#keep(keepSchema.parse(body).rooms);
      case '/routers':
        return this.#open(ofRoomSchema.parse(body).roomId);
      case '/routers/close':
        this.rooms.delete(ofRoomSchema.parse(body).roomId);
        return {};
      case '/producers/list': {
        const { epoch, version, producers } = this.#room(ofRoomSchema.parse(body).roomId);
        return { epoch, version, producers };
      }
      case '/transports':
        return this.#createTransport(createTransportSchema.parse(body));
      case '/transports/connect': {
        const asked = connectTransportSchema.parse(body);
        this.#mustHave(asked, asked.transportId);
        return {};
      }
      case '/producers':
        return this.#produce(produceSchema.parse(body));
      case '/producers/close':
        return this.#closeProducer(closeProducerSchema.parse(body));
      case '/consumers':
        return this.#consume(consumeSchema.parse(body));
      case '/consumers/resume': {
        const asked = resumeConsumerSchema.parse(body);
        this.#mustHave(asked, asked.consumerId);
        return {};
      }
      case '/owners/close': {
        const { roomId, owner } = ofOwnerSchema.parse(body);
        if (this.rooms.has(roomId)) this.sweep(roomId, owner);
        return {};
      }
      default:
        throw new Refusal('NOT_FOUND');
    }
  }

  #health(): { readonly epoch: string; readonly load: number; readonly workers: number } {
    return { epoch: this.#epoch, load: this.load, workers: 1 };
  }

  #keep(named: Readonly<Record<string, readonly string[]>>): object {
    const known = Object.keys(named).flatMap((roomId) => {
      const room = this.rooms.get(roomId);
      return room === undefined ? [] : [[roomId, { epoch: room.epoch, version: room.version }] as const];
    });
    return { ...this.#health(), rooms: Object.fromEntries(known) };
  }

  #open(roomId: string): object {
    const room = this.rooms.get(roomId) ?? {
      epoch: this.#id('router'),
      version: 0,
      producers: [],
      things: new Map<string, Set<string>>(),
      names: new Map<string, string>(),
    };
    this.rooms.set(roomId, room);
    return { epoch: room.epoch, version: room.version, rtpCapabilities: { codecs: [] } };
  }

  #room(roomId: string): FakeRoom {
    const room = this.rooms.get(roomId);
    if (room === undefined) throw new Refusal('NO_ROUTER');
    return room;
  }

  #mustHave({ roomId, owner }: { readonly roomId: string; readonly owner: string }, thing: string): void {
    if (this.#room(roomId).things.get(owner)?.has(thing) !== true) throw new Refusal('NOT_FOUND');
  }

  #give({ roomId, owner }: { readonly roomId: string; readonly owner: string }, thing: string): void {
    const { things } = this.#room(roomId);
    things.set(owner, (things.get(owner) ?? new Set()).add(thing));
  }

  #createTransport(asked: z.output<typeof createTransportSchema>): object {
    const id = this.#id('transport');
    this.#give(asked, id);
    this.#room(asked.roomId).names.set(asked.owner, asked.peerId);
    return { id, iceParameters: {}, iceCandidates: [], dtlsParameters: {} };
  }

  #produce(asked: z.output<typeof produceSchema>): object {
    this.#mustHave(asked, asked.transportId);
    const { roomId, owner, kind, appData = {} } = asked;
    const room = this.#room(roomId);
    const id = this.#id('producer');
    room.producers.push({ id, owner, peerId: room.names.get(owner) ?? '', kind, appData });
    room.version += 1;
    return { id };
  }

  #closeProducer({ roomId, owner, producerId }: z.output<typeof closeProducerSchema>): object {
    const room = this.#room(roomId);
    const left = room.producers.filter((producer) => producer.id !== producerId || producer.owner !== owner);
    if (left.length === room.producers.length) throw new Refusal('NOT_FOUND');
    room.producers = left;
    room.version += 1;
    return {};
  }

  #consume(asked: z.output<typeof consumeSchema>): object {
    const producer = this.#room(asked.roomId).producers.find(({ id }) => id === asked.producerId);
    if (producer === undefined) throw new Refusal('NOT_FOUND');
    const id = this.#id('consumer');
    this.#give(asked, id);
    const { kind, peerId } = producer;
    const rest = { rtpParameters: {}, type: 'simple', producerPaused: false };
    return { id, producerId: producer.id, kind, peerId, ...rest };
  }
}
