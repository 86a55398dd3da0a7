import type { SignalEvent } from '../protocol/messages.js';
import type { JsonObject } from '../protocol/records.js';
import { isShallow, maxRewrittenBytes } from './content-parts.js';
import type { Content } from './content.js';
import { readFlatContent } from './flat/flat-content.js';
import { flatName } from './flat/name.js';
import { readGatewayContent } from './gateway/gateway-content.js';
import { gatewayName } from './gateway/name.js';
import { webrtcName, webrtcSnakeName } from './webrtc/name.js';
import { readWebrtcContent } from './webrtc/webrtc-content.js';

const readers: ReadonlyMap<string, (event: SignalEvent) => Content> = new Map([
  [flatName, readFlatContent],
  [gatewayName, readGatewayContent],
  [webrtcName, readWebrtcContent],
  [webrtcSnakeName, readWebrtcContent],
]);

/**
 * What a signal says, in whatever dialect it came: how each dialect gets at the signals of the others. Bodies are not
 * validated here, and none makes it throw: what cannot be read is empty.
 */
export function contentOf(event: SignalEvent): Content {
  const dialect = event.frame?.dialect ?? flatName;
  const content = (readers.get(dialect) ?? readFlatContent)(event);
  const room = event.frame?.bytes.length ?? 0;
  if (content.kind === 'notice') return { ...content, payload: writable(content.payload, room) };
  return { ...content, rest: writable(content.rest, room) };
}

/** What of it can be written anew; all of it but for hostile frames. `frameBytes`: the size of what it came in. */
function writable(fields: JsonObject, frameBytes: number): JsonObject {
  const entries = Object.entries(fields);
  const shallow = entries.filter(([, value]) => isShallow(value));
  const kept = shallow.length === entries.length ? fields : Object.fromEntries(shallow);
  if (frameBytes <= maxRewrittenBytes) return kept;
  return Buffer.byteLength(JSON.stringify(kept)) <= frameBytes ? kept : {};
}
