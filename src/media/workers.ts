import { every, type MediaClock } from './media-clock.js';
import type { MediaLog } from './media-log.js';
import { MediaRefusal } from './media-refusal.js';
import { MediaWorker } from './media-worker.js';
import { workerError, type Engine, type EngineRouter, type EngineWorker } from './mediasoup-engine.js';

export interface WorkerSettings {
  readonly workers: number;
  readonly rtcMinPort: number;
  readonly rtcMaxPort: number;
  /** Producers and consumers that one worker is good for. */
  readonly consumersPerWorker: number;
}

export interface PlacedRouter {
  readonly router: EngineRouter;
  readonly worker: MediaWorker;
}

/** Any other service is better. */
const withoutWorkers = 1_000_000;
const startDeadlineMs = 10_000;
const probeMs = 5_000;
/** Pauses before a new worker: none at first, then doubling while workers keep dying. */
const firstPauseMs = 250;
const mostPauseMs = 10_000;
/** A worker that lived so long was not part of a series of deaths. */
const steadyMs = 30_000;
/** How long a room waits for a worker when there is none: less than the signaling server's deadline. */
const patienceMs = 800;

/** The worker processes, as many as asked for; one that dies is replaced. */
export class Workers {
  deaths = 0;
  /** CPU time of those that died, milliseconds. */
  #spentCpuMs = 0;
  readonly #engine: Engine;
  readonly #settings: WorkerSettings;
  readonly #clock: MediaClock;
  readonly #log: MediaLog;
  readonly #alive = new Set<MediaWorker>();
  readonly #waiting = new Set<() => void>();
  /** Deaths in a row. */
  #series = 0;
  #isClosed = false;
  #stopProbing: () => void = () => undefined;

  constructor(engine: Engine, settings: WorkerSettings, clock: MediaClock, log: MediaLog) {
    this.#engine = engine;
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
  }

  /** Throws `EngineError` when a worker does not start. */
  async start(): Promise<void> {
    const starts = Array.from({ length: this.#settings.workers }, () => this.#add());
    const failed = (await Promise.allSettled(starts)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') {
      this.close();
      throw workerError(failed.reason);
    }
    this.#stopProbing = every(this.#clock, probeMs, () => {
      for (const worker of this.#alive) worker.probe();
    });
  }

  /** As many as were asked for. */
  get wanted(): number {
    return this.#settings.workers;
  }

  get alive(): readonly MediaWorker[] {
    return [...this.#alive];
  }

  /** CPU time of all that have ever run, milliseconds: it must not fall when one dies. */
  get cpuMs(): number {
    return this.alive.reduce((total, { cpuMs }) => total + cpuMs, this.#spentCpuMs);
  }

  /** 0 to 1 and beyond: of one worker, or the busiest one's. */
  loadOf({ weight }: MediaWorker): number {
    return weight / this.#settings.consumersPerWorker;
  }

  get load(): number {
    // Without a worker it is good for nothing.
    return this.#alive.size === 0
      ? withoutWorkers
      : Math.max(...this.alive.map((worker) => this.loadOf(worker)));
  }

  /** A router on the least loaded worker. Rejects with a `MediaRefusal` when no worker runs. */
  async createRouter(): Promise<PlacedRouter> {
    for (;;) {
      const worker = this.#leastLoaded() ?? (await this.#nextWorker());
      // Counted at once, so that rooms that are opened together are spread.
      worker.use.rooms += 1;
      try {
        return { router: await worker.createRouter(), worker };
      } catch (error) {
        if (worker.isAlive) throw new MediaRefusal('INTERNAL', 'No router could be made.', { cause: error });
        // It died meanwhile: the next one will do.
        this.#bury(worker);
      } finally {
        worker.use.rooms -= 1;
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#stopProbing();
    for (const worker of this.#alive) worker.close();
    this.#alive.clear();
  }

  #leastLoaded(): MediaWorker | undefined {
    return [...this.#alive].sort((a, b) => a.weight - b.weight || a.use.rooms - b.use.rooms)[0];
  }

  async #nextWorker(): Promise<MediaWorker> {
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
      this.#clock.after(patienceMs, () => {
        this.#waiting.delete(resolve);
        resolve();
      });
    });
    const worker = this.#leastLoaded();
    if (worker === undefined) throw new MediaRefusal('INTERNAL', 'No worker runs at the moment.');
    return worker;
  }

  async #add(): Promise<void> {
    const { rtcMinPort, rtcMaxPort } = this.#settings;
    const started = this.#engine.createWorker({ logLevel: 'error', rtcMinPort, rtcMaxPort });
    const worker = new MediaWorker(await this.#inTime(started), this.#log);
    if (this.#isClosed) {
      worker.close();
      return;
    }
    this.#alive.add(worker);
    this.#log.info('worker_started', { pid: worker.pid });
    worker.onDeath(() => {
      this.#bury(worker);
      this.deaths += 1;
      this.#log.error('worker_died', { pid: worker.pid });
      this.#replace();
    });
    this.#clock.after(steadyMs, () => {
      if (worker.isAlive) this.#series = 0;
    });
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** A worker of another version may start and never say so. */
  async #inTime(started: Promise<EngineWorker>): Promise<EngineWorker> {
    let callOff: () => void = () => undefined;
    const late = new Promise<never>((_, reject) => {
      callOff = this.#clock.after(startDeadlineMs, () => {
        reject(new Error('It did not answer in time.'));
        started.then(
          (worker) => {
            worker.close();
          },
          () => undefined,
        );
      });
    });
    return Promise.race([started, late]).finally(callOff);
  }

  #bury(worker: MediaWorker): void {
    if (this.#alive.delete(worker)) this.#spentCpuMs += worker.cpuMs;
  }

  #replace(): void {
    if (this.#isClosed) return;
    const pauseMs = this.#series === 0 ? 0 : Math.min(firstPauseMs * 2 ** (this.#series - 1), mostPauseMs);
    this.#series += 1;
    const begin = (): void => {
      if (this.#isClosed) return;
      this.#add().catch((error: unknown) => {
        this.#log.error('worker_not_started', { error });
        this.#replace();
      });
    };
    if (pauseMs === 0) begin();
    else this.#clock.after(pauseMs, begin);
  }
}
