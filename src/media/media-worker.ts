import process from 'node:process';
import type { MediaLog } from './media-log.js';
import type { EngineRouter, EngineWorker, ResourceUsage } from './mediasoup-engine.js';
import { routerCodecs } from './router-codecs.js';

/** What lives on a worker now. */
export interface Use {
  rooms: number;
  transports: number;
  producers: number;
  consumers: number;
}

/** Counts one more until it is closed, however that comes about. */
export function countUntilClosed(
  use: Use,
  what: keyof Use,
  { observer }: { readonly observer: { once(event: 'close', run: () => void): unknown } },
): void {
  use[what] += 1;
  observer.once('close', () => {
    use[what] -= 1;
  });
}

/** Probes that go unanswered before a worker counts as hung. */
const mostMissed = 2;

/** One worker process, until it ends. */
export class MediaWorker {
  readonly use: Use = { rooms: 0, transports: 0, producers: 0, consumers: 0 };
  /** As it was at the latest probe. */
  resources: ResourceUsage | undefined;
  readonly #worker: EngineWorker;
  readonly #log: MediaLog;
  #isProbed = false;
  #missed = 0;

  constructor(worker: EngineWorker, log: MediaLog) {
    this.#worker = worker;
    this.#log = log;
  }

  get pid(): number {
    return this.#worker.pid;
  }

  get isAlive(): boolean {
    return !this.#worker.closed;
  }

  /** How much media it carries; a router without any costs next to nothing. */
  get weight(): number {
    return this.use.producers + this.use.consumers;
  }

  /** CPU time of its process, milliseconds, as of the latest probe. */
  get cpuMs(): number {
    return this.resources === undefined ? 0 : this.resources.ru_utime + this.resources.ru_stime;
  }

  async createRouter(): Promise<EngineRouter> {
    const router = await this.#worker.createRouter({ mediaCodecs: structuredClone(routerCodecs) });
    countUntilClosed(this.use, 'rooms', router);
    return router;
  }

  /** `run` is called when its process has ended and nobody closed it. */
  onDeath(run: () => void): void {
    this.#worker.once('died', run);
  }

  /** To be called at intervals. A worker that hangs would keep its rooms for ever: it is killed, and dies like any other. */
  probe(): void {
    if (this.#isProbed) {
      this.#missed += 1;
      if (this.#missed >= mostMissed) this.#kill();
      return;
    }
    this.#isProbed = true;
    this.#worker
      .getResourceUsage()
      .then((resources) => {
        this.resources = resources;
        this.#missed = 0;
      })
      .catch((error: unknown) => {
        this.#log.warn('worker_probe_failed', { pid: this.pid, error });
      })
      .finally(() => {
        this.#isProbed = false;
      });
  }

  close(): void {
    this.#worker.close();
  }

  #kill(): void {
    this.#log.error('worker_hangs', { pid: this.pid });
    try {
      process.kill(this.pid, 'SIGKILL');
    } catch (error) {
      // It has just ended by itself.
      this.#log.warn('worker_kill_failed', { pid: this.pid, error });
    }
  }
}
