/** From a command to its handler: phase check, then the handler, inside the error boundary. */
import { SignalingError } from '../protocol/errors.js';
import type { Ask, Command, CommandOf, CommandType } from '../protocol/messages.js';
import type { Context } from './context.js';
import { join } from './handlers/join.js';
import { ack, heartbeat, leave } from './handlers/leave.js';
import { kick, transferHost } from './handlers/authority.js';
import { chat, chatHistory } from './handlers/chat.js';
import { media, setMode } from './handlers/media.js';
import { refreshToken } from './handlers/refresh.js';
import { takeName, wantsName } from './handlers/rename.js';
import { discover, updateMetadata } from './handlers/roster.js';
import { message, signal } from './handlers/signal.js';
import { refuse, strike } from './refusal.js';
import { overdraft, refuseExcess } from './throttle.js';
import type { Seat, Session } from './session.js';

type SeatedCommandType = Exclude<CommandType, 'join'>;
type SeatedHandler<Type extends SeatedCommandType> = (
  context: Context,
  session: Session,
  seat: Seat,
  command: CommandOf<Type>,
  ask: Ask,
) => Promise<void> | void;

/** One row a command that needs a seat; a missing row does not compile. */
const seatedHandlers: { readonly [Type in SeatedCommandType]: SeatedHandler<Type> } = {
  signal,
  message,
  discover,
  update_metadata: updateMetadata,
  leave,
  heartbeat,
  ack,
  kick,
  transfer_host: transferHost,
  refresh_token: refreshToken,
  chat,
  chat_history: chatHistory,
  set_mode: setMode,
  media,
};

/** The Python server knows these from no version: to a parity session they mean nothing. */
const fullOnly: ReadonlySet<CommandType> = new Set([
  'leave',
  'heartbeat',
  'ack',
  'kick',
  'transfer_host',
  'refresh_token',
  'chat',
  'chat_history',
  'set_mode',
  'media',
]);

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
      return reject(context, session, new SignalingError('INVALID_MESSAGE', text), ask, false);
    }
    const waitMs = overdraft(context, session, command);
    if (waitMs > 0)
      return slowDown(context, session, ask, waitMs, () => dispatch(context, session, command, ask));
    // An acknowledgement costs nothing, and proves nothing.
    if (command.type !== 'ack') session.strikes = 0;
    const waiting =
      command.type === 'join'
        ? join(context, session, command, ask)
        : runSeated(context, session, command, ask);
    return waiting?.catch((error: unknown) => {
      fail(context, session, ask, error);
    });
  } catch (error) {
    fail(context, session, ask, error);
  }
  return undefined;
}

/**
 * Says no to a frame that means nothing; it counts as one that does. `endsQuiet`: the Python server ends the socket of
 * a registered peer for this. Returns what `dispatch` does.
 */
export function reject(
  context: Context,
  session: Session,
  error: SignalingError,
  ask: Ask | undefined,
  endsQuiet: boolean,
): Promise<void> | undefined {
  const waitMs = overdraft(context, session);
  if (waitMs > 0) {
    const waiting = slowDown(context, session, ask, waitMs, () =>
      reject(context, session, error, ask, endsQuiet),
    );
    strike(session, error);
    return waiting;
  }
  refuse(context, session, error, ask);
  if (endsQuiet && session.state.quiet) session.sink.close('normal');
  return undefined;
}

/** A parity session is read on later, and loses nothing; all others are told to send again. */
function slowDown(
  context: Context,
  session: Session,
  ask: Ask | undefined,
  waitMs: number,
  again: () => Promise<void> | undefined,
): Promise<void> | undefined {
  if (!session.state.quiet) {
    refuseExcess(context, session, ask, waitMs);
    return undefined;
  }
  context.tally.messages_delayed += 1;
  return new Promise<void>((resolve) => {
    context.clock.after(waitMs, resolve);
  }).then(again);
}

function runSeated(
  context: Context,
  session: Session,
  command: CommandOf<SeatedCommandType>,
  ask: Ask,
): Promise<void> | undefined {
  const { state } = session;
  if (state.at !== 'joined') {
    refuse(context, session, new SignalingError('NOT_IN_ROOM'), ask);
    return undefined;
  }
  if (state.quiet && isForFull(command)) {
    refuse(context, session, new SignalingError('UNKNOWN_MESSAGE_TYPE'), ask);
    return undefined;
  }
  const name = wantsName(state.seat, command);
  if (name === undefined) return handle(context, session, state.seat, command, ask);
  return takeName(context, session, state.seat, name, ask).then((isTaken) =>
    isTaken ? runSeated(context, session, command, ask) : undefined,
  );
}

function handle<Type extends SeatedCommandType>(
  context: Context,
  session: Session,
  seat: Seat,
  command: CommandOf<Type>,
  ask: Ask,
): Promise<void> | undefined {
  return seatedHandlers[command.type](context, session, seat, command, ask) ?? undefined;
}

function isForFull(command: Command): boolean {
  return fullOnly.has(command.type) || (command.type === 'signal' && command.kind === 'notice');
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
