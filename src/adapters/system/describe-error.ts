import { types } from 'node:util';
import { SignalingError } from '../../protocol/errors.js';
import { withoutSecrets } from '../../protocol/secret.js';

/** An id or a text of a client is not written at greater length. */
export const maxLogChars = 256;

const maxMessageChars = 1_000;
const maxCauses = 4;

/**
 * Name, code, text and stack of an error and of its causes. Not its other properties: a vendor's error may carry
 * the request that failed, and with it a token.
 */
export function describeError(error: unknown, depth = 0): unknown {
  if (!isError(error)) {
    return typeof error === 'string' ? safe(error) : typeof error;
  }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const parts: readonly unknown[] = error instanceof AggregateError ? error.errors.slice(0, maxCauses) : [];
  const deeper = depth < maxCauses;
  return {
    name: error.name,
    ...code,
    message: safe(error.message),
    // Where a client was refused says nothing of the client, and a flood of it is ten times as long.
    stack:
      depth === 0 && !isRefusal(error) && error.stack !== undefined
        ? safe(error.stack, 4 * maxMessageChars)
        : undefined,
    ...(deeper && parts.length > 0 ? { errors: parts.map((part) => describeError(part, depth + 1)) } : {}),
    ...(deeper && error.cause !== undefined ? { cause: describeError(error.cause, depth + 1) } : {}),
  };
}

function isRefusal(error: Error): boolean {
  return error instanceof SignalingError && error.httpStatus < 500;
}

/** Those of another realm of this process too. */
function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

function safe(text: string, most = maxMessageChars): string {
  return withoutSecrets(text, most);
}
