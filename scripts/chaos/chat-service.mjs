/** A Chat Service of our own: what the nodes post is kept here once, whatever becomes of them. */
import { once } from 'node:events';
import { createServer } from 'node:http';

const mostBodyBytes = 1_048_576;

export class ChatService {
  key = 'the-chat-service-of-a-chaos-run';
  /** `refuses`: 503 to all; `hangs`: it takes everything and answers nothing. @type {'well' | 'refuses' | 'hangs'} */
  mood = 'well';
  /** How often it was posted something that it had. */
  repeats = 0;
  /** By room: by `seq`, what was posted. @type {Map<string, Map<number, object>>} */
  #rooms = new Map();
  #server = createServer((request, response) => void this.#answer(request, response));
  #hanging = new Set();

  static async start() {
    const service = new ChatService();
    service.#server.listen(0, '127.0.0.1');
    await once(service.#server, 'listening');
    service.url = `http://127.0.0.1:${service.#server.address().port}`;
    return service;
  }

  /** @param {'well' | 'refuses' | 'hangs'} mood */
  be(mood) {
    this.mood = mood;
    if (mood === 'hangs') return;
    for (const response of this.#hanging) response.destroy();
    this.#hanging.clear();
  }

  close() {
    this.be('well');
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request, response) {
    const chunks = [];
    let bytes = 0;
    for await (const chunk of request) {
      bytes += chunk.length;
      if (bytes <= mostBodyBytes) chunks.push(chunk);
    }
    if (this.mood === 'hangs') {
      this.#hanging.add(response);
      return;
    }
    const [status, body] = this.#do(request, Buffer.concat(chunks).toString());
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  #do({ method, url, headers }, text) {
    if (headers['x-internal-service-key'] !== this.key) return [401, { error: 'the internal key is wrong' }];
    if (this.mood === 'refuses') return [503, { error: 'not now' }];
    const { pathname, searchParams } = new URL(url, this.url);
    if (method === 'POST' && pathname === '/internal/chats') return this.#keep(JSON.parse(text));
    const [, room] = /^\/internal\/chats\/([^/]+)$/.exec(pathname) ?? [];
    if (room === undefined) return [404, { error: 'no such path' }];
    const roomId = decodeURIComponent(room);
    if (method === 'DELETE') {
      this.#rooms.delete(roomId);
      return [200, {}];
    }
    const before = Number(searchParams.get('before') ?? Number.MAX_SAFE_INTEGER);
    const limit = Number(searchParams.get('limit') ?? 50);
    const kept = [...(this.#rooms.get(roomId)?.values() ?? [])].filter(({ seq }) => seq < before);
    return [200, { messages: kept.sort((a, b) => a.seq - b.seq).slice(-limit) }];
  }

  #keep(message) {
    const { roomId, seq } = message;
    const room = this.#rooms.get(roomId) ?? new Map();
    this.#rooms.set(roomId, room);
    if (room.has(seq)) {
      this.repeats += 1;
      return [409, { error: 'it is here already' }];
    }
    room.set(seq, message);
    return [201, {}];
  }
}
