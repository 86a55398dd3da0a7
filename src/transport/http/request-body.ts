import type { IncomingMessage } from 'node:http';

/** What a body may be at most to be read. Real ones are under 1 KiB. */
export const maxBodyBytes = 64 * 1024;
/**
 * What is read and thrown away at most, so that a client that is still sending can hear the answer; ending the
 * socket with unread bytes in it would reset the connection under the answer. Past this the socket is cut.
 */
const maxDiscardBytes = 1024 * 1024;

/** The client went away before its request was complete: there is nobody to answer. */
export class ClientGoneError extends Error {
  constructor() {
    super('the client went away');
    this.name = 'ClientGoneError';
  }
}

/**
 * Lets the body flow whether or not a route wants it. Call it first, once a request; `readBody` in the same turn of
 * the event loop still sees every byte.
 */
export function discardBody(request: IncomingMessage): void {
  let received = 0;
  request.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received > maxDiscardBytes) request.socket.destroy();
  });
  // Without a listener a connection reset under a body would be an uncaught exception.
  request.on('error', () => undefined);
}

/**
 * The body, or `too big` as soon as that is known. Rejects with `ClientGoneError`. Must be called in the same turn
 * as `discardBody`.
 */
export function readBody(request: IncomingMessage): Promise<Buffer | 'too big'> {
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) return Promise.resolve('too big');
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let received = 0;
    request.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received > maxBodyBytes) {
        chunks.length = 0;
        resolve('too big');
      } else {
        chunks.push(chunk);
      }
    });
    request.once('end', () => {
      resolve(Buffer.concat(chunks));
    });
    request.once('close', () => {
      reject(new ClientGoneError());
    });
  });
}
