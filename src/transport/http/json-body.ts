/** FastAPI's reading of a body that must be a JSON object, as the Python server's clients know it. */
import type { IncomingMessage } from 'node:http';
import type { Json, JsonObject } from '../../protocol/records.js';
import { pythonJsonError } from './python-json-error.js';
import { detailReply, faultReply, type Reply } from './reply.js';
import { maxBodyBytes, readBody } from './request-body.js';

/** An object, or the answer to what was not one. */
export type JsonBody = { readonly object: JsonObject } | { readonly refused: Reply };

/** Past its recursion limit CPython gives up on a text; measured on 3.11. */
const maxNesting = 995;

const unreadable = detailReply(400, 'There was an error parsing the body');

/** Reads and judges the body. Rejects with `ClientGoneError`. Call it in the turn the request came in. */
export async function readJsonBody(request: IncomingMessage): Promise<JsonBody> {
  const bytes = await readBody(request);
  if (bytes === 'too big') {
    return { refused: detailReply(413, `The request body is larger than ${String(maxBodyBytes)} bytes`) };
  }
  return judge(bytes, request.headers['content-type']);
}

function judge(bytes: Buffer, contentType: string | undefined): JsonBody {
  if (bytes.length === 0) return missing();
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: !isJson(contentType) }).decode(bytes);
  } catch {
    return { refused: unreadable };
  }
  if (!isJson(contentType)) return notAnObject(text);
  if (nesting(text) > maxNesting) return { refused: unreadable };
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    return { refused: malformed(text, error) };
  }
  if (value === null) return missing();
  return isObject(value) ? { object: value } : notAnObject(value);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** No content type at all counts as JSON; so does any `application/*+json`. */
function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType === '') return true;
  const [mediaType = ''] = contentType.split(';');
  const [main, sub, ...rest] = mediaType.trim().toLowerCase().split('/');
  return main === 'application' && rest.length === 0 && (sub === 'json' || sub?.endsWith('+json') === true);
}

/** How deep brackets nest, those in strings aside; what is not JSON may be miscounted. */
function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '[' || char === '{') {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (char === ']' || char === '}') depth -= 1;
  }
  return deepest;
}

function missing(): JsonBody {
  return { refused: faultReply({ type: 'missing', loc: ['body'], msg: 'Field required', input: null }) };
}

function notAnObject(input: Json): JsonBody {
  const msg = 'Input should be a valid dictionary';
  return { refused: faultReply({ type: 'dict_type', loc: ['body'], msg, input }) };
}

function malformed(text: string, failure: unknown): Reply {
  const fault = pythonJsonError(text);
  if (fault === undefined) throw failure;
  return faultReply({
    type: 'json_invalid',
    loc: ['body', fault.offset],
    msg: 'JSON decode error',
    input: {},
    ctx: { error: fault.message },
  });
}
