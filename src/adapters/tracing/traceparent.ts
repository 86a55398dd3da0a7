/** The header `traceparent` (W3C Trace Context, section 3.2). */
import { isSpanContextValid, type SpanContext } from '@opentelemetry/api';

const form = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const sampled = 1;

/** `undefined`: it names no trace. A later version's is read as this one's, as the standard asks. */
export function readTraceparent(value: unknown): SpanContext | undefined {
  if (typeof value !== 'string' || value.length > 256) return undefined;
  const [, traceId = '', spanId = '', flags = '0', more] = form.exec(value) ?? [];
  if (more !== undefined && value.startsWith('00')) return undefined;
  const traceFlags = Number.parseInt(flags, 16) & sampled;
  const context = { traceId, spanId, traceFlags, isRemote: true };
  return isSpanContextValid(context) ? context : undefined;
}

export function writeTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & sampled).toString(16).padStart(2, '0')}`;
}
