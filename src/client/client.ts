import { ClientError, asClientError } from './client-error.js';
import { addCandidate, sdpOf, withTransfer, type Exchange } from './peer-exchange.js';
import { PeerLink } from './peer-link.js';
import { checkDisk, type PeerOptions } from './peer-options.js';
import { RoomMember } from './room-member.js';
import { parseSession, type RoomSession } from './session-string.js';
import type { Signal } from './signaling-client.js';
import type { Terminal } from './terminal.js';
import { readTerms, termsField } from './transfer-terms.js';
import { within } from './waiting.js';
import { loadWebRtc } from './webrtc.js';

/** Ten minutes for what the engine still holds, 2 MB at most, on the slowest of links. */
const drainMs = 600_000;

export interface ClientOptions extends PeerOptions {
  /** The session string that the worker printed. */
  readonly session: string;
  /** How many files to wait for; by default as many as the worker announces. */
  readonly expect: number | undefined;
}

/**
 * Connects to a worker, exchanges files, and leaves: connection, WebSocket, then the deletion over HTTP.
 * @throws ClientError with the exit code of what went wrong
 */
export async function runClient(
  options: ClientOptions,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<void> {
  const session = parseSession(options.session);
  await checkDisk(options);
  const link = new PeerLink(await loadWebRtc(), options.stunUrls);
  try {
    await visit(session, link, options, terminal, stop);
  } finally {
    // The engine keeps the process alive until its connection is closed.
    await link.close();
  }
}

async function visit(
  session: RoomSession,
  link: PeerLink,
  options: ClientOptions,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<void> {
  let hasAnswer: (answer: Signal) => void = () => undefined;
  const answered = new Promise<Signal>((resolve) => {
    hasAnswer = resolve;
  });
  const onSignal = (signal: Signal): void => {
    if (signal.sender !== session.peerId) return;
    if (signal.type === 'answer') hasAnswer(signal);
    else if (signal.type === 'candidate') addCandidate(link, signal, terminal);
  };
  const member = await RoomMember.join(options, onSignal, session);
  // A room whose worker did not answer may be in use by others.
  let leaves: 'room' | 'peer' = 'peer';
  try {
    const offer = await link.offer();
    member.signal('offer', session.peerId, offer, termsField({ files: options.send.length, stays: false }));
    const refused = member.lost.then((reason) => Promise.reject(reason));
    const answer = await within(Promise.race([answered, refused]), options.timeoutMs, noWorker, stop);
    const terms = readTerms(answer);
    leaves = terms?.stays === true ? 'peer' : 'room';
    await link.acceptAnswer(sdpOf(answer));
    const exchange = { link, options, isConfirmed: terms !== undefined, terminal, stop };
    await exchangeFiles(exchange, options.expect ?? terms?.files ?? 0);
  } finally {
    await link.close();
    await member.leave(leaves).catch((error: unknown) => {
      terminal.note(`could not clean up: ${asClientError(error).line}`);
    });
  }
}

async function exchangeFiles(exchange: Exchange, expected: number): Promise<void> {
  const { link, options, isConfirmed, stop } = exchange;
  await withTransfer(exchange, async (transfer) => {
    await Promise.all([transfer.send(options.send), transfer.received(expected)]);
    if (!isConfirmed) await within(link.drained(transfer.writtenBytes), drainMs, notDrained, stop);
  });
}

const noWorker = (): ClientError =>
  new ClientError('peer', 'the worker does not answer', 'is it still running? ask for a new session string');

const notDrained = (): ClientError =>
  new ClientError('transfer', 'the network took too long to take everything');
