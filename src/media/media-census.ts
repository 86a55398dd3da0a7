import type { MediaGauges } from './media-metrics.js';
import type { MediaRooms } from './media-rooms.js';
import type { Use } from './media-worker.js';
import type { ResourceUsage } from './mediasoup-engine.js';
import type { Workers } from './workers.js';

/** For operators, at `/stats`. */
export interface Stats {
  readonly workers: readonly (Use & {
    readonly pid: number;
    readonly load: number;
    /** CPU times in milliseconds and peak memory in KiB, as of the latest probe. */
    readonly resources: Pick<ResourceUsage, 'ru_utime' | 'ru_stime' | 'ru_maxrss'> | undefined;
  })[];
  readonly rooms: readonly {
    readonly roomId: string;
    readonly epoch: string;
    readonly version: number;
    readonly workerPid: number;
    readonly owners: number;
    readonly transports: number;
    readonly producers: number;
    readonly consumers: number;
  }[];
}

export function takeStats(workers: Workers, rooms: MediaRooms): Stats {
  return {
    workers: workers.alive.map((worker) => ({
      pid: worker.pid,
      load: workers.loadOf(worker),
      ...worker.use,
      resources: worker.resources && {
        ru_utime: worker.resources.ru_utime,
        ru_stime: worker.resources.ru_stime,
        ru_maxrss: worker.resources.ru_maxrss,
      },
    })),
    rooms: rooms.all.map(({ id, state, worker, owners }) => {
      const sum = (what: 'transports' | 'producers' | 'consumers'): number =>
        owners.reduce((total, { counts }) => total + counts[what], 0);
      return {
        roomId: id,
        ...state,
        workerPid: worker.pid,
        owners: owners.length,
        transports: sum('transports'),
        producers: sum('producers'),
        consumers: sum('consumers'),
      };
    }),
  };
}

export function takeGauges(workers: Workers, rooms: MediaRooms): MediaGauges {
  const sum = (what: keyof Use): number => workers.alive.reduce((total, { use }) => total + use[what], 0);
  return {
    workers: workers.alive.length,
    workers_wanted: workers.wanted,
    sessions: rooms.all.reduce((total, { owners }) => total + owners.length, 0),
    rooms: rooms.all.length,
    transports: sum('transports'),
    producers: sum('producers'),
    consumers: sum('consumers'),
    load: workers.load,
    worker_deaths_total: workers.deaths,
    worker_cpu_seconds_total: workers.cpuMs / 1_000,
  };
}
