import { MessageChannel } from 'node:worker_threads';

const { port1: nowhere, port2: farEnd } = new MessageChannel();
farEnd.close();

/**
 * Gives the memory of what was read from a socket back at once. Node reads into a new 64 KiB buffer each time, and the
 * garbage collector comes by after some 32 MiB of them: whoever sends what nobody wants would decide how much we hold.
 * A buffer that is transferred to a port that is closed is freed there.
 */
export function shred(chunk: Buffer): void {
  // A part of a larger one, of the pool for instance, is not ours alone.
  const { buffer } = chunk;
  if (buffer instanceof ArrayBuffer && chunk.length === buffer.byteLength)
    nowhere.postMessage(undefined, [buffer]);
}
