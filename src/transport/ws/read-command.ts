import type { DecodedCommand, DecodedRefusal, Dialect, Scope } from '../../dialects/dialect.js';
import { SignalingError } from '../../protocol/errors.js';
import type { ConnectionContext } from './connection-context.js';
import type { InboundFrame } from './inbound-queue.js';

/** What a frame says. A dialect that trips over one is a fault of ours, which must end neither the process nor the socket. */
export function readCommand(
  dialect: Pick<Dialect, 'name' | 'decode'>,
  { bytes, isBinary }: InboundFrame,
  scope: Scope,
  { tally, logger }: Pick<ConnectionContext, 'tally' | 'logger'>,
): DecodedCommand | DecodedRefusal {
  try {
    return dialect.decode(bytes, isBinary, scope);
  } catch (error) {
    tally.handler_failures += 1;
    logger.error('frame_not_read', { dialect: dialect.name, error });
    return { error: new SignalingError('INTERNAL'), endsQuiet: false };
  }
}
