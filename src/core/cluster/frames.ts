import type { Relayed, WireFrame } from '../../protocol/messages.js';
import type { SeatRecord } from '../../protocol/records.js';
import { owned } from '../owned.js';
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

/** With a frame of its own that can be kept, and shared by all who keep it. */
export function framed(event: Relayed, sender: Session): Relayed {
  const frame = frameOf(event, sender);
  const bytes = owned(frame.bytes);
  return frame === event.frame && bytes === frame.bytes ? event : { ...event, frame: { ...frame, bytes } };
}
