/** The HTTP face: JSON in, JSON out, whatever comes. */
import { performance } from 'node:perf_hooks';
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { keyCheck } from './internal-key.js';
import type { MediaCall } from './media-calls.js';
import type { MediaLog } from './media-log.js';
import type { MediaMetrics } from './media-metrics.js';
import { MediaRefusal } from './media-refusal.js';
import { bearerKey, isFromNetwork } from './metrics-gate.js';

export interface MediaFace {
  readonly calls: readonly MediaCall[];
  readonly health: () => object;
  readonly stats: () => object;
  readonly metrics: MediaMetrics;
  readonly internalServiceKey: string;
  /** Who sees the metrics without it. */
  readonly metricsNetworks: (address: string) => boolean;
  readonly log: MediaLog;
}

export function createMediaHttp({
  calls,
  health,
  stats,
  metrics,
  internalServiceKey,
  metricsNetworks,
  log,
}: MediaFace): Express {
  const isKey = keyCheck(internalServiceKey);
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.enable('case sensitive routing').enable('strict routing');

  const told = (response: Response, path: string, error: unknown, status?: number): void => {
    const refusal = error instanceof MediaRefusal ? error : internal(error);
    const fields = { path, code: refusal.code, error: refusal };
    // What the caller did not bring about is ours to look into.
    if (refusal.cause !== undefined && refusal.code !== 'INVALID') log.error('call_failed', fields);
    else log.debug('call_refused', fields);
    metrics.answered(path, refusal.code, sinceBegin(response));
    response.status(status ?? refusal.httpStatus).json({ code: refusal.code, message: refusal.message });
  };

  app.use((_, response, next) => {
    response.locals['beganMs'] = performance.now();
    response.set({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    next();
  });
  app.get('/health', (_, response) => {
    response.json(health());
  });
  app.get('/metrics', async (request, response, next) => {
    const shown = request.get('x-internal-service-key') ?? bearerKey(request);
    // Who shows a key is judged by it alone.
    const mayCome = shown === undefined ? isFromNetwork(request, metricsNetworks) : isKey(shown);
    if (!mayCome) {
      next();
      return;
    }
    const { contentType, text } = await metrics.render();
    response.type(contentType).send(text);
  });
  // Before any body is read.
  app.use((request, response, next) => {
    if (isKey(request.get('x-internal-service-key'))) next();
    else
      told(
        response,
        known(calls, request),
        new MediaRefusal('FORBIDDEN', 'X-Internal-Service-Key is missing or wrong.'),
      );
  });
  app.get('/stats', (_, response) => {
    response.json(stats());
  });
  for (const { path, maxBytes, answer } of calls) {
    // Whatever it says it is, it is read as JSON.
    const body = express.json({ limit: maxBytes, type: () => true, inflate: false, strict: false });
    app.post(path, body, async (request: Request, response: Response) => {
      try {
        const answered = await answer(request.body);
        metrics.answered(path, 'ok', sinceBegin(response));
        response.json(answered);
      } catch (error) {
        told(response, path, error);
      }
    });
  }
  app.use((_, response) => {
    told(response, 'unknown', new MediaRefusal('INVALID', 'No such path, or not with this method.'), 404);
  });
  const onError: ErrorRequestHandler = (error: unknown, request, response, next) => {
    if (response.headersSent) next(error);
    else told(response, known(calls, request), ...bodyFault(error));
  };
  app.use(onError);
  return app;
}

function internal(error: unknown): MediaRefusal {
  return new MediaRefusal('INTERNAL', 'The service failed to handle this call.', { cause: error });
}

function sinceBegin({ locals }: Response): number {
  const began: unknown = locals['beganMs'];
  return typeof began === 'number' ? performance.now() - began : 0;
}

/** Metrics and log name no path that a caller made up. */
function known(calls: readonly MediaCall[], { path }: Request): string {
  return calls.find((call) => call.path === path)?.path ?? 'unknown';
}

/** What Express says when a body or a path cannot be read: its status, in our words. */
function bodyFault(error: unknown): [MediaRefusal, number?] {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  if (status === 413) return [new MediaRefusal('INVALID', 'The body is too big.'), status];
  if (typeof status !== 'number' || status < 400 || status > 499) return [internal(error)];
  return [new MediaRefusal('INVALID', 'The body is not JSON in UTF-8.'), status];
}
