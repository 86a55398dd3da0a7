import type { ServerResponse } from 'node:http';
import type { AuditEvent, AuditFields } from '../../ports/audit.js';
import type { Json } from '../../protocol/records.js';

type Headers = Readonly<Record<string, string>>;

/** An answer before it is written. */
export interface Reply {
  readonly status: number;
  /** Absent when there is no body. */
  readonly contentType?: string;
  readonly text: string;
  readonly headers?: Headers;
  /** What went wrong, for the log; never shown. */
  readonly failure?: unknown;
  /** A key was shown, and it is not the right one. */
  readonly hasWrongKey?: boolean;
  /** For the audit trail, which adds the client's address. */
  readonly noted?: { readonly event: AuditEvent; readonly fields?: AuditFields };
}

/** Compact JSON and a content type without a charset, as the Python server's framework writes them. */
export function jsonReply(status: number, body: Json, headers: Headers = {}): Reply {
  return { status, contentType: 'application/json', text: JSON.stringify(body), headers };
}

/** `{"detail": …}`: the shape of every refusal. */
export function detailReply(status: number, detail: Json, headers: Headers = {}): Reply {
  return jsonReply(status, { detail }, headers);
}

/** One thing that was wrong with the request, as FastAPI lists it. */
export interface Fault {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input: Json;
  readonly ctx?: { readonly error: string };
}

/** 422 with one fault. */
export function faultReply({ type, loc, msg, input, ctx }: Fault): Reply {
  return detailReply(422, [{ type, loc, msg, input, ...(ctx && { ctx }) }]);
}

/** Writes the answer. Header names are lower-case on the wire, like the Python server's. */
export function send(response: ServerResponse, reply: Reply, more: Headers = {}): void {
  const body = Buffer.from(reply.text, 'utf8');
  response.writeHead(reply.status, {
    ...(reply.status !== 204 && { 'content-length': String(body.length) }),
    ...(reply.contentType !== undefined && { 'content-type': reply.contentType }),
    ...more,
    ...reply.headers,
  });
  response.end(body);
}
