/** What comes after the goodbye, over real sockets; the time is the test's. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { readLeftovers } from '../../../src/transport/ws/leftovers.js';
import { PeerSocket } from '../../../src/transport/ws/peer-socket.js';
import { FakeClock } from '../../support/fake-clock.js';

const kib = 1_024;
/** What Node reads from a socket at a time. */
const readBytes = 64 * kib;

let server: Server;
let clock: FakeClock;
let client: WebSocket;
/** The server's end. */
let stream: Socket;
let clientClosed: Promise<number>;

beforeEach(async () => {
  clock = new FakeClock();
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 1_024 * kib,
    WebSocket: PeerSocket,
  });
  server = createServer();
  const upgraded = new Promise<{ readonly socket: PeerSocket; readonly stream: Socket }>((resolve) => {
    server.on('upgrade', (request, duplex, head) => {
      if (!(duplex instanceof Socket)) throw new Error('an upgraded stream is a socket');
      sockets.handleUpgrade(request, duplex, head, (socket) => {
        resolve({ socket, stream: duplex });
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  client = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  clientClosed = once(client, 'close').then(([code]) => code as number);
  await once(client, 'open');
  const accepted = await upgraded;
  ({ stream } = accepted);
  accepted.socket.on('error', () => undefined);
  accepted.socket.close(4400);
  readLeftovers(accepted.socket, stream, clock);
});
afterEach(async () => {
  client.terminate();
  stream.destroy();
  server.close();
  await once(server, 'close');
});

/** Until the reading rests. ws pauses the socket too, before it gets that far. */
async function rest(): Promise<void> {
  while (clock.pending === 0) await once(stream, 'pause');
}

test('[T11] a peer that says goodbye behind what it had under way is read as always', async () => {
  for (let n = 0; n < 20; n += 1) client.send(Buffer.alloc(10 * kib));
  const [hadError] = (await once(stream, 'close')) as [boolean];
  expect(hadError).toBe(false);
  expect(await clientClosed).toBe(4400);
  expect(stream.bytesRead).toBeGreaterThan(200 * kib);
  expect(clock.pending).toBe(0);
});

test('[T11] a peer that goes on is read piece by piece to its end, however large what it sends is', async () => {
  const isOver = once(stream, 'close').then(() => true);
  const large = Buffer.alloc(2_000 * kib);
  for (let n = 0; n < 2; n += 1) client.send(large);
  await rest();
  const pieces: number[] = [];
  let before = stream.bytesRead;
  expect(before).toBeLessThanOrEqual(256 * kib + 3 * readBytes);
  for (let isDone = false; !isDone;) {
    expect(clock.pending).toBe(1);
    clock.advance(2);
    isDone = await Promise.race([rest().then(() => false), isOver]);
    pieces.push(stream.bytesRead - before);
    before = stream.bytesRead;
  }
  expect(await clientClosed).toBe(4400);
  expect(before).toBeGreaterThan(2 * large.length);
  expect(Math.max(...pieces)).toBeLessThanOrEqual(2 * readBytes);
  expect(clock.pending).toBe(0);
});

test('[T11] a socket that ends while it rests leaves nothing behind', async () => {
  client.send(Buffer.alloc(4_000 * kib));
  await rest();
  stream.destroy();
  await once(stream, 'close');
  expect(clock.pending).toBe(0);
});
