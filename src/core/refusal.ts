import { SignalingError, type ErrorCode } from '../protocol/errors.js';
import type { PeerId } from '../protocol/ids.js';
import type { Ask } from '../protocol/messages.js';
import type { Context } from './context.js';
import type { Seat, Session } from './session.js';

/** So many malformed frames without a good one between them end the socket. */
const maxStrikes = 32;

const malformed: ReadonlySet<ErrorCode> = new Set([
  'INVALID_JSON',
  'INVALID_MESSAGE',
  'UNKNOWN_MESSAGE_TYPE',
  'MISSING_FIELDS',
]);

/**
 * Says no. A quiet session hears of it only when it asked with a verb that promises an answer (the rule of
 * parity); everybody else is told why. Repeated nonsense ends the socket of those who can be told.
 */
export function refuse(
  context: Context,
  session: Session,
  error: SignalingError,
  ask: Ask | undefined,
): void {
  const told = sayNo(context, session, error, ask) ? 'yes' : 'no';
  context.tally.metrics.families.refusals.add({ code: error.code, told });
}

/** The same, of what is counted elsewhere. True: the peer is told. */
export function sayNo(
  { logger }: Context,
  session: Session,
  error: SignalingError,
  ask: Ask | undefined,
): boolean {
  if (session.state.quiet && ask?.answered !== true) {
    if (!session.silentRefusalLogged) {
      session.silentRefusalLogged = true;
      logger.info('refused_silently', { session: session.id, code: error.code });
    }
    return false;
  }
  session.tell({ type: 'refused', error }, ask);
  strike(session, error);
  return true;
}

/** Nonsense is counted, of those who can be told. */
export function strike(session: Session, { code }: SignalingError): void {
  if (!malformed.has(code) || session.state.quiet) return;
  session.strikes += 1;
  if (session.strikes >= maxStrikes) session.sink.close('malformed');
}

export function nobodyThere(to: PeerId): SignalingError {
  return new SignalingError('PEER_NOT_FOUND', `No peer ${shown(to)} in this room just now.`);
}

export function notHost({ room }: Seat): SignalingError {
  const host = room.host === undefined ? '' : ` It is ${shown(room.host)}.`;
  return new SignalingError('NOT_HOST', `Only the host of the room may do that.${host}`);
}

export function notReached(to: PeerId): SignalingError {
  const text = `The node that serves ${shown(to)} does not answer just now: send it again in a moment.`;
  return new SignalingError('PEER_UNREACHABLE', text);
}

function shown(peerId: PeerId): string {
  return peerId.length > 64 ? `${peerId.slice(0, 64)}…` : peerId;
}
