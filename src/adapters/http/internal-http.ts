import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { withinDeadline } from '../deadline.js';
import { wellFormed } from '../well-formed.js';
import type { Traces } from '../../ports/telemetry.js';

export interface InternalHttpSettings {
  /** `http:` or `https:`; what is asked for is put behind its path. */
  readonly baseUrl: string;
  /** The service's key, sent with every request. A SECRET. */
  readonly key: string;
  /** Bound of one request, the reading of its answer included. */
  readonly timeoutMs: number;
  /** The trace that is handed on with each request, where there is one. */
  readonly traces?: Traces | undefined;
  /** An answer's body may be so big; 1 MiB unless told. */
  readonly maxAnswerBytes?: number;
}

export interface InternalRequest {
  /** Becomes JSON. */
  readonly body?: unknown;
  /** Those that are `undefined` are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface InternalAnswer {
  readonly status: number;
  /** `undefined`: there was none. Whoever reads it checks it. */
  readonly body: unknown;
}

export type InternalMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Shorter than servers keep an idle connection, so that none is used that they are about to close. */
const IDLE_MS = 4000;

/** The service answered, but not with JSON of a bearable size: `status` is all that is known. */
export class UnreadableAnswer extends Error {
  constructor(
    readonly status: number,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`the service answered ${String(status)} with ${reason}`, options);
    this.name = 'UnreadableAnswer';
  }
}

/** One part of a path. Throws at `.` and `..`, which no encoding makes names. */
export function pathPart(id: string): string {
  if (id === '.' || id === '..' || id === '') throw new Error('an id that cannot be part of a path');
  return encodeURIComponent(wellFormed(id));
}

/**
 * Asks one of our services: JSON over HTTP, with the internal key, over connections that are kept. Nothing is tried
 * again, because only the caller knows what may be; no redirect is followed, because the key is not for others.
 */
export class InternalHttp {
  readonly #settings: InternalHttpSettings;
  readonly #base: string;
  readonly #maxBytes: number;
  readonly #agent: http.Agent;

  constructor(settings: InternalHttpSettings) {
    this.#settings = settings;
    this.#base = settings.baseUrl.replace(/(?<!\/)\/+$/, '');
    this.#maxBytes = settings.maxAnswerBytes ?? 1024 * 1024;
    const options = { keepAlive: true, timeout: IDLE_MS };
    this.#agent = this.#base.startsWith('https:') ? new https.Agent(options) : new http.Agent(options);
  }

  /**
   * Resolves to the answer whatever its status. `path` begins with a slash, its parts encoded (`pathPart`).
   * Rejects with an `Error` when there is none in time, with an `UnreadableAnswer` when it is not JSON or too big.
   */
  async request(
    method: InternalMethod,
    path: string,
    { body, query = {}, headers = {}, timeoutMs = this.#settings.timeoutMs }: InternalRequest = {},
  ): Promise<InternalAnswer> {
    const url = new URL(this.#base + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const text = body === undefined ? undefined : JSON.stringify(body);
    const traceparent = this.#settings.traces?.current();
    return withinDeadline(timeoutMs, async (signal) => {
      const asked = {
        method,
        signal,
        agent: this.#agent,
        headers: {
          ...headers,
          ...(traceparent !== undefined && { traceparent }),
          accept: 'application/json',
          'x-internal-service-key': this.#settings.key,
          ...(text !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
          }),
        },
      };
      const answer = await send(url, asked, text);
      const status = answer.statusCode ?? 0;
      return { status, body: parse(status, await this.#read(status, answer)) };
    });
  }

  async #read(status: number, answer: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    // Leaving the loop early ends the connection.
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > this.#maxBytes)
        throw new UnreadableAnswer(status, `more than ${String(this.#maxBytes)} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString();
  }
}

function send(url: URL, asked: http.RequestOptions, text: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).request(url, asked, resolve);
    request.on('error', reject);
    request.end(text);
  });
}

/** `JSON.parse` quotes what it cannot read, and that is nobody's to log. */
function parse(status: number, text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreadableAnswer(status, 'something that is not JSON');
  }
}
