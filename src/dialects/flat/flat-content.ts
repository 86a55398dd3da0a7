/** What a flat signal says, and how a signal of another dialect is said in flat. */
import type { SignalEvent } from '../../protocol/messages.js';
import type { JsonObject } from '../../protocol/records.js';
import { candidateFields, candidateIn, descriptionIn, isRecord, without } from '../content-parts.js';
import type { Content } from '../content.js';
import { fromPeerId } from '../peer-key.js';

/** Who speaks to whom, in this dialect's spelling and in S1's. */
const routing: readonly string[] = ['type', 'sender', 'senderId', 'target', 'to'];

const descriptionFields: readonly string[] = [...routing, 'sdp'];
const trickleFields: readonly string[] = [...routing, ...candidateFields];

/** A notice that has these fields and no others keeps what it says in `payload`. */
const noticeFields: readonly string[] = [...routing, 'id'];

/** A flat frame was never validated: what is odd is read as far as it goes. */
export function readFlatContent({ kind, body }: SignalEvent): Content {
  switch (kind) {
    case 'offer':
    case 'answer': {
      const { sdp, extras } = descriptionIn(body['sdp']);
      return { kind, sdp, rest: { ...extras, ...without(body, descriptionFields) } };
    }
    case 'candidate': {
      const { candidate, extras } = candidateIn(body['candidate'], body);
      return { kind, candidate, rest: { ...extras, ...without(body, trickleFields) } };
    }
    case 'notice': {
      const { type, payload } = body;
      const others = without(body, noticeFields);
      const isWrapped = isRecord(payload) && Object.keys(others).length === 1;
      return { kind, name: typeof type === 'string' ? type : '', payload: isWrapped ? payload : others };
    }
  }
}

/** The frame's object. Own fields first, as the Python server's peers send them. */
export function writeFlatContent(event: SignalEvent, content: Content): JsonObject {
  const own = {
    type: content.kind === 'notice' ? content.name : content.kind,
    sender: fromPeerId(event.from),
    ...(event.to === undefined ? {} : { target: fromPeerId(event.to) }),
  };
  switch (content.kind) {
    case 'offer':
    case 'answer':
      return { ...own, sdp: content.sdp, ...without(content.rest, descriptionFields) };
    case 'candidate':
      return { ...own, candidate: { ...content.candidate }, ...without(content.rest, trickleFields) };
    case 'notice':
      return { ...own, payload: content.payload };
  }
}
