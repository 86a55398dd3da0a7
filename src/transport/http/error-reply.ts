/** Refusals in S2's shape: `{error}`, with `details` where a field is wrong. */
import { SignalingError } from '../../protocol/errors.js';
import type { Json } from '../../protocol/records.js';
import { jsonReply, type Reply } from './reply.js';
import { ClientGoneError } from './request-body.js';

/** How soon a client may try again when a service behind us did not answer. */
const retryAfterS = 5;

export function errorReply(
  status: number,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return jsonReply(status, { error }, headers);
}

/** 401: nothing was proved that would have to be. */
export function unauthorized(error: string): Reply {
  return errorReply(401, error, { 'www-authenticate': 'Bearer' });
}

/** The answer to whatever a route has thrown. A `SignalingError`'s text is safe to show, any other's is not (D13). */
export function errorReplyTo(failure: unknown): Reply {
  if (failure instanceof ClientGoneError) throw failure;
  if (!(failure instanceof SignalingError)) return { ...errorReply(500, 'Internal Server Error'), failure };
  const { code, message, httpStatus, fields, retryable } = failure;
  if (code === 'INVALID_TOKEN') {
    return { ...unauthorized(`Token verification failed: ${message}`), failure };
  }
  if (fields !== undefined) {
    const details: Record<string, Json> = {};
    for (const [path, faults] of Object.entries(fields)) details[path] = faults.join('; ');
    return jsonReply(httpStatus, { error: 'Validation failed', details });
  }
  const isOutage = httpStatus === 503 && retryable;
  const reply = errorReply(httpStatus, message, isOutage ? { 'retry-after': String(retryAfterS) } : {});
  return isOutage ? { ...reply, failure } : reply;
}
