/** The outbox on real sockets: order, bytes, and a peer that reads when it likes. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { headerBytes } from '../../../src/transport/ws/frame.js';
import { Flusher, Outbox } from '../../../src/transport/ws/outbox.js';

let server: Server;
const sockets: Socket[] = [];

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** The two ends of a connection; the far one does not read yet. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  const [near] = (await once(server, 'connection')) as [Socket];
  sockets.push(near, far);
  return { near, far };
}

/** Payloads of the text frames in a stream of server frames. */
async function readFrames(far: Socket, count: number): Promise<string[]> {
  const frames: string[] = [];
  let rest = Buffer.alloc(0);
  for await (const chunk of far) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (;;) {
      const short = (rest[1] ?? 0) & 0x7f;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (rest.length < head) break;
      const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : rest.readUInt32BE(6);
      if (rest.length < head + length) break;
      expect(rest[0]).toBe(0x81);
      expect(head).toBe(headerBytes(length));
      frames.push(rest.subarray(head, head + length).toString('latin1'));
      rest = rest.subarray(head + length);
    }
    if (frames.length >= count) break;
  }
  return frames;
}

/** Text that says which frame of which stream it is, all the way through. */
function text(stream: number, n: number, bytes: number): string {
  return `${stream}:${n};`.repeat(Math.ceil(bytes / 6)).slice(0, Math.max(bytes, 8));
}

test('frames of every size arrive whole and in order, those of a tick together', async () => {
  const { near, far } = await pair();
  const [outbox, flusher] = [new Outbox(near, 1e9), new Flusher()];
  const sizes = [1, 125, 126, 200, 65_535, 65_536, 16_384, 16_385, 3, 300_000, 5, 5, 70_000, 9];
  const sent = sizes.map((bytes, n) => text(0, n, bytes));
  for (const [n, one] of sent.entries()) {
    if (outbox.isEmpty) flusher.schedule(outbox);
    outbox.push(Buffer.from(one, 'latin1'));
    // Some ticks carry one frame, some carry several.
    if (n % 4 === 3) await new Promise(setImmediate);
  }
  const got = await readFrames(far, sent.length);
  expect([got.length, got.findIndex((one, n) => one !== sent[n])]).toEqual([sent.length, -1]);
});

test('[T3] what a slow peer has not read yet is not touched by what others are sent', async () => {
  const pairs = [await pair(), await pair(), await pair()];
  const outboxes = pairs.map(({ near }) => new Outbox(near, 1e9));
  const flusher = new Flusher();
  const sent: string[][] = [[], [], []];
  // Far more than the kernel takes for a peer that does not read: the rest waits in this process.
  for (let n = 0; n < 2_000; n += 1) {
    for (const [stream, outbox] of outboxes.entries()) {
      const one = text(stream, n, 4_000 + ((n * 37 + stream * 1_001) % 9_000));
      sent[stream]?.push(one);
      if (outbox.isEmpty) flusher.schedule(outbox);
      outbox.push(Buffer.from(one, 'latin1'));
    }
    if (n % 3 === 0) await new Promise(setImmediate);
  }
  expect(pairs.every(({ near }) => near.writableLength > 0)).toBe(true);
  for (const [stream, { far }] of pairs.entries()) {
    const got = await readFrames(far, 2_000);
    // The first that is not as it was sent; the texts themselves are too long to be shown.
    expect([got.length, got.findIndex((one, n) => one !== sent[stream]?.[n])]).toEqual([2_000, -1]);
  }
});

test('[T3] a peer that has read everything takes any one frame; one that has not is bounded', async () => {
  const { near } = await pair();
  const outbox = new Outbox(near, 1_000);
  expect(outbox.push(Buffer.alloc(5_000))).toBe(true);
  expect(outbox.push(Buffer.alloc(1))).toBe(false);
  outbox.flush();
  expect(outbox.push(Buffer.alloc(900))).toBe(true);
  expect(outbox.push(Buffer.alloc(100))).toBe(false);
});

test('a socket that was ended or destroyed meanwhile is left alone', async () => {
  for (const end of ['end', 'destroy'] as const) {
    const { near } = await pair();
    const errors: Error[] = [];
    near.on('error', (error) => errors.push(error));
    const outbox = new Outbox(near, 1_000);
    outbox.push(Buffer.from('x'));
    near[end]();
    outbox.flush();
    await new Promise(setImmediate);
    expect(errors).toEqual([]);
    expect(outbox.isEmpty).toBe(true);
  }
});
