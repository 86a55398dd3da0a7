import { createServer, type Server } from 'node:http';

/** The server of the WebSocket port: upgrades only; anything else is told so (426, as the Python server's). */
export function createWebSocketServer(): Server {
  return createServer((_request, response) => {
    const body = 'This port speaks WebSocket only. HTTP is served on the HTTP port.\n';
    response.writeHead(426, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
      upgrade: 'websocket',
    });
    response.end(body);
  });
}
