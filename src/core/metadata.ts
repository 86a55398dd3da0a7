import type { Json, JsonObject } from '../protocol/records.js';

/** Metadata is kept for every peer and listed to every newcomer, so each is small: bytes of its JSON as Python writes it. */
export const maxMetadataChars = 4_096;
/** Deeper nesting would overflow the stack of whoever writes it out. */
const maxDepth = 32;

/** May this be kept? Looks at the depth first, because measuring the length of something deep is itself a hazard. */
export function isStorable(metadata: JsonObject): boolean {
  return isShallow(metadata) && escapedLength(JSON.stringify(metadata)) <= maxMetadataChars;
}

/** What is beyond ASCII is escaped in six characters. */
function escapedLength(json: string): number {
  let length = json.length;
  for (let at = 0; at < json.length; at += 1) if (json.charCodeAt(at) > 0x7e) length += 5;
  return length;
}

function isShallow(value: JsonObject): boolean {
  let level: Json[] = [value];
  for (let depth = 0; depth < maxDepth; depth += 1) {
    level = level.flatMap((item): Json[] =>
      typeof item === 'object' && item !== null ? Object.values(item) : [],
    );
    if (level.length === 0) return true;
  }
  return false;
}
