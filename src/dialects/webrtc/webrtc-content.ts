import type { SignalEvent } from '../../protocol/messages.js';
import { candidateFields, candidateIn, descriptionIn, isRecord, without } from '../content-parts.js';
import type { Content } from '../content.js';
import { withoutStamp } from './envelope.js';
import { kindOf } from './name.js';
import { withOwnUser } from './notice-payload.js';

/** What is said otherwise. A `type` would pass for another one where fields lie flat. */
const routing: readonly string[] = ['type', 'target_user_id'];
const descriptionFields: readonly string[] = [...routing, 'sdp'];
const trickleFields: readonly string[] = [...routing, ...candidateFields];

/**
 * What a signal says whose frame is of this dialect, in either spelling. `rest` has what else its payload and its
 * envelope carried, `id` among that.
 */
export function readWebrtcContent(event: SignalEvent): Content {
  const { type, payload: given, ...around } = event.body;
  const payload = isRecord(given) ? given : {};
  const fields = { ...payload, ...withoutStamp(around) };
  switch (event.kind) {
    case 'notice': {
      const name = (typeof type === 'string' ? kindOf(type) : undefined) ?? '';
      return { kind: 'notice', name, payload: withOwnUser(name, payload, event.from) };
    }
    case 'candidate': {
      const { candidate, extras } = candidateIn(payload['candidate'], payload);
      return { kind: 'candidate', candidate, rest: { ...extras, ...without(fields, trickleFields) } };
    }
    case 'offer':
    case 'answer': {
      const { sdp } = descriptionIn(payload['sdp']);
      return { kind: event.kind, sdp, rest: without(fields, descriptionFields) };
    }
  }
}
