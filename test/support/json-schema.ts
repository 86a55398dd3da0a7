import { z } from 'zod';

/** JSON Schema as a document has it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The same, read back, and with nothing in it that it does not name: what is served must be told of. */
export function closedSchema(schema: JsonSchema): z.ZodType {
  return z.fromJSONSchema(closed(schema) as Parameters<typeof z.fromJSONSchema>[0]);
}

function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const inside = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, closed(one)]));
  const isObject = 'properties' in value && !('additionalProperties' in value);
  return isObject ? { ...inside, additionalProperties: false } : inside;
}
