import { z } from 'zod';

/**
 * JSON Schema (draft 2020-12) of what goes over the wire. What is refused beyond it, and what a reader makes of it, cannot
 * be said there.
 */
export function jsonSchema(schema: z.ZodType): object {
  const made = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  // The document as a whole says which draft it is.
  return Object.fromEntries(Object.entries(made).filter(([key]) => key !== '$schema'));
}
