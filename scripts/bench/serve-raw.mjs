/**
 * The yardstick: the shortest relay that `ws` allows, with no validation at all. Every figure of the benchmark is a
 * ratio to this program, so it must not be improved.
 */
import { WebSocketServer } from 'ws';

import { report } from './report.mjs';

const marker = '"target":"';
const peers = new Map();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });

server.on('connection', (socket) => {
  let peerId;
  socket.on('message', (data) => {
    if (peerId === undefined) {
      peerId = JSON.parse(data).peer_id;
      peers.set(peerId, socket);
      socket.send('{"type":"registered_auth"}');
      return;
    }
    const at = data.indexOf(marker);
    if (at >= 0) {
      const start = at + marker.length;
      peers.get(data.toString('utf8', start, data.indexOf(0x22, start)))?.send(data, { binary: false });
    } else {
      for (const other of peers.values()) if (other !== socket) other.send(data, { binary: false });
    }
  });
  socket.on('close', () => {
    if (peers.get(peerId) === socket) peers.delete(peerId);
  });
});

server.on('listening', () => {
  report({ ws: `ws://127.0.0.1:${server.address().port}` }, () => {
    server.close();
  });
});
