/** The server with its two ports. */
import type { Config } from './config.js';
import type { Ports } from './core/context.js';
import { createSignaling } from './signaling.js';
import { ManagedServer } from './transport/http/managed-server.js';
import { askForUpgrade } from './transport/ws/ask-for-upgrade.js';

export interface App {
  /** Resolves when both ports answer. Rejects with what the operating system says, for instance EADDRINUSE. */
  listen(): Promise<void>;
  /** Tells every peer to go elsewhere, lets them, and frees everything. Idempotent. */
  close(): Promise<void>;
  /** Goes on with the audit trail in a new file: the old one was moved away. */
  reopenLogs(): void;
  /** Tells the log what the process is about to end of. */
  crashed(error: unknown): void;
  /** Base URLs, once listening: `http://host:port` and `ws://host:port`. */
  readonly addresses: { readonly http: string; readonly ws: string };
  /** Pages for people, once listening: their names and addresses. */
  readonly pages: readonly { readonly name: string; readonly url: string }[];
  /** What was decided from the settings, a line each, for the operator. */
  readonly decisions: readonly string[];
}

/** Requests that run when everybody has been sent away have this long at least. */
const lastRequestsMs = 500;

/** Builds the server from its settings. `overrides` puts other parts behind the ports, for tests. */
export async function createApp(config: Config, overrides: Partial<Ports> = {}): Promise<App> {
  const signaling = await createSignaling(config, overrides);
  const { clock, decisions, logger } = signaling;
  const httpServer = new ManagedServer(signaling.httpApp(false, true), signaling.bounds);
  const wsServer = new ManagedServer(askForUpgrade, signaling.bounds);
  signaling.attach(httpServer.server);
  signaling.attach(wsServer.server);

  async function closeAll(): Promise<void> {
    const endsAtMs = clock.now() + config.drainMs;
    await signaling.drain(config.drainMs);
    const leftMs = Math.max(lastRequestsMs, endsAtMs - clock.now());
    await Promise.all([httpServer, wsServer].map((server) => server.close(clock, leftMs)));
    await signaling.free();
  }
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeAll());
  return {
    async listen() {
      try {
        await signaling.start();
        await httpServer.listen(config.httpPort, config.host);
        await wsServer.listen(config.wsPort, config.host);
        logger.info('listening', { http: httpServer.address, ws: wsServer.address });
      } catch (error) {
        // One port alone would look alive to whoever watches it.
        await close();
        throw error;
      }
    },
    close,
    reopenLogs: () => {
      signaling.reopenLogs();
    },
    crashed: (error) => {
      logger.error('crashed', { error });
    },
    get addresses() {
      return { http: `http://${httpServer.address}`, ws: `ws://${wsServer.address}` };
    },
    get pages() {
      const names = config.serveDemo ? ['Demo', 'Dashboard'] : ['Dashboard'];
      return names.map((name) => ({ name, url: `http://${httpServer.address}/${name.toLowerCase()}` }));
    },
    decisions,
  };
}
