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

/** On the app of somebody else a parser may have been faster: Express's leave in `body` what they read. */
type MaybeRead = IncomingMessage & { readonly body?: unknown };

/**
 * The body, or `too big` as soon as that is known. Rejects with `ClientGoneError`, or when somebody else has read it
 * and kept nothing. Must be called in the same turn as `discardBody`.
 */
export async function readBody(request: MaybeRead): Promise<Buffer | 'too big'> {
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) return 'too big';
  if (request.readableEnded) return alreadyRead(request);
  // It went while others had the request: no event will tell.
  if (request.destroyed) throw new ClientGoneError();
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

function alreadyRead({ body }: MaybeRead): Buffer | 'too big' {
  if (body === undefined)
    throw new Error('the body was read before it came here, and not kept: put these routes first');
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const bytes = Buffer.from(text);
  return bytes.length > maxBodyBytes ? 'too big' : bytes;
}
