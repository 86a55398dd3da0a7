import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../../ports/runtime.js';
import { isTrustedPeer, subscriberOf } from '../client-address.js';
import { guardPipeline } from './pipeline-guard.js';
import { defaultBounds, type ServerBounds } from './server-bounds.js';

/** A request's headers and then the whole of it must be here in time, so that slow senders hold no sockets. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 20_000;
/** How often Node looks for those that are late. */
const lateCheckEveryMs = 2_000;
/** While something is asked or answered, the connection may stand still for so long: who does not read is cut. */
const stallMs = 30_000;
/** Node's own, said so that it stays: all headers of a request together, its address included. */
const maxHeaderBytes = 16_384;
/** Requests of one connection that come, or are under way, at once. Clients that pipeline do it with a handful. */
const maxPipelined = 32;
/** Each WebSocket is a connection, and those that are too many are still to be told so. */
const connectionsPerWebSocket = 2;

/** A connection, and how many of its requests are under way. */
interface Line {
  running: number;
  readonly unguard: () => void;
}

/** An HTTP server with a beginning and an end. Upgraded sockets are their gateway's to close. */
export class ManagedServer {
  /** For upgrades to be attached to. */
  readonly server: Server;
  readonly #bounds: ServerBounds;
  readonly #lines = new WeakMap<Socket, Line>();
  /** Connections by address. */
  readonly #counts = new Map<string, number>();
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(listener: RequestListener, bounds: ServerBounds = defaultBounds) {
    this.#bounds = bounds;
    this.server = createServer(
      {
        headersTimeout: headersTimeoutMs,
        requestTimeout: requestTimeoutMs,
        connectionsCheckingInterval: lateCheckEveryMs,
        keepAliveTimeout: bounds.keepAliveMs,
        maxHeaderSize: maxHeaderBytes,
      },
      (request, response) => {
        const line = this.#lines.get(request.socket);
        if (line === undefined || !this.#begin(line, request.socket)) return;
        response.once('close', () => {
          this.#end(line, 1);
        });
        listener(request, response);
      },
    );
    this.server.timeout = stallMs;
    if (bounds.maxConnections > 0) this.server.maxConnections = bounds.maxConnections;
    this.server.on('drop', bounds.onCut);
    this.server.on('connection', (socket: Socket) => {
      this.#admit(socket);
    });
    // Before the gateway, which takes what nobody else listens to.
    this.server.on('upgrade', ({ socket }) => {
      this.#lines.get(socket)?.unguard();
      if (this.server.listenerCount('upgrade') === 1) socket.destroy();
    });
  }

  /** Rejects with what the operating system says, for instance EADDRINUSE. */
  async listen(port: number, host: string): Promise<void> {
    this.server.listen(port, host);
    await once(this.server, 'listening');
  }

  /** `host:port`, with a wildcard address spelled as one that can be called. */
  get address(): string {
    const { address, port } = this.server.address() as AddressInfo;
    const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  }

  /** Stops accepting, lets the requests that run end, within `withinMs`, and drops connections that ask nothing. */
  async close(clock: Clock, withinMs: number): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    await new Promise<void>((resolve) => {
      const cancel = clock.after(withinMs, resolve);
      this.#onIdle = () => {
        cancel();
        resolve();
      };
      if (this.#running === 0) this.#onIdle();
    });
    this.server.closeAllConnections();
    await closed;
  }

  #admit(socket: Socket): void {
    const unguard = guardPipeline(socket, maxPipelined, () => {
      this.#cut(socket);
    });
    const line: Line = { running: 0, unguard };
    this.#lines.set(socket, line);
    // Answers that wait behind another one are told nothing when their connection breaks.
    socket.once('close', () => {
      this.#end(line, line.running);
    });
    const { maxConnectionsPerIp, trustedProxies } = this.#bounds;
    if (maxConnectionsPerIp === 0 || isTrustedPeer(socket, trustedProxies)) return;
    const address = subscriberOf(socket);
    const count = (this.#counts.get(address) ?? 0) + 1;
    this.#counts.set(address, count);
    socket.once('close', () => {
      const left = (this.#counts.get(address) ?? 0) - 1;
      if (left > 0) this.#counts.set(address, left);
      else this.#counts.delete(address);
    });
    if (count > maxConnectionsPerIp * connectionsPerWebSocket) this.#cut(socket);
  }

  /** False when there are too many: then the connection is cut. */
  #begin(line: Line, socket: Socket): boolean {
    // What came with the request that was one too many is not looked at.
    if (socket.destroyed) return false;
    if (line.running >= maxPipelined) {
      this.#cut(socket);
      return false;
    }
    line.running += 1;
    this.#running += 1;
    return true;
  }

  #end(line: Line, requests: number): void {
    // Both a response and its connection close.
    const ended = Math.min(requests, line.running);
    line.running -= ended;
    this.#running -= ended;
    if (ended > 0 && this.#running === 0) this.#onIdle?.();
  }

  #cut(socket: Socket): void {
    this.#bounds.onCut();
    socket.destroy();
  }
}
