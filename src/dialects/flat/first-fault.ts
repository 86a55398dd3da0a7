import { z } from 'zod';
import { isRecord } from '../content-parts.js';
import type { Json } from '../../protocol/records.js';
import { safeParse } from '../../protocol/safe-parse.js';

export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * The first part of a value that its schema does not take. The schema itself lists all of them, at some microseconds
 * each, which lets a small frame hold everybody up; who has one that is not found here has few. Recurses as deep as the
 * schema does.
 */
export function firstFault(
  schema: z.core.$ZodType,
  value: Json | undefined,
  path: readonly PropertyKey[],
): Fault | undefined {
  if (schema instanceof z.ZodOptional) {
    return value === undefined ? undefined : firstFault(schema.unwrap(), value, path);
  }
  for (const [name, part, of] of partsOf(schema, value)) {
    const fault = firstFault(of, part, [...path, name]);
    if (fault !== undefined) return fault;
  }
  if (isContainer(schema, value)) return undefined;
  const issue = safeParse(schema, value).error?.issues[0];
  return issue === undefined ? undefined : { path: [...path, ...issue.path], message: issue.message };
}

/** A name that is refused may be long, and is told. */
const maxNameChars = 32;

type Part = readonly [name: string, value: Json | undefined, schema: z.core.$ZodType];

function isContainer(schema: z.core.$ZodType, value: Json | undefined): boolean {
  if (schema instanceof z.ZodArray) return Array.isArray(value);
  return (schema instanceof z.ZodObject || schema instanceof z.ZodRecord) && isRecord(value);
}

function* partsOf(schema: z.core.$ZodType, value: Json | undefined): Iterable<Part> {
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    for (const [at, item] of (value as readonly Json[]).entries()) yield [String(at), item, schema.element];
  } else if (schema instanceof z.ZodObject && isRecord(value)) {
    for (const [name, of] of Object.entries(schema.shape)) yield [name, value[name], of];
  } else if (schema instanceof z.ZodRecord && isRecord(value)) {
    for (const [name, item] of Object.entries(value)) {
      yield [name.slice(0, maxNameChars), name, schema.keyType];
      yield [name, item, schema.valueType];
    }
  }
}
