import { FileTransfer } from './file-transfer.js';
import type { PeerLink } from './peer-link.js';
import type { PeerOptions } from './peer-options.js';
import type { Signal } from './signaling-client.js';
import type { Terminal } from './terminal.js';
import { interrupted, within } from './waiting.js';
import { ClientError } from './client-error.js';

/** One connected peer, and how to talk to it. */
export interface Exchange {
  readonly link: PeerLink;
  readonly options: PeerOptions;
  /** The other end is a client of this kind: hashes and receipts. */
  readonly isConfirmed: boolean;
  readonly terminal: Terminal;
  readonly stop: AbortSignal;
}

/**
 * Waits for the channel, lets `run` move the files, and closes the channel and the connection whatever happened.
 * @throws ClientError of `run`; `peer` when the channel does not open in time; `interrupted`
 */
export async function withTransfer(
  exchange: Exchange,
  run: (transfer: FileTransfer) => Promise<void>,
): Promise<void> {
  const { link, options, isConfirmed, terminal, stop } = exchange;
  try {
    const channel = await within(link.opened, options.timeoutMs, notConnected, stop);
    const transfer = new FileTransfer(
      channel,
      (listener) => {
        link.listen(listener);
      },
      {
        outFolder: options.outFolder,
        chunkBytes: link.chunkBytes,
        isConfirmed,
        observer: terminal.observer(),
      },
    );
    const onStop = (): void => {
      transfer.fail(interrupted());
    };
    stop.addEventListener('abort', onStop);
    try {
      await run(transfer);
    } finally {
      stop.removeEventListener('abort', onStop);
      await link.close();
      await transfer.dispose();
    }
  } finally {
    await link.close();
  }
}

/** Hands a trickled candidate to the connection. It comes as W3C's object, or as its text with the fields beside it. */
export function addCandidate(link: PeerLink, signal: Signal, terminal: Terminal): void {
  const value = signal['candidate'];
  const candidate = typeof value === 'string' ? { ...signal, candidate: value } : value;
  link.addCandidate(candidate).catch(() => {
    terminal.note('a candidate of the other peer cannot be used and is ignored');
  });
}

/** The SDP of an offer or answer. @throws ClientError `peer` when it has none */
export function sdpOf(signal: Signal): string {
  const sdp = signal['sdp'];
  if (typeof sdp === 'string') return sdp;
  throw new ClientError('peer', `the other peer's ${signal.type} has no SDP`);
}

const notConnected = (): ClientError =>
  new ClientError(
    'peer',
    'no direct connection to the other peer',
    'both peers must reach each other over UDP; across networks try --stun',
  );
