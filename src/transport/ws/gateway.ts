import type { IncomingMessage, Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type Server as SocketServer, type ServerOptions } from 'ws';
import type { Door } from '../../dialects/dialect.js';
import type { Doors } from '../../dialects/doors.js';
import type { RateLimiter } from '../../ports/rate-limiter.js';
import { SignalingError } from '../../protocol/errors.js';
import { clientAddress, type TrustedProxies } from '../client-address.js';
import { chooseSubprotocol, credentialOf } from '../credential.js';
import { Connection } from './connection.js';
import type { ConnectionContext } from './connection-context.js';
import { isOriginAllowed } from './origin.js';
import { keptTraceparent } from './kept-traceparent.js';
import { PeerSocket } from './peer-socket.js';
import { readTarget } from './request-target.js';
import { refuseUpgrade, type UpgradeRefusal } from './refuse-upgrade.js';
import { Secret } from '../../protocol/secret.js';

export interface GatewaySettings {
  readonly maxMessageBytes: number;
  readonly maxConnectionsPerIp: number;
  /** By address. */
  readonly upgradesPerMinute: number;
  readonly allowedOrigins: readonly string[];
  readonly allowQueryToken: boolean;
  readonly trustedProxies: TrustedProxies;
}

/** What ws takes beside what its types say. */
type Beyond = Readonly<Record<'closeTimeout' | 'maxFragments' | 'maxBufferedChunks', number>>;

/** After a close frame, its own or the far end's, a socket has this long to go. ws's default is 30 s. */
const closeTimeoutMs = 3_000;
const stopping = 'This server is stopping. Try again, elsewhere or in a moment.';
/** What an upgrade may be refused with. */
type Status = 400 | 403 | 404 | 429 | 500 | 503;
/** How soon an address that has too many connections may try again. */
const retryAfterMs = 5_000;

/** Accepts upgrades: a column of guards, then a connection. One gateway may serve several HTTP servers. */
export class Gateway {
  readonly #context: ConnectionContext;
  readonly #settings: GatewaySettings;
  readonly #doors: Doors;
  readonly #limiter: RateLimiter;
  readonly #sockets: SocketServer<typeof PeerSocket>;
  /** Of the connections that are open. */
  readonly #streams = new Set<Socket>();
  #isDraining = false;

