/** The Media Service as it is run: a process of its own, with the library and the worker that tests have. */
import process from 'node:process';
import { testedMediasoup } from './mediasoup-worker.js';
import { Program, type Exit } from './spawn.js';
import { logsAreKept, noteSecretSettings } from './test-logs.js';

export const mediaKey = 'a key of media services in tests';

/** A running one. */
export class MediaProcess {
  private constructor(
    private readonly program: Program,
    /** `http://127.0.0.1:port`, for MEDIA_SERVICE_URL. */
    readonly url: string,
  ) {}

  /**
   * Resolves when it takes calls, with `mediaKey` for its internal key. It gets these settings and no others. A fixed
   * `MEDIA_PORT` lets another be started in its place.
   */
  static async start(entry: string, settings: Readonly<Record<string, string>> = {}): Promise<MediaProcess> {
    const program = startMedia(entry, { ...testedMediasoup(), ...settings });
    try {
      const [url] = /http:\/\/[\d.:]+/.exec(await program.line(/^Media Service /)) ?? [];
      if (url === undefined) throw new Error(`no address in:\n${program.output}`);
      return new MediaProcess(program, url);
    } catch (error) {
      await program.stop();
      throw error;
    }
  }

  /** Process ids of its workers, as it says itself. */
  async workerPids(): Promise<number[]> {
    const response = await fetch(`${this.url}/stats`, { headers: { 'x-internal-service-key': mediaKey } });
    const { workers } = (await response.json()) as { workers: { pid: number }[] };
    return workers.map(({ pid }) => pid);
  }

  /** Kills every worker; the service goes on. */
  async killWorkers(): Promise<void> {
    for (const pid of await this.workerPids()) process.kill(pid, 'SIGKILL');
  }

  /** What it said, for a failed test's message. */
  get output(): string {
    return this.program.output;
  }

  signal(name: NodeJS.Signals): void {
    this.program.signal(name);
  }

  /** SIGTERM. Resolves when it is gone. */
  terminate(): Promise<Exit> {
    this.program.signal('SIGTERM');
    return this.program.exited;
  }

  /** SIGKILL. Resolves when it is gone; its workers end by themselves. */
  kill(): Promise<void> {
    return this.program.stop();
  }

  /** For the end of a test: as quick as can be. */
  stop(): Promise<void> {
    return this.kill();
  }
}

/** Starts the process, whatever comes of it. */
export function startMedia(entry: string, settings: Readonly<Record<string, string>>): Program {
  const env = {
    INTERNAL_SERVICE_KEY: mediaKey,
    MEDIA_PORT: '0',
    MEDIA_WORKERS: '1',
    LOG_LEVEL: logsAreKept ? 'debug' : 'warn',
    PATH: process.env['PATH'] ?? '',
    ...settings,
  };
  noteSecretSettings(env);
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  // `env` becomes the service: signals reach it.
  return Program.start('env', ['-i', ...assignments, process.execPath, entry]);
}
