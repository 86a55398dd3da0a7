/** The HTTP face: the routes of the Python server, what its later versions added, rooms, ICE servers, and operations. */
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { SignalingError } from '../../protocol/errors.js';
import { clientAddress } from '../client-address.js';
import { credentialOf } from '../credential.js';
import { retryAfter, tooMany, type Asker } from './asker.js';
import { authRoutes } from './auth-routes.js';
import { corsHeaders, isPreflight, preflightHeaders } from './cors.js';
import type { HttpParts } from './desk.js';
import { unhandled } from './failure.js';
import { iceRoutes } from './ice-routes.js';
import { internalRoutes } from './internal-routes.js';
import { byPath, type MethodRoute, type PathRoutes } from './method-routes.js';
import { opsRoutes } from './ops-routes.js';
import { documentRoutes } from './documents/document-routes.js';
import { dashboardRoutes } from './pages/dashboard-routes.js';
import { pageRoutes } from './pages/page-routes.js';
import { detailReply, send, type Reply } from './reply.js';
import { ClientGoneError, discardBody } from './request-body.js';
import { roomRoutes } from './room-routes.js';
import { roomsApiRoutes } from './rooms-api-routes.js';
import { isSecure } from './scheme.js';
import { securityHeaders } from './security-headers.js';

/** `isGuest`: on the Express app of somebody else, who answers what is not ours. */
export function createHttpApp(parts: HttpParts, isGuest = false): Express {
  const paths = pathsOf(parts);
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.enable('case sensitive routing').enable('strict routing');
  const secure = securityHeaders(parts.settings.trustedProxies, isGuest);
  // What is not ours to answer goes through a guest untouched.
  if (!isGuest) app.use(secure);
  for (const path of paths) {
    if (isGuest) app.all(path.path, secure);
    app.all(path.path, (request, response) => {
      discardBody(request);
      return serve(parts, path, request, response);
    });
  }
  if (isGuest) return app;
  const literal = new Set(paths.filter(({ isLiteral }) => isLiteral).map(({ path }) => path));
  app.use((request, response) => {
    discardBody(request);
    send(response, withoutSlash(request, literal, parts) ?? detailReply(404, 'Not Found'));
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
  const { desk, settings, limiter, tally, pages } = parts;
  const { allowAnonymous, roomsPerMinute, iceRequestsPerMinute, internalServiceKey, maxPeersPerRoom } =
    settings;
  const asker: Asker = {
    limiter,
    tally,
    credentialOf: (request) => credentialOf(request, { ...settings, allowQueryToken: false })?.token,
    addressOf: (request) => clientAddress(request, settings.trustedProxies),
  };
  const routes: MethodRoute[] = [
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
  ];
  if (pages !== undefined) {
    routes.push(...pageRoutes(pages), ...dashboardRoutes(parts, pages));
    routes.push(...documentRoutes(routes, pages.dialects, pages.version));
  }
  return byPath(routes);
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
    const answer = (): Reply | Promise<Reply> =>
      route.limit === undefined ? route.answer(request) : limited(parts, route, request);
    const { traces } = parts;
    reply = await (traces === undefined
      ? answer()
      : traces.continueFrom(request.headers['traceparent'], answer));
  } catch (error) {
    if (error instanceof ClientGoneError) return;
    reply = unhandled(error);
  }
  const address = clientAddress(request, parts.settings.trustedProxies);
  note(parts, reply, address, path.path);
  reply = await inItsTime(parts, reply, address);
  settle(parts, { path: path.path, method: request.method, address }, response, reply, cors);
}

/** Who guesses at a key waits for the answer, like who shows bad tokens. A right key waits for nobody (SPEC L10). */
async function inItsTime({ desk }: HttpParts, reply: Reply, address: string): Promise<Reply> {
  if (reply.hasWrongKey !== true) return reply;
  const lateMs = await desk.wrongKey(address);
  return lateMs === 0 ? reply : { ...reply, headers: { ...reply.headers, ...retryAfter(lateMs) } };
}

/** What of an answer is worth knowing afterwards. */
function note({ audit }: HttpParts, { status, failure, noted }: Reply, address: string, path: string): void {
  if (noted !== undefined) audit.record(noted.event, { ...noted.fields, address });
  if (status === 429) audit.record('limit_reached', { address, code: path });
  if (failure instanceof SignalingError && failure.code === 'INVALID_TOKEN')
    audit.record('token_refused', { address, code: path });
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
  asked: { readonly path: string; readonly method: string; readonly address?: string },
  response: Response,
  reply: Reply,
  cors: Readonly<Record<string, string>> = {},
): void {
  if (reply.failure !== undefined) {
    const fields = { ...asked, status: reply.status, error: reply.failure };
    if (reply.status >= 500) logger.error('http_failed', fields);
    else logger.info('http_refused', fields);
  }
  send(response, reply, cors);
}

/** A path of ours but for slashes at its end: 307 to the address without them, as Starlette words it. */
function withoutSlash(
  request: Request,
  paths: ReadonlySet<string>,
  { settings }: HttpParts,
): Reply | undefined {
  // Looked for from the first of the slashes only: from each of them, thousands would take a tenth of a second.
  const path = request.path.replace(/(?<!\/)\/+$/, '');
  if (path === request.path || !paths.has(path)) return undefined;
  const query = /\?.+/.exec(request.url)?.[0] ?? '';
  const { host } = request.headers;
  // Who came by TLS is not sent to where its token would travel in the clear.
  const scheme = isSecure(request, settings.trustedProxies) ? 'https' : 'http';
  const url = `${host === undefined ? '' : `${scheme}://${host}`}${path}${query}`;
  const location = url.replace(/[^\w.~\-:/%#?=@[\]!$&'()*+,;]/g, encodeURIComponent);
  return { status: 307, text: '', headers: { location } };
}
