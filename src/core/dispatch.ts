/** From a command to its handler: phase check, then the handler, inside the error boundary. */
import { SignalingError } from '../protocol/errors.js';
import type { Ask, Command, CommandOf, CommandType } from '../protocol/messages.js';
import type { Context } from './context.js';
import { join } from './handlers/join.js';
import { ack, heartbeat, leave } from './handlers/leave.js';
import { discover, updateMetadata } from './handlers/roster.js';
import { message, signal } from './handlers/signal.js';
import { refuse } from './refusal.js';
import type { Seat, Session } from './session.js';

type SeatedCommandType = Exclude<CommandType, 'join'>;
type SeatedHandler<Type extends SeatedCommandType> = (
  context: Context,
  session: Session,
  seat: Seat,
  command: CommandOf<Type>,
  ask: Ask,
) => void;

/** One row a command that needs a seat; a missing row does not compile. */
const seatedHandlers: { readonly [Type in SeatedCommandType]: SeatedHandler<Type> } = {
  signal,
  message,
  discover,
  update_metadata: updateMetadata,
  leave,
  heartbeat,
  ack,
};

/** The Python server knows these from no version: to a parity session they mean nothing. */
const fullOnly: ReadonlySet<CommandType> = new Set(['leave', 'heartbeat', 'ack']);

/**
 * Runs one command. Returns a promise only when the session must wait (a join): the caller then holds back the
 * session's next frames, and nobody else's. Never throws, never rejects.
 */
export function dispatch(
  context: Context,
  session: Session,
  command: Command,
  ask: Ask,
): Promise<void> | undefined {
  try {
    if (ask.unquotable === true && !session.state.quiet) {
      const text = 'id must be a string of at most 64 characters.';
      refuse(context, session, new SignalingError('INVALID_MESSAGE', text), ask);
      return undefined;
    }
    session.strikes = 0;
    if (command.type === 'join') {
      return join(context, session, command, ask).catch((error: unknown) => {
        fail(context, session, ask, error);
      });
    }
    runSeated(context, session, command, ask);
  } catch (error) {
    fail(context, session, ask, error);
  }
  return undefined;
}

function runSeated<Type extends SeatedCommandType>(
  context: Context,
  session: Session,
  command: CommandOf<Type>,
  ask: Ask,
): void {
  const { state } = session;
  if (state.at !== 'joined') {
    refuse(context, session, new SignalingError('NOT_IN_ROOM'), ask);
    return;
  }
  if (state.quiet && fullOnly.has(command.type)) {
    refuse(context, session, new SignalingError('UNKNOWN_MESSAGE_TYPE'), ask);
    return;
  }
  seatedHandlers[command.type](context, session, state.seat, command, ask);
}

function fail(context: Context, session: Session, ask: Ask, error: unknown): void {
  if (error instanceof RangeError) {
    // What the stack is too small for when it is written out; the parser read it without recursion.
    refuse(context, session, new SignalingError('INVALID_MESSAGE', 'The message is nested too deeply.'), ask);
    return;
  }
  context.tally.handler_failures += 1;
  context.logger.error('handler_failed', { session: session.id, verb: ask.verb, error });
  refuse(context, session, new SignalingError('INTERNAL'), ask);
}
