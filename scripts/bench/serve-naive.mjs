/**
 * The yardstick of `cluster.mjs`: the relay of `serve-raw.mjs` on several nodes as it is usually made, a pub/sub
 * channel for each room and one PUBLISH for each message. Receivers filter by target; nothing is checked. Figures are
 * ratios to this program, so it must not be improved.
 *
 * node serve-naive.mjs REDIS_URL
 */
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';

import { report } from './report.mjs';

const marker = '"target":"';
const publisher = new Redis(process.argv[2]);
const subscriber = new Redis(process.argv[2]);
/** The peers of this node: room -> peer id -> socket. */
const rooms = new Map();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });

async function enter(room, peerId, socket) {
  if (!rooms.has(room)) rooms.set(room, new Map());
  rooms.get(room).set(peerId, socket);
  await subscriber.subscribe(room);
  socket.send('{"type":"registered_auth"}');
}

function leave(room, peerId) {
  const peers = rooms.get(room);
  peers.delete(peerId);
  if (peers.size > 0) return;
  rooms.delete(room);
  void subscriber.unsubscribe(room);
}

server.on('connection', (socket) => {
  let room;
  socket.on('message', (data) => {
    if (room === undefined) {
      const { room_id: roomId, peer_id: peerId } = JSON.parse(data);
      room = `room:${roomId}`;
      void enter(room, peerId, socket);
      socket.on('close', () => leave(room, peerId));
      return;
    }
    void publisher.publish(room, data);
  });
});

subscriber.on('messageBuffer', (room, data) => {
  const start = data.indexOf(marker) + marker.length;
  const target = data.toString('utf8', start, data.indexOf(0x22, start));
  rooms.get(room.toString())?.get(target)?.send(data, { binary: false });
});

server.on('listening', () => {
  report({ ws: `ws://127.0.0.1:${server.address().port}` }, () => {
    server.close();
    publisher.disconnect();
    subscriber.disconnect();
  });
});
