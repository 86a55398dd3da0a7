import type { Json } from '../../protocol/records.js';

const nonAscii = /[\u007f-\uffff]/g;

/** Writes JSON as CPython's `json.dumps` does: `", "` and `": "` between, everything beyond ASCII escaped. */
export function pythonJson(value: Json): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(pythonJson).join(', ')}]`;
  const entries = Object.entries(value).map(([key, item]) => `${quote(key)}: ${pythonJson(item)}`);
  return `{${entries.join(', ')}}`;
}

function quote(text: string): string {
  return JSON.stringify(text).replace(
    nonAscii,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
