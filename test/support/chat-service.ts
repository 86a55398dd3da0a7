/** A Chat Service as the server expects one: it keeps what is posted in memory, once by idempotency key. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServedChat {
  readonly id: string;
  readonly roomId: string;
  readonly senderId: string;
  readonly userId: string;
  readonly content: string;
  readonly createdAt: string;
  readonly seq: number;
}

export interface ServedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What the service says instead: a status with a text, or nothing at all. It may carry out what it was asked all the same. */
export type Mood =
  | { readonly status: number; readonly text?: string; readonly isDone?: boolean; readonly type?: string }
  | 'silent'
  | 'hangs up'
  /** It begins to answer, and stops. */
  | 'stalls';

export class ChatService {
  readonly requests: ServedRequest[] = [];
  /** By idempotency key. */
  readonly chats = new Map<string, ServedChat>();
  /** `undefined`: it does what it is asked. */
  mood: ((request: ServedRequest) => Mood | undefined) | undefined;
  /** That were ever made to it. */
  connections = 0;
  /** Requests that are being answered, now and at the most. */
  open = 0;
  mostOpen = 0;

  readonly #server = createServer((request, response) => {
    void this.#serve(request, response);
  });

  private constructor(readonly key: string) {
    this.#server.on('connection', () => (this.connections += 1));
  }

  static async start(key = 'internal key of a test'): Promise<ChatService> {
    const service = new ChatService(key);
    service.#server.listen(0, '127.0.0.1');
    await once(service.#server, 'listening');
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  of(roomId: string): ServedChat[] {
    return [...this.chats.values()].filter((chat) => chat.roomId === roomId).sort((a, b) => a.seq - b.seq);
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    response.on('close', () => (this.open -= 1));
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(request, 'end');
    const { method = '', url = '', headers } = request;
    const served = { method, url, headers, body: Buffer.concat(chunks).toString() };
    this.requests.push(served);
    const mood = this.mood?.(served);
    if (mood === 'silent') return;
    if (mood === 'stalls') {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"messages":');
      return;
    }
    if (mood === 'hangs up') {
      request.socket.destroy();
      return;
    }
    const answer = mood === undefined || mood.isDone === true ? this.#do(served) : undefined;
    const status = mood?.status ?? answer?.status ?? 500;
    const text = mood === undefined ? textOf(answer?.body) : (mood.text ?? '');
    response.writeHead(status, {
      'content-type': mood?.type ?? 'application/json',
      ...(status >= 300 && status < 400 && { location: '/elsewhere' }),
    });
    response.end(text);
  }

  #do({ method, url, headers, body }: ServedRequest): { readonly status: number; readonly body?: unknown } {
    if (headers['x-internal-service-key'] !== this.key) return { status: 401, body: { error: 'no key' } };
    const { pathname, searchParams } = new URL(url, this.url);
    const [, internal, chats, room] = pathname.split('/');
    if (internal !== 'internal' || chats !== 'chats') return { status: 404, body: { error: 'no such path' } };
    if (method === 'POST' && room === undefined) return this.#take(String(headers['idempotency-key']), body);
    if (room === undefined) return { status: 405 };
    const roomId = decodeURIComponent(room);
    const before = Number(searchParams.get('before') ?? Number.POSITIVE_INFINITY);
    if (method === 'GET') {
      const limit = Number(searchParams.get('limit') ?? 50);
      const messages = this.of(roomId).filter(({ seq }) => seq < before);
      // Newest first: the order is the reader's business.
      return { status: 200, body: { messages: messages.toReversed().slice(0, limit) } };
    }
    for (const [key, chat] of this.chats)
      if (chat.roomId === roomId && chat.seq < before) this.chats.delete(key);
    return { status: 204 };
  }

  #take(key: string, body: string): { readonly status: number; readonly body?: unknown } {
    if (this.chats.has(key)) return { status: 409, body: { error: 'has it' } };
    this.chats.set(key, JSON.parse(body) as ServedChat);
    return { status: 201, body: { ok: true } };
  }
}

function textOf(body: unknown): string {
  return body === undefined ? '' : JSON.stringify(body);
}