  constructor(context: ConnectionContext, settings: GatewaySettings, doors: Doors, limiter: RateLimiter) {
    this.#context = context;
    this.#settings = settings;
    this.#doors = doors;
    this.#limiter = limiter;
    const options: ServerOptions<typeof PeerSocket> & Beyond = {
      noServer: true,
      closeTimeout: closeTimeoutMs,
      // Frames are written past ws, which needs that no extension is negotiated; deflate costs 6 times the CPU too.
      perMessageDeflate: false,
      clientTracking: false,
      maxPayload: settings.maxMessageBytes,
      // Each costs more than the byte that may be in it.
      maxFragments: Math.max(1_024, Math.ceil(settings.maxMessageBytes / 1_024)),
      maxBufferedChunks: Math.max(4_096, Math.ceil(settings.maxMessageBytes / 256)),
      handleProtocols: chooseSubprotocol,
      WebSocket: PeerSocket,
    };
    this.#sockets = new WebSocketServer(options);
    // ws would refuse it by itself, and nobody would know.
    this.#sockets.on('wsClientError', (error, stream, request) => {
      this.#refuse(request, stream, 400, `This is no handshake of WebSocket 13. ${error.message}.`);
    });
  }

  /** `sharesServer`: other paths are somebody else's to answer. The returned function undoes it. */
  attach(server: Server, sharesServer = false): () => void {
    const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
      this.#upgrade(request, stream, head, sharesServer);
    };
    server.on('upgrade', onUpgrade);
    return () => {
      server.off('upgrade', onUpgrade);
    };
  }

  /** Bytes that wait for peers to read them. */
  get waitingBytes(): number {
    let bytes = 0;
    for (const { writableLength } of this.#streams) bytes += writableLength;
    return bytes;
  }

  drain(): void {
    this.#isDraining = true;
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer, sharesServer: boolean): void {
    const { path, query } = readTarget(request.url ?? '/');
    const door = this.#doors.find(path, query);
    if (door === undefined && sharesServer) return;
    // Behind an http.Server it always is one, with or without TLS.
    if (!(stream instanceof Socket)) {
      stream.destroy();
      return;
    }
    stream.on('error', ignoreUntilOpen);
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      this.#refuse(
        request,
        stream,
        400,
        'Only upgrades to WebSocket are served. Ask without an Upgrade header.',
      );
    } else if (door === undefined) {
      this.#refuse(request, stream, 404, `No WebSocket is served at this path. Served: ${this.#doors.shown}`);
    } else if (
      !isOriginAllowed(request.headers.origin, request.headers.host, this.#settings.allowedOrigins)
    ) {
      const text = 'This Origin is not allowed. The operator can add it to ALLOWED_ORIGINS.';
      this.#context.audit.record('origin_refused', { address: this.#addressOf(request) });
      this.#refuse(request, stream, 403, text);
    } else if (this.#isDraining) {
      this.#refuse(request, stream, 503, stopping);
    } else {
      this.#admit(request, stream, head, door, query).catch((error: unknown) => {
        this.#context.logger.error('upgrade_failed', { error });
        this.#refuse(request, stream, 500, 'The server failed to handle this upgrade.');
      });
    }
  }

  async #admit(
    request: IncomingMessage,
    stream: Socket,
    head: Buffer,
    door: Door,
    query: URLSearchParams,
  ): Promise<void> {
    const address = this.#addressOf(request);
    const rule = { name: 'upgrades', limit: this.#settings.upgradesPerMinute, perMs: 60_000 };
    const verdict = await this.#limiter.take(rule, address);
    if (!verdict.isAllowed) {
      const text = 'Too many new connections from this address.';
      this.#limit(request, stream, 'upgrades', text, verdict.retryAfterMs);
      return;
    }
    const release = await this.#limiter.hold('connections', address, this.#settings.maxConnectionsPerIp);
    if (release === undefined) {
      this.#limit(request, stream, 'connections', 'Too many connections from this address.', retryAfterMs);
      return;
    }
    // It may have gone while others were asked.
    if (hasGone(stream)) {
      release();
      return;
    }
    stream.once('close', release);
    const credential = credentialOf(request, this.#settings)?.token;
    if (query.get('reject') === 'http' && door.roomId !== undefined) {
      const refusal = await this.#judge(credential, door, address);
      if (refusal !== undefined) {
        if (refusal.retryable) this.#refuse(request, stream, 503, refusal.message, { retryAfterMs });
        else this.#refuse(request, stream, 403, refusal.message);
        return;
      }
    }
    // It may have gone while others were asked, and so may we.
    if (hasGone(stream)) {
      release();
      return;
    }
    if (this.#isDraining) {
      this.#refuse(request, stream, 503, stopping);
      return;
    }
    this.#sockets.handleUpgrade(request, stream, head, (socket) => {
      stream.off('error', ignoreUntilOpen);
      this.#context.tally.connections_opened += 1;
      this.#streams.add(stream);
      stream.once('close', () => this.#streams.delete(stream));
      const traceparent = keptTraceparent(request);
      const shown = credential === undefined ? undefined : new Secret(credential);
      const arrived = { credential: shown, address, traceparent };
      new Connection(this.#context, socket, stream, door, arrived);
    });
  }

  /** Who asks to be refused by HTTP, as S4's framework does it, learns at the upgrade that its token is bad. */
  async #judge(
    credential: string | undefined,
    { hello, waitsForToken }: Door,
    address: string,
  ): Promise<SignalingError | undefined> {
    if (credential === undefined && waitsForToken) return undefined;
    const command = hello !== undefined && 'command' in hello ? hello.command : undefined;
    const mayBeAnonymous = command?.type === 'join' && command.mayBeAnonymous === true;
    try {
      await this.#context.node.prove(credential, mayBeAnonymous, address);
      return undefined;
    } catch (error) {
      if (error instanceof SignalingError) return error;
      throw error;
    }
  }

  #limit(request: IncomingMessage, stream: Socket, code: string, text: string, waitMs: number): void {
    const { tally, audit } = this.#context;
    tally.upgrades_limited += 1;
    audit.record('limit_reached', { code, address: this.#addressOf(request) });
    this.#refuse(request, stream, 429, text, { retryAfterMs: waitMs });
  }

  #addressOf(request: IncomingMessage): string {
    return clientAddress(request, this.#settings.trustedProxies);
  }

  #refuse(
    request: IncomingMessage,
    stream: Duplex,
    status: Status,
    text: string,
    more: Partial<UpgradeRefusal> = {},
  ): void {
    this.#context.logger.info('upgrade_refused', {
      address: this.#addressOf(request),
      status,
      reason: text,
    });
    this.#context.tally.metrics.families.upgrades_refused.add({ status: `${status}` });
    refuseUpgrade(stream, { status, text, ...more });
  }
}

function hasGone({ destroyed }: Socket): boolean {
  return destroyed;
}

/** A client that goes away during the handshake: the stream's close says all there is to know. */
function ignoreUntilOpen(this: Duplex): void {
  this.destroy();
}
