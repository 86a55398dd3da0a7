import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type Server as SocketServer, type ServerOptions } from 'ws';
import type { Dialect } from '../../dialects/dialect.js';
import { Connection, type ConnectionContext } from './connection.js';
import { isOriginAllowed } from './origin.js';
import { PeerSocket } from './peer-socket.js';

export interface GatewaySettings {
  readonly maxMessageBytes: number;
  readonly allowedOrigins: readonly string[];
}

/** After a close frame, its own or the far end's, a socket has this long to go. ws's default is 30 s. */
const closeTimeoutMs = 3_000;

/** Accepts upgrades: a column of guards, then a connection. One gateway may serve several HTTP servers. */
export class Gateway {
  readonly #context: ConnectionContext;
  readonly #settings: GatewaySettings;
  readonly #dialects: ReadonlyMap<string, Dialect>;
  readonly #sockets: SocketServer<typeof PeerSocket>;
  #isDraining = false;

  /** `dialects`: by the exact path that speaks them. */
  constructor(context: ConnectionContext, settings: GatewaySettings, dialects: ReadonlyMap<string, Dialect>) {
    this.#context = context;
    this.#settings = settings;
    this.#dialects = dialects;
    const options: ServerOptions<typeof PeerSocket> & { readonly closeTimeout: number } = {
      noServer: true,
      closeTimeout: closeTimeoutMs,
      // Frames are written past ws, which needs that no extension is negotiated; deflate costs 6 times the CPU too.
      perMessageDeflate: false,
      clientTracking: false,
      maxPayload: settings.maxMessageBytes,
      WebSocket: PeerSocket,
    };
    this.#sockets = new WebSocketServer(options);
  }

  attach(server: Server): void {
    server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      this.#upgrade(request, stream, head);
    });
  }

  drain(): void {
    this.#isDraining = true;
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    // Behind an http.Server it always is one, with or without TLS.
    if (!(stream instanceof Socket)) {
      stream.destroy();
      return;
    }
    stream.on('error', ignoreUntilOpen);
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      this.#refuse(stream, 400, 'Only upgrades to WebSocket are served. Ask without an Upgrade header.');
      return;
    }
    const path = pathOf(request.url ?? '/');
    const dialect = this.#dialects.get(path);
    if (dialect === undefined) {
      const known = [...this.#dialects.keys()].join(', ');
      this.#refuse(stream, 404, `No WebSocket is served at this path. Served: ${known}`);
      return;
    }
    if (!isOriginAllowed(request.headers.origin, request.headers.host, this.#settings.allowedOrigins)) {
      this.#refuse(stream, 403, 'This Origin is not allowed. The operator can add it to ALLOWED_ORIGINS.');
      return;
    }
    if (this.#isDraining) {
      this.#refuse(stream, 503, 'This server is stopping. Try again, elsewhere or in a moment.');
      return;
    }
    this.#sockets.handleUpgrade(request, stream, head, (socket) => {
      stream.off('error', ignoreUntilOpen);
      this.#context.tally.connections_opened += 1;
      new Connection(this.#context, socket, stream, dialect);
    });
  }

  #refuse(stream: Duplex, status: number, text: string): void {
    this.#context.tally.upgrades_refused += 1;
    const body = `${text}\n`;
    stream.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
        'Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n' +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    stream.once('finish', () => {
      stream.destroy();
    });
  }
}

/** The path of a request target, in origin form (`/path?query`) or, as proxies are sent it, in absolute form. */
function pathOf(target: string): string {
  const isAbsolute = !target.startsWith('/') && URL.canParse(target);
  return isAbsolute ? new URL(target).pathname : (target.split('?', 1)[0] ?? '/');
}

/** A client that goes away during the handshake: the stream's close says all there is to know. */
function ignoreUntilOpen(this: Duplex): void {
  this.destroy();
}
