import type { Socket } from 'node:net';
import type { Clock } from '../../ports/runtime.js';
import type { PeerSocket } from './peer-socket.js';
import { shred } from './shred.js';

/** So much is still read as always: the far end's goodbye comes behind what it had under way. */
const freeBytes = 262_144;
/** From then on 64 KiB, what Node reads at a time, every so often: some 30 MB/s. */
const restMs = 2;

/**
 * Reads what a peer goes on sending after its connection has ended, until ws ends the socket within its close timeout.
 * Not to read it would reset the socket, and the far end might never get to the goodbye. To read it as fast as it comes
 * makes all others wait: libuv takes 2 MiB from one socket before it looks at the next.
 */
export function readLeftovers(socket: PeerSocket, stream: Socket, clock: Clock): void {
  // A paused socket would not see the far end's answer to the close.
  if (socket.isPaused) socket.resume();
  let bytes = 0;
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > freeBytes) discardSlowly(stream, clock);
  };
  // Before `shred`, after which a chunk is empty.
  stream.prependListener('data', count);
}

/** Nobody parses it any more, and nobody waits for the goodbye that may be in it. */
function discardSlowly(stream: Socket, clock: Clock): void {
  let cancel: (() => void) | undefined;
  stream.removeAllListeners('data');
  stream.on('data', (chunk: Buffer) => {
    shred(chunk);
    stream.pause();
    cancel?.();
    cancel = clock.after(restMs, () => stream.resume());
  });
  stream.once('close', () => cancel?.());
  // Behind our own goodbye, so that the far end is done with as soon as it has read that.
  stream.end();
}
