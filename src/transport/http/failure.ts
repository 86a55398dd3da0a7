import { errorTable, SignalingError } from '../../protocol/errors.js';
import { detailReply, type Reply } from './reply.js';

/** How soon a client may try again when a service behind us did not answer. */
const retryAfterS = 5;

/** What the Python server says when a handler throws; never why (D13). */
export function unhandled(failure: unknown): Reply {
  return {
    status: 500,
    contentType: 'text/plain; charset=utf-8',
    text: 'Internal Server Error',
    failure,
  };
}

/** The answer to whatever a route that verifies a token rejects with. */
export function refusal(failure: unknown): Reply {
  if (!(failure instanceof SignalingError)) return unhandled(failure);
  switch (failure.code) {
    case 'INVALID_TOKEN':
      return { ...detailReply(failure.httpStatus, `Token verification failed: ${failure.message}`), failure };
    case 'FORBIDDEN':
    case 'MEDIA_UNAVAILABLE':
      return { ...detailReply(failure.httpStatus, failure.message), failure };
    case 'IDENTITY_UNAVAILABLE': {
      const detail = 'Token verification failed: the identity service did not answer, try again';
      return { ...detailReply(failure.httpStatus, detail, { 'retry-after': String(retryAfterS) }), failure };
    }
    default:
      return unhandled(failure);
  }
}

/** The answer when nobody could be signed in. A port's message is safe to show, any other is not (D13). */
export function signInRefusal(failure: unknown): Reply {
  const reason = failure instanceof SignalingError ? failure.message : errorTable.IDENTITY_UNAVAILABLE.text;
  return { ...detailReply(500, `Anonymous sign-in failed: ${reason}`), failure };
}
