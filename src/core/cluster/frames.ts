import { RemoteMessage, RemoteSignal } from '../../protocol/letters.js';
import type { Receipt, Relayed } from '../../protocol/messages.js';
import type { SeatRecord } from '../../protocol/records.js';
import { WireFrame } from '../../protocol/wire-frame.js';
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
  const bytes = sender.sink.encode(event);
  if (bytes === undefined) throw new TypeError('a dialect has no word for what was said in it');
  return new WireFrame(sender.sink.dialect, bytes, true);
}

/** With a frame that another node can hand on as it is. */
export function signed(event: Relayed, sender: Session): Relayed {
  return event.frame?.isSigned === true ? event : { ...event, frame: frameOf(event, sender) };
}

/** With a frame of its own that can be kept, and shared by all who keep it; without what was parsed of it. */
export function framed(event: Relayed, sender: Session): Relayed {
  const frame = frameOf(event, sender);
  const own = new WireFrame(frame.dialect, owned(frame.bytes), frame.isSigned);
  if (event.type === 'message') return new RemoteMessage(event.from, event.to, own);
  return new RemoteSignal(event.kind, event.from, event.to, own);
}

const maxMissed = 1_024;

/** What everybody is told while a session moves is not in what its new node was given. */
export function keepForMove({ state, isFrozen }: Session, event: Relayed, receipt: Receipt): void {
  if (isFrozen && 'seat' in state && state.seat.missed.length < maxMissed)
    state.seat.missed.push({ event, receipt });
}
