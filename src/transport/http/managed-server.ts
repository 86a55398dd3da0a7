import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../ports/runtime.js';

/** A request's headers and then the whole of it must be here in time, so that slow senders hold no sockets. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 20_000;
/** How often Node looks for those that are late. */
const lateCheckEveryMs = 2_000;
/** As the Python server's: idle connections are the client's to reopen. */
const keepAliveTimeoutMs = 5_000;

/** An HTTP server with a beginning and an end. Upgraded sockets are their gateway's to close. */
export class ManagedServer {
  /** For upgrades to be attached to. */
  readonly server: Server;
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(listener: RequestListener) {
    this.server = createServer(
      {
        headersTimeout: headersTimeoutMs,
        requestTimeout: requestTimeoutMs,
        connectionsCheckingInterval: lateCheckEveryMs,
        keepAliveTimeout: keepAliveTimeoutMs,
      },
      (request, response) => {
        this.#running += 1;
        response.once('close', () => {
          this.#running -= 1;
          if (this.#running === 0) this.#onIdle?.();
        });
        listener(request, response);
      },
    );
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
}
