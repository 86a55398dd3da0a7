import type { AuditEvent, AuditFields } from '../ports/audit.js';
import type { Context } from './context.js';
import type { Seat, Session } from './session.js';

/** Something that a session did, or that befell it, goes into the audit trail, and into the log at `debug`. */
export function note(
  { audit, logger }: Pick<Context, 'audit' | 'logger'>,
  event: AuditEvent,
  session: Session,
  more: AuditFields = {},
  seat: Seat | undefined = seatOf(session),
): void {
  const { id, arrived } = session;
  const place = seat === undefined ? {} : { sub: seat.identity.sub, room: seat.room.id, peer: seat.peerId };
  const fields = { ...place, session: id, address: arrived.address, ...more };
  audit.record(event, fields);
  logger.debug(event, fields);
}

function seatOf({ state }: Session): Seat | undefined {
  return 'seat' in state ? state.seat : undefined;
}
