/** The HTTP face: the three routes of the Python server, what its later versions added, and operations. */
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { authRoutes } from './auth-routes.js';
import { corsHeaders, isPreflight, preflightHeaders } from './cors.js';
import type { HttpParts } from './desk.js';
import { unhandled } from './failure.js';
import { opsRoutes } from './ops-routes.js';
import { detailReply, send, type Reply } from './reply.js';
import { ClientGoneError, discardBody } from './request-body.js';
import { roomRoutes } from './room-routes.js';
import type { Route } from './route.js';

/** All routes on one Express app. `ManagedServer` runs it. */
export function createHttpApp(parts: HttpParts): Express {
  const routes = [...authRoutes(parts), ...roomRoutes(parts), ...opsRoutes(parts)];
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.enable('case sensitive routing').enable('strict routing');
  app.use((request, _response, next) => {
    discardBody(request);
    next();
  });
  for (const route of routes) {
    app.all(route.path, (request, response) => serve(parts, route, request, response));
  }
  const paths = new Set(routes.map(({ path }) => path));
  app.use((request, response) => {
    send(response, withoutSlash(request, paths) ?? detailReply(404, 'Not Found'));
  });
  const onError: ErrorRequestHandler = (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    settle(parts, { path: 'unknown', method: request.method }, response, unhandled(error));
  };
  app.use(onError);
  return app;
}

async function serve(parts: HttpParts, route: Route, request: Request, response: Response): Promise<void> {
  const { allowedOrigins } = parts.settings;
  const cors = corsHeaders(request, allowedOrigins);
  const isAllowedOrigin = cors['access-control-allow-origin'] !== undefined;
  if (isAllowedOrigin && isPreflight(request)) {
    send(response, { status: 204, text: '', headers: preflightHeaders(route.method) }, cors);
    return;
  }
  const asked = request.method === 'HEAD' && route.method === 'GET' ? 'GET' : request.method;
  if (asked !== route.method) {
    send(response, detailReply(405, 'Method Not Allowed', { allow: route.method }), cors);
    return;
  }
  let reply: Reply;
  try {
    reply = await route.answer(request);
  } catch (error) {
    if (error instanceof ClientGoneError) return;
    reply = unhandled(error);
  }
  settle(parts, { path: route.path, method: request.method }, response, reply, cors);
}

/** Logs why, once, when the answer hides a failure; then sends it. The URL is not logged: it may carry a token. */
function settle(
  { logger }: HttpParts,
  { path, method }: { readonly path: string; readonly method: string },
  response: Response,
  reply: Reply,
  cors: Readonly<Record<string, string>> = {},
): void {
  if (reply.failure !== undefined) {
    const fields = { method, path, status: reply.status, error: reply.failure };
    if (reply.status >= 500) logger.error('http_failed', fields);
    else logger.info('http_refused', fields);
  }
  send(response, reply, cors);
}

/** A path of ours but for slashes at its end: 307 to the address without them, as Starlette words it. */
function withoutSlash(request: Request, paths: ReadonlySet<string>): Reply | undefined {
  const path = request.path.replace(/\/+$/, '');
  if (path === request.path || !paths.has(path)) return undefined;
  const query = /\?.+/.exec(request.url)?.[0] ?? '';
  const { host } = request.headers;
  const url = `${host === undefined ? '' : `http://${host}`}${path}${query}`;
  const location = url.replace(/[^\w.~\-:/%#?=@[\]!$&'()*+,;]/g, encodeURIComponent);
  return { status: 307, text: '', headers: { location } };
}
