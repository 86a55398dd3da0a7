/** The library that does the work. The only file that names it. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as mediasoup from 'mediasoup';
import type { types } from 'mediasoup';

export type Engine = Pick<typeof mediasoup, 'createWorker'>;
export type EngineWorker = types.Worker;
export type EngineRouter = types.Router;
export type EngineTransport = types.WebRtcTransport;
export type EngineProducer = types.Producer;
export type EngineConsumer = types.Consumer;
export type RouterCodec = types.RouterRtpCodecCapability;
export type ResourceUsage = types.WorkerResourceUsage;
export type EngineRtpParameters = types.RtpParameters;
export type EngineRtpCapabilities = types.RtpCapabilities;
export type EngineDtlsParameters = types.DtlsParameters;

/** The library or its worker program is not there. The text is one line and names the remedy. */
export class EngineError extends Error {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'EngineError';
  }
}

/**
 * `library`: a package, `mediasoup` by default, or the path of its main file. Throws `EngineError` where it is not installed: it
 * is an optional dependency.
 */
export async function loadEngine(library: string): Promise<Engine> {
  try {
    const where = path.isAbsolute(library) ? pathToFileURL(library).href : library;
    return (await import(where)) as Engine;
  } catch (error) {
    const remedy = `${library} cannot be loaded: \`npm install mediasoup\` (it is an optional dependency)`;
    throw new EngineError(`${remedy}. ${firstLine(error)}`, { cause: error });
  }
}

/** A worker that did not start, most often because its program was never installed. */
export function workerError(error: unknown): EngineError {
  return new EngineError(
    "mediasoup's worker does not start: `npm rebuild mediasoup --ignore-scripts=false` installs it, or set MEDIASOUP_WORKER_BIN to a worker " +
      `of the library's own version. ${firstLine(error)}`,
    { cause: error },
  );
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
