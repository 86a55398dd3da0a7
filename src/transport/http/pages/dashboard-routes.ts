/** What the dashboard draws: for the operator only, read-only, and never by a cookie (SPEC H13 to H15). */
import { isIP } from 'node:net';
import type { Request } from 'express';
import type { Secret } from '../../../protocol/secret.js';
import type { HttpParts } from '../desk.js';
import { refuseStranger } from '../operator-gate.js';
import { detailReply, jsonReply, type Reply } from '../reply.js';
import type { Route } from '../route.js';
import type { PageParts } from './page-parts.js';

/** Of more rooms the smallest are left out. */
const maxRooms = 100;
/** However many watch, the figures are gathered about once a second. */
const maxAgeMs = 900;

const headers = { 'cache-control': 'no-store', vary: 'Authorization, Sec-Fetch-Site, Origin' };

export function dashboardRoutes(parts: HttpParts, pages: PageParts): readonly Route[] {
  let gathered: { readonly atMs: number; readonly reply: Promise<Reply> } | undefined;
  const answer = (request: Request): Promise<Reply> | Reply => {
    const refusal =
      refuseOtherSites(request, parts.settings.adminToken) ??
      refuseStranger(request, parts.settings, parts.audit);
    if (refusal !== undefined) return { ...refusal, headers: { ...headers, ...refusal.headers } };
    const nowMs = performance.now();
    if (gathered === undefined || nowMs - gathered.atMs > maxAgeMs) {
      gathered = { atMs: nowMs, reply: figures(parts, pages) };
    }
    return gathered.reply;
  };
  return [{ path: '/dashboard/data', method: 'GET', answer }];
}

/**
 * A page of another site must not read it through the operator's browser. Who shows no token is known by its address
 * alone, so the page must not have come by a name either, which its owner may point at this address (DNS rebinding).
 */
function refuseOtherSites({ headers: sent }: Request, adminToken: Secret | undefined): Reply | undefined {
  const site = sent['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return noted(detailReply(403, 'Other sites may not read this'));
  }
  const isByToken = adminToken !== undefined && /^Bearer ./i.test(sent.authorization ?? '');
  if (isByToken || isByAddress(sent.host)) return undefined;
  const remedy = 'Without a token it is shown by address or as localhost only, not by a name';
  if (adminToken === undefined) return noted(detailReply(403, `${remedy}: set ADMIN_TOKEN to use this one`));
  const challenge = { 'www-authenticate': 'Bearer realm="operator"' };
  return noted(detailReply(401, `${remedy}: send ADMIN_TOKEN as Authorization: Bearer`, challenge));
}

/** The gate, which keeps the trail, has not been asked. */
function noted(reply: Reply): Reply {
  return { ...reply, noted: { event: 'operator_refused', fields: { code: String(reply.status) } } };
}

function isByAddress(host: string | undefined): boolean {
  const name = /^\[?(.*?)\]?(?::\d+)?$/.exec(host ?? '')?.[1] ?? '';
  return name === '' || name.toLowerCase() === 'localhost' || isIP(name) !== 0;
}

async function figures({ desk, renderMetrics }: HttpParts, pages: PageParts): Promise<Reply> {
  const [metrics, notReady] = await Promise.all([renderMetrics(), desk.notReady()]);
  const body = {
    at_ms: Date.now(),
    not_ready: notReady,
    decisions: pages.decisions,
    rooms: pages.roomsHere(maxRooms).map(({ roomId, mode, here, elsewhere }) => ({
      room_id: roomId,
      mode,
      peers_here: here,
      peers_elsewhere: elsewhere,
    })),
    metrics: metrics.text,
  };
  return jsonReply(200, body, headers);
}
