/** The server inside an application that has its own `http.Server` and Express app (S2). What the package exports. */
import type { Server } from 'node:http';
import type { RequestHandler } from 'express';
import { loadConfig } from './config.js';
import { dialectNames, type DialectName } from './dialects/doors.js';
import { createSignaling } from './signaling.js';

export type { DialectName };

export interface EmbeddingOptions {
  /**
   * The same settings by the same names as the server's environment variables, for instance
   * `{ REDIS_URL: 'redis://127.0.0.1:6379', GRACE_MS: '3000' }`; those of ports and addresses mean nothing here. The
   * environment itself is not read. Without `REDIS_URL` everything is in this process.
   */
  readonly settings?: Readonly<Record<string, string>>;
  /** Which dialects are served: `flat` at `/`, `gateway` at `/signal/{roomId}`, `webrtc` at its two paths. All of them. */
  readonly dialects?: readonly DialectName[];
  /** `routes` also serve the dashboard, the documents and, where `SERVE_DEMO` says so, the demo. Not unless it is asked for. */
  readonly pages?: boolean;
}

export interface EmbeddedSignaling {
  /** Serves WebSocket upgrades of that server on the paths of the dialects; all other upgrades are left alone. */
  attach(server: Server): void;
  /**
   * The HTTP routes, to be put onto an Express app with `app.use`, before anything that reads bodies. Paths that are
   * not the server's go on to the next handler.
   */
  readonly routes: RequestHandler;
  /** What was decided from the settings, a line each. */
  readonly decisions: readonly string[];
  /** Tells the peers to go elsewhere, lets them, and frees everything; the application's server is its own to close. */
  close(): Promise<void>;
}

/** Ready to be attached when it resolves. Rejects with `ConfigError`, or when Redis cannot be reached. */
export async function createEmbeddedSignaling(options: EmbeddingOptions = {}): Promise<EmbeddedSignaling> {
  const config = loadConfig(options.settings ?? {});
  const signaling = await createSignaling(config, {}, options.dialects ?? dialectNames);
  const { decisions } = signaling;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await signaling.drain(config.drainMs);
    await signaling.free();
  };
  try {
    await signaling.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    decisions,
    routes: signaling.httpApp(true, options.pages === true),
    attach(server) {
      signaling.attach(server, true);
    },
    close: () => (closing ??= close()),
  };
}
