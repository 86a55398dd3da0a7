import { z } from 'zod';

const malformed = z.custom<never>(() => false);

/**
 * zod's own, which throws at what has a `length` that is no number: it measures whatever has one, of the wrong type too. That
 * is malformed like anything else.
 */
export function safeParse<Schema extends z.core.$ZodType>(
  schema: Schema,
  value: unknown,
): z.ZodSafeParseResult<z.output<Schema>> {
  try {
    return z.safeParse(schema, value);
  } catch {
    return malformed.safeParse(value);
  }
}
