/** Signals out, whatever dialect they came in. */
import type { SignalEvent } from '../../protocol/messages.js';
import type { Json, JsonObject } from '../../protocol/records.js';
import { contentOf } from '../content-of.js';
import { isRecord } from '../content-parts.js';
import type { Content } from '../content.js';
import type { Scope } from '../dialect.js';
import { noticeNames } from '../notice-names.js';
import { fromPeerId } from '../peer-key.js';
import { stamp } from './envelope.js';
import { isWebrtcName, kindOf, spell, type Spelling } from './name.js';
import { withOwnUser } from './notice-payload.js';

/** All five keys of the envelope are there, and whom it is from, where and when are the server's word. */
export function signalText(event: SignalEvent, spelling: Spelling, scope: Scope): Buffer | string {
  const { frame } = event;
  const seal = stamp(event.from, scope);
  if (frame === undefined || !isWebrtcName(frame.dialect)) return fromContent(event, spelling, seal);
  const isReadable = frame.dialect === spelling || event.kind === 'offer' || event.kind === 'answer';
  if (isReadable && frame.isSigned) return frame.bytes;
  const { body } = event;
  const kind = typeof body['type'] === 'string' ? kindOf(body['type']) : undefined;
  const payload = ownPayload(event, kind, body['payload']);
  if (isReadable && payload === body['payload']) return spliced(frame.bytes, seal);
  return JSON.stringify({ ...body, type: spell(kind ?? event.kind, spelling), payload, ...seal });
}

/** The same payload when it says of nobody else what is its sender's own. */
function ownPayload(event: SignalEvent, kind: string | undefined, payload: Json | undefined): JsonObject {
  if (!isRecord(payload)) return {};
  return event.kind === 'notice' ? withOwnUser(kind ?? '', payload, event.from) : payload;
}

const closeBrace = 0x7d;

/** The bytes as they came, with the stamp put behind them: nothing else is touched, numbers stay as they were. */
function spliced(bytes: Buffer, seal: JsonObject): Buffer {
  const tail = Buffer.from(`,${JSON.stringify(seal).slice(1)}`);
  return Buffer.concat([bytes.subarray(0, bytes.lastIndexOf(closeBrace)), tail]);
}

function fromContent(event: SignalEvent, spelling: Spelling, seal: JsonObject): string {
  const content = contentOf(event);
  const target = event.to === undefined ? {} : { target_user_id: fromPeerId(event.to) };
  const [kind, payload, around] = said(content, event);
  return JSON.stringify({
    ...around,
    type: spell(kind, spelling),
    payload: { ...payload, ...target },
    ...seal,
  });
}

/** The kind, its payload, and what stands beside it. An `id` stands there, where this dialect has it. */
function said(content: Content, { from }: SignalEvent): readonly [string, JsonObject, JsonObject] {
  if (content.kind === 'notice') {
    const { name, payload } = content;
    const isOwn = noticeNames.get(name)?.own === true;
    return [name, isOwn ? { ...payload, user_id: fromPeerId(from) } : payload, {}];
  }
  const { id, ...rest } = content.rest;
  const around = id === undefined ? {} : { id };
  if (content.kind === 'candidate') return ['ice_candidate', { ...rest, ...content.candidate }, around];
  return [content.kind, { ...rest, sdp: content.sdp, type: content.kind }, around];
}
