/** What operators and load balancers ask: alive, ready, how much (D5). */
import type { Request } from 'express';
import type { HttpParts } from './desk.js';
import { refuseStranger } from './operator-gate.js';
import { jsonReply, type Reply } from './reply.js';
import type { Route } from './route.js';

/** Version 2.0 of the Python server; its clients read it. */
const protocolVersion = '2.0.0';

export function opsRoutes(parts: HttpParts): readonly Route[] {
  return [
    { path: '/health', method: 'GET', answer: health },
    { path: '/healthz', method: 'GET', answer: () => jsonReply(200, { status: 'ok' }) },
    { path: '/readyz', method: 'GET', answer: () => readiness(parts) },
    { path: '/metrics', method: 'GET', answer: (request) => metrics(parts, request) },
  ];
}

function health(): Reply {
  return jsonReply(200, { status: 'healthy', timestamp: pythonNow(), version: protocolVersion });
}

async function readiness({ desk }: HttpParts): Promise<Reply> {
  const reasons = await desk.notReady();
  if (reasons.length === 0) return jsonReply(200, { status: 'ready' });
  // Degraded: those who are in are served on, but nobody new should be sent here.
  const status = reasons.includes('draining') ? 'not ready' : 'degraded';
  return jsonReply(503, { status, reasons });
}

/** Prometheus text, unless JSON is asked for by name: then the counts of version 2.0. */
async function metrics(
  { desk, tally, renderMetrics, settings, audit }: HttpParts,
  request: Request,
): Promise<Reply> {
  const refusal = refuseStranger(request, settings, audit);
  if (refusal !== undefined) return refusal;
  const headers = { vary: 'Accept, Origin' };
  if (request.accepts(['text/plain', 'application/json']) !== 'application/json') {
    const { contentType, text } = await renderMetrics();
    return { status: 200, contentType, text, headers };
  }
  const { rooms, sessions, peersByRole } = desk.stats();
  const counts = {
    timestamp: pythonNow(),
    active_rooms: rooms,
    // Version 2.0 counts the peers in rooms here, not the sockets.
    active_connections: sessions,
    peers_by_role: peersByRole,
    total_connections: tally.connections_opened,
    total_messages: tally.frames_received,
    rooms_created: tally.rooms_created,
  };
  return jsonReply(200, counts, headers);
}

/** The time as Python's `utcnow().isoformat()` writes it: UTC, six digits of a second, no zone. */
function pythonNow(): string {
  return `${new Date().toISOString().slice(0, -1)}000`;
}
