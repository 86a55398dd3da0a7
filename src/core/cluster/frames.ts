import type { Relayed, WireFrame } from '../../protocol/messages.js';
import type { SeatRecord } from '../../protocol/records.js';
import type { Session } from '../session.js';

/** A parity peer without a socket was promised nothing; a name that is kept is nobody. */
export function canHear({ standing, isQuiet }: SeatRecord): boolean {
  return standing === 'here' || (standing === 'away' && !isQuiet);
}

/** The event as a frame that another node can hand on as it is. */
export function frameOf(event: Relayed, sender: Session): WireFrame {
  const { frame } = event;
  if (frame?.isSigned === true) return frame;
  return { dialect: sender.sink.dialect, bytes: sender.sink.encode(event), isSigned: true };
}

/** With the frame that goes to the other node, in case that it must be sent again. */
export function framed(event: Relayed, sender: Session): Relayed {
  return event.frame?.isSigned === true ? event : { ...event, frame: frameOf(event, sender) };
}
