/** The frame reader against ws itself: the same bytes in the same pieces, and the same comes out. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, Socket, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { WebSocketServer } from 'ws';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import { RelayMeter } from '../../../src/ports/relay-meter.js';
import { FrameReader } from '../../../src/transport/ws/frame-reader.js';

const maxBytes = 70_000;
/** What each connection saw, told when it is over. */
interface Seen {
  readonly messages: string[];
  code: number;
}
let servers: { readonly server: Server; readonly seen: Promise<Seen>[] }[];

function start(isRead: boolean): { readonly server: Server; readonly seen: Promise<Seen>[] } {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const seen: Promise<Seen>[] = [];
  const server = createServer();
  server.on('upgrade', (request, stream, head) => {
    if (!(stream instanceof Socket)) throw new Error('an upgraded stream is a socket');
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const result: Seen = { messages: [], code: 0 };
      const note = (payload: Buffer, isBinary: boolean): void => {
        result.messages.push(`${isBinary ? 'binary' : 'text'}:${payload.toString('hex')}`);
      };
      if (isRead) {
        const events = {
          onText: (payload: Buffer) => {
            note(payload, false);
          },
          beforeWs: () => undefined,
        };
        const times = { relay: new RelayMeter(), clock: new SystemClock() };
        const isAttached = FrameReader.attach(stream, maxBytes, events, times);
        expect(isAttached).toBe(true);
      }
      socket.on('message', (data: Buffer, isBinary) => {
        note(data, isBinary);
      });
      socket.on('ping', (data) => {
        result.messages.push(`ping:${data.toString('hex')}`);
      });
      socket.on('pong', (data) => {
        result.messages.push(`pong:${data.toString('hex')}`);
      });
      socket.on('error', (error) => {
        result.messages.push(`error:${'code' in error ? String(error.code) : error.message}`);
      });
      seen.push(
        new Promise((resolve) => {
          socket.on('close', (code) => {
            resolve({ ...result, code });
          });
        }),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  return { server, seen };
}

beforeAll(async () => {
  servers = [start(false), start(true)];
  await Promise.all(servers.map(({ server }) => once(server, 'listening')));
});
afterAll(() => {
  for (const { server } of servers) server.close();
});

/** Sends the pieces, each by itself, then a goodbye and the end; resolves to what the server saw. */
async function feed(which: number, pieces: readonly Buffer[]): Promise<Seen> {
  const target = servers[which];
  if (target === undefined) throw new Error('no such server');
  const stream = connect((target.server.address() as AddressInfo).port, '127.0.0.1').setNoDelay();
  stream.on('error', () => stream.destroy());
  stream.write(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  await once(stream, 'data');
  const result = target.seen.shift();
  if (result === undefined) throw new Error('not connected');
  stream.resume();
  for (const piece of pieces) {
    stream.write(piece);
    await new Promise(setImmediate);
  }
  stream.end();
  return result;
}

interface FrameShape {
  readonly first: number;
  readonly payload: Uint8Array;
  readonly isMasked: boolean;
  readonly mask: Uint8Array;
}

function frame({ first, payload, isMasked, mask }: FrameShape): Buffer {
  const length = payload.length;
  const short = length < 126 ? length : length < 65_536 ? 126 : 127;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = (isMasked ? 0x80 : 0) | short;
  if (short === 126) head.writeUInt16BE(length, 2);
  if (short === 127) head.writeBigUInt64BE(BigInt(length), 2);
  const masked = Buffer.from(payload.map((byte, at) => (isMasked ? byte ^ (mask[at % 4] ?? 0) : byte)));
  return Buffer.concat(isMasked ? [head, mask, masked] : [head, masked]);
}

const text = fc.string({ unit: 'grapheme', maxLength: 300 }).map((value) => Buffer.from(value));
const large = fc.integer({ min: 60_000, max: 71_000 }).map((bytes) => Buffer.alloc(bytes, 'x'));
const shape = fc.record({
  first: fc.oneof(
    { weight: 12, arbitrary: fc.constant(0x81) },
    { weight: 6, arbitrary: fc.constantFrom(0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a) },
    { weight: 1, arbitrary: fc.constantFrom(0x88, 0x83, 0xc1, 0x09, 0x91) },
  ),
  payload: fc.oneof(
    { weight: 10, arbitrary: text },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 130 }) },
    { weight: 1, arbitrary: large },
  ),
  isMasked: fc.integer({ min: 0, max: 30 }).map((n) => n > 0),
  mask: fc.uint8Array({ minLength: 4, maxLength: 4 }),
});

/** The same bytes, cut at any places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => Math.floor(place * bytes.length)))].sort((a, b) => a - b);
  return [0, ...at].map((from, n) => bytes.subarray(from, at[n])).filter((piece) => piece.length > 0);
}

describe('[P3] [T7] frames', () => {
  test('whatever is sent, in whatever pieces, comes out as it does from ws', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(shape, { minLength: 1, maxLength: 12 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
        async (shapes, places) => {
          const pieces = cut(Buffer.concat(shapes.map(frame)), places);
          const [expected, actual] = await Promise.all([feed(0, pieces), feed(1, pieces)]);
          expect(actual).toEqual(expected);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('a frame in a thousand pieces, and a thousand frames in one', async () => {
    const one = frame({
      first: 0x81,
      payload: Buffer.alloc(1_000, 'y'),
      isMasked: true,
      mask: Buffer.from([1, 2, 3, 4]),
    });
    const bytes = Array.from(one, (byte) => Buffer.from([byte]));
    const many = [Buffer.concat(Array.from({ length: 1_000 }, () => one))];
    for (const pieces of [bytes, many]) {
      const [expected, actual] = await Promise.all([feed(0, pieces), feed(1, pieces)]);
      expect(actual).toEqual(expected);
      expect(actual.messages.length).toBe(pieces === bytes ? 1 : 1_000);
    }
  });
});
