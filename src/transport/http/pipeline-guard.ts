import type { Socket } from 'node:net';

/** What ends the headers of a request, however it ends its lines. */
const blankLines = ['\n\r\n', '\n\n'].map((text) => Buffer.from(text));

/**
 * Cuts a connection that sends more than `most` requests in one piece. Node makes all of them out of a piece before anybody
 * is asked: of 64 KiB 2,400, some 4 MB and 20 ms, and as much from the next connection before the first is gone. So they
 * are counted before Node sees them. The returned function ends that; it must be called when the socket is upgraded.
 */
export function guardPipeline(socket: Socket, most: number, onTooMany: () => void): () => void {
  const count = (chunk: Buffer): void => {
    if (!hasMore(chunk, most)) return;
    // Node has its turn with these bytes, even if the socket is destroyed first: they must not be requests then.
    chunk.fill(0);
    onTooMany();
  };
  socket.prependListener('data', count);
  return () => {
    socket.off('data', count);
  };
}

function hasMore(chunk: Buffer, most: number): boolean {
  let found = 0;
  for (const blankLine of blankLines) {
    for (let at = chunk.indexOf(blankLine); at !== -1; at = chunk.indexOf(blankLine, at + 1)) {
      found += 1;
      if (found > most) return true;
    }
  }
  return false;
}
