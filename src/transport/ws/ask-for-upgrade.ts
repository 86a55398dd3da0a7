import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the WebSocket port says to a plain request: 426, as the Python server's. */
export function askForUpgrade(_request: IncomingMessage, response: ServerResponse): void {
  const body = 'This port speaks WebSocket only. HTTP is served on the HTTP port.\n';
  response.writeHead(426, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    connection: 'close',
    upgrade: 'websocket',
  });
  response.end(body);
}
