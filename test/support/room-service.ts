/** S1's Room Service, as far as it is asked: `GET /internal/rooms/:id` with the internal key. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '../../src/protocol/records.js';

export class RoomService {
  /** What it says of a room, whatever that is. */
  readonly rooms = new Map<string, Json>();
  /** The ids that it was asked for, in order; and what was asked that is no room. */
  readonly asked: string[] = [];
  /** Instead of its answers. */
  answer: ((response: ServerResponse) => void) | undefined;

  private constructor(
    private readonly server: Server,
    readonly key: string,
  ) {}

  static async start(key = 'a key that two services share'): Promise<RoomService> {
    const server = createServer();
    const service = new RoomService(server, key);
    server.on('request', (request, response) => {
      const [, id] = /^\/internal\/rooms\/([^/?]+)$/.exec(request.url ?? '') ?? [];
      service.asked.push(id === undefined ? `nonsense: ${request.url ?? ''}` : decodeURIComponent(id));
      if (service.answer !== undefined) {
        service.answer(response);
        return;
      }
      const room = id === undefined ? undefined : service.rooms.get(decodeURIComponent(id));
      const isKnown = request.headers['x-internal-service-key'] === key;
      response.statusCode = isKnown ? (room === undefined ? 404 : 200) : 403;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(isKnown ? (room ?? { error: 'Room not found' }) : { error: 'Forbidden' }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
