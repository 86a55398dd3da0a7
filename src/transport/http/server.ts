/** The HTTP face: the routes of the Python server, what its later versions added, rooms, ICE servers, and operations. */
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { clientAddress } from '../client-address.js';
import { credentialOf } from '../credential.js';
import { tooMany, type Asker } from './asker.js';
import { authRoutes } from './auth-routes.js';
import { corsHeaders, isPreflight, preflightHeaders } from './cors.js';
import type { HttpParts } from './desk.js';
import { unhandled } from './failure.js';
import { iceRoutes } from './ice-routes.js';
import { internalRoutes } from './internal-routes.js';
import { byPath, type PathRoutes } from './method-routes.js';
import { opsRoutes } from './ops-routes.js';
import { detailReply, send, type Reply } from './reply.js';
import { ClientGoneError, discardBody } from './request-body.js';
import { roomRoutes } from './room-routes.js';
import { roomsApiRoutes } from './rooms-api-routes.js';

/** `isGuest`: on the Express app of somebody else, who answers what is not ours. */
export function createHttpApp(parts: HttpParts, isGuest = false): Express {
  const paths = pathsOf(parts);
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.enable('case sensitive routing').enable('strict routing');
  for (const path of paths) {
    app.all(path.path, (request, response) => {
      discardBody(request);
      return serve(parts, path, request, response);
    });
  }
  if (isGuest) return app;
  const literal = new Set(paths.filter(({ isLiteral }) => isLiteral).map(({ path }) => path));
  app.use((request, response) => {
    discardBody(request);
    send(response, withoutSlash(request, literal) ?? detailReply(404, 'Not Found'));
  });
  const onError: ErrorRequestHandler = (error: unknown, request, response, next) => {
    if (response.headersSent) next(error);
    // Express could not decode a part of the path: no such path is served.
    else if (error instanceof URIError) send(response, detailReply(404, 'Not Found'));
    else settle(parts, { path: 'unknown', method: request.method }, response, unhandled(error));
  };
  app.use(onError);
  return app;
}

function pathsOf(parts: HttpParts): readonly PathRoutes[] {
  const { desk, settings, limiter, tally } = parts;
  const { allowAnonymous, roomsPerMinute, iceRequestsPerMinute, internalServiceKey, maxPeersPerRoom } =
    settings;
  const asker: Asker = {
    limiter,
    tally,
    credentialOf: (request) => credentialOf(request, { ...settings, allowQueryToken: false })?.token,
    addressOf: (request) => clientAddress(request, settings.trustedProxies),
  };
  return byPath([
    ...authRoutes(parts),
    ...roomRoutes(parts),
    ...opsRoutes(parts),
    ...iceRoutes({
      ...asker,
      desk,
      settings: { allowAnonymousIce: allowAnonymous, iceRequestsPerMinutePerIp: iceRequestsPerMinute },
    }),
    ...roomsApiRoutes({
      ...asker,
      rooms: desk.rooms,
      settings: { allowAnonymousRooms: allowAnonymous, roomsPerMinutePerIp: roomsPerMinute },
    }),
    ...internalRoutes({ rooms: desk.rooms, settings: { internalServiceKey, maxPeersPerRoom } }),
  ]);
}

async function serve(
  parts: HttpParts,
  path: PathRoutes,
  request: Request,
  response: Response,
): Promise<void> {
  const { allowedOrigins } = parts.settings;
  const cors = corsHeaders(request, allowedOrigins);
  const isAllowedOrigin = cors['access-control-allow-origin'] !== undefined;
  if (isAllowedOrigin && isPreflight(request)) {
    send(response, { status: 204, text: '', headers: preflightHeaders(path.methods) }, cors);
    return;
  }
  const route = path.routeFor(request.method);
  if (route === undefined) {
    send(response, detailReply(405, 'Method Not Allowed', { allow: path.methods }), cors);
    return;
  }
  let reply: Reply;
  try {
    // The body is asked for in the turn in which the request came; a limit is asked for first.
    reply = route.limit === undefined ? await route.answer(request) : await limited(parts, route, request);
  } catch (error) {
    if (error instanceof ClientGoneError) return;
    reply = unhandled(error);
  }
  settle(parts, { path: path.path, method: request.method }, response, reply, cors);
}

/** Routes that have a limit read no body. */
async function limited(
  { limiter, tally, settings }: HttpParts,
  { limit, answer }: NonNullable<ReturnType<PathRoutes['routeFor']>>,
  request: Request,
): Promise<Reply> {
  if (limit === undefined) return answer(request);
  const { isAllowed, retryAfterMs } = await limiter.take(
    limit,
    clientAddress(request, settings.trustedProxies),
  );
  if (isAllowed) return answer(request);
  tally.requests_limited += 1;
  return tooMany(retryAfterMs, 'detail');
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
