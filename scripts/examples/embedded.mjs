// An application of its own, with routes and a WebSocket of its own, that has signaling in it: the gateway dialect at
// /signal/{roomId}. After `npm run build`:
//
//   PORT=3000 node scripts/examples/embedded.mjs
//
// With REDIS_URL several of them share their rooms.
import { createServer } from 'node:http';
import process from 'node:process';
import express from 'express';
import { createEmbeddedSignaling } from 'webrtc-signaling-server';
import { WebSocketServer } from 'ws';

const { PORT = '3000', REDIS_URL = '' } = process.env;

// The settings are those of the README, by the same names; an empty one is not set.
const signaling = await createEmbeddedSignaling({
  dialects: ['gateway'],
  settings: { REDIS_URL, LOG_LEVEL: 'warn' },
});

const app = express();
// Before anything that reads bodies. `app.use('/signaling', signaling.routes)` keeps /rooms, /health … for the application.
app.use(signaling.routes);
app.use(express.json());
app.post('/greet', (request, response) => {
  response.json({ greeting: `Hello ${request.body.name}` });
});

const server = createServer(app);
signaling.attach(server);

// Signaling leaves other upgrades alone, and the application must leave signaling's alone: `noServer`, because with
// `{ server, path }` ws itself refuses every other path.
const own = new WebSocketServer({ noServer: true });
own.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.on('upgrade', (request, socket, head) => {
  const [path] = request.url.split('?');
  if (path.startsWith('/signal/')) return;
  if (path === '/app-socket') {
    own.handleUpgrade(request, socket, head, (client) => own.emit('connection', client, request));
  } else {
    socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  }
});

server.listen(Number(PORT), '127.0.0.1', () => {
  for (const line of signaling.decisions) console.log(line);
  console.log(`Listening on http://127.0.0.1:${server.address().port}`);
});

process.once('SIGTERM', async () => {
  // Its peers go elsewhere first; the application's server is the application's to close.
  await signaling.close();
  for (const client of own.clients) client.terminate();
  server.close();
  server.closeIdleConnections();
});
