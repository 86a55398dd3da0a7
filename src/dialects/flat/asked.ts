/** What a reply to a flat frame must quote of it, and how a flat frame is refused. */
import { SignalingError, type ErrorCode } from '../../protocol/errors.js';
import type { Ask } from '../../protocol/messages.js';
import type { JsonObject } from '../../protocol/records.js';
import type { DecodedRefusal } from '../dialect.js';

/** An `id` longer than this is not quoted back. */
const maxIdChars = 64;

export function askOf(verb: string, answered: boolean, { id }: JsonObject): Ask {
  if (id === undefined) return { verb, answered };
  if (typeof id === 'string' && id.length <= maxIdChars) return { verb, id, answered };
  return { verb, answered, unquotable: true };
}

export function refusal(code: ErrorCode, text: string, endsQuiet: boolean, ask?: Ask): DecodedRefusal {
  return { error: new SignalingError(code, text), endsQuiet, ...(ask === undefined ? {} : { ask }) };
}
