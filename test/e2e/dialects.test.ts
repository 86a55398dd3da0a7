/** Real WebRTC stacks that speak different dialects call each other: real descriptions, real candidates, translated. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { TestServer, type Room } from '../support/server.js';
import { WrtcClient } from '../support/wrtc-client.js';
import type { WrtcChannel } from '../support/wrtc-engine.js';
import type { LineName } from '../support/wrtc-line.js';
import { PeerLab, readSession, sha256 } from './peers.js';

// A process with a WebRTC stack takes a second, or twenty on a machine that has much else to do.

let lab: PeerLab;
let server: TestServer;
const clients: WrtcClient[] = [];

beforeAll(async () => {
  lab = await PeerLab.open();
  server = await TestServer.start();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await lab.stopAll();
});

afterAll(async () => {
  await server.stop();
  await lab.close();
});

async function join(
  dialect: LineName,
  name: string,
  room: Room,
  more: { readonly isWhole?: boolean } = {},
): Promise<WrtcClient> {
  const { id_token: idToken } = await server.signIn();
  const client = await WrtcClient.join({ ws: server.ws, dialect, name, room, idToken, ...more });
  clients.push(client);
  return client;
}

/** A message each way over the channel that they opened. */
async function talk(one: WrtcClient, other: WrtcClient): Promise<void> {
  const [here, there] = await Promise.all([one.channel(), other.channel()]);
  here.send(`from ${one.name}`);
  there.send(`from ${other.name}`);
  expect([await here.next(), await there.next()]).toEqual([`from ${other.name}`, `from ${one.name}`]);
}

const dialects: readonly LineName[] = ['flat', 'gateway', 'webrtc'];
const pairs = dialects.flatMap((caller) =>
  dialects.filter((callee) => callee !== caller).map((callee) => ({ caller, callee })),
);

describe('between two wrtc clients', () => {
  test.each(pairs)(
    '[X1] $caller calls $callee: what each said is what the other was told, and a channel opens',
    async ({ caller, callee }) => {
      const room = await server.createRoom();
      const anna = await join(caller, 'anna', room);
      const bert = await join(callee, 'bert', room);
      await anna.call('bert');
      await talk(anna, bert);
      await Promise.all([anna.toldAll(), bert.toldAll()]);
      expect(bert.told).toEqual(anna.said);
      expect(anna.told).toEqual(bert.said);
      // An offer or answer, at least one candidate with all its fields, and the end of candidates.
      for (const { said } of [anna, bert]) {
        expect(said.length).toBeGreaterThan(2);
        expect(said[1]).toEqual({
          candidate: {
            candidate: expect.stringMatching(/^candidate:/),
            sdpMid: '0',
            sdpMLineIndex: 0,
            usernameFragment: expect.stringMatching(/^\S{4,}$/),
          },
        });
      }
    },
  );
});

/** aiortc takes no message above 64 KiB. */
const chunkBytes = 16_384;

/** As the workers' own clients send it. */
function sendFile(channel: WrtcChannel, name: string, bytes: Buffer): void {
  channel.send(`${name}:${String(bytes.length)}`);
  for (let at = 0; at < bytes.length; at += chunkBytes) channel.send(bytes.subarray(at, at + chunkBytes));
  channel.send('END_OF_FILE');
}

/** As Python peers send it: now and then a sign of life in between. */
async function receiveFile(
  channel: WrtcChannel,
): Promise<{ readonly header: string; readonly sha256: string }> {
  const header = (await channel.next()) as string;
  const digest = createHash('sha256');
  for (;;) {
    const message = await channel.next();
    if (message === 'END_OF_FILE') return { header, sha256: digest.digest('hex') };
    const bytes = Buffer.from(message as ArrayBuffer);
    if (bytes.toString() !== 'KEEP_ALIVE') digest.update(bytes);
  }
}

describe('with a Python peer in the room', () => {
  const sizeBytes = 100_001;
  // Python peers take no candidates later, so whoever talks to them gathers first.
  const isWhole = true;

  test.each([
    { caller: 'gateway', other: 'webrtc' },
    { caller: 'webrtc', other: 'gateway' },
    { caller: 'flat', other: 'gateway' },
  ] as const)(
    '[X1] [P4] $caller calls $other and then the aiortc worker, and a file goes each way',
    async ({ caller, other }) => {
      const fromWorker = lab.file('from-worker.bin', sizeBytes);
      const fromUs = lab.file('from-us.bin', sizeBytes);
      const out = lab.path(`worker-${caller}`);
      const worker = lab.start('aiortc', 'worker', server, { send: [fromWorker], expect: 1, out });
      const { r, t, p } = readSession(await worker.line(/^sleap-session:/));
      const room = { room_id: r, token: t };

      const bert = await join(other, 'bert', room);
      const anna = await join(caller, 'anna', room);
      await anna.call('bert');
      await talk(anna, bert);

      const cleo = await join(caller, 'cleo', room, { isWhole });
      await cleo.call(p);
      const channel = await cleo.channel();
      sendFile(channel, 'from-us.bin', readFileSync(fromUs));
      expect(await receiveFile(channel)).toEqual({
        header: `from-worker.bin:${String(sizeBytes)}`,
        sha256: sha256(fromWorker),
      });
      channel.close();
      // It ends with another code if it was sent anything that a Python server would not have sent.
      expect([(await worker.exited).code, worker.output]).toEqual([0, expect.any(String)]);
      expect(sha256(path.join(out, 'from-us.bin'))).toBe(sha256(fromUs));
      // Its answer came with its candidates in it.
      expect(cleo.told).toEqual([
        { description: { type: 'answer', sdp: expect.stringContaining('a=candidate:') } },
      ]);
    },
  );

  test.each([{ callee: 'gateway' }, { callee: 'webrtc' }, { callee: 'flat' }] as const)(
    '[X1] [P4] the aiortc client calls $callee, and a file goes each way',
    async ({ callee }) => {
      const fromClient = lab.file('from-client.bin', sizeBytes);
      const fromUs = lab.file('from-us.bin', sizeBytes);
      const room = await server.createRoom();
      const anna = await join(callee, 'anna', room, { isWhole });
      const json = JSON.stringify({ r: room.room_id, t: room.token, p: 'anna' });
      const session = `sleap-session:${Buffer.from(json).toString('base64url')}`;
      const out = lab.path(`client-${callee}`);
      const client = lab.start('aiortc', 'client', server, { send: [fromClient], expect: 1, out, session });

      const channel = await anna.channel();
      expect((await receiveFile(channel)).sha256).toBe(sha256(fromClient));
      // It leaves when it has ours.
      sendFile(channel, 'from-us.bin', readFileSync(fromUs));
      expect([(await client.exited).code, client.output]).toEqual([0, expect.any(String)]);
      expect(sha256(path.join(out, 'from-us.bin'))).toBe(sha256(fromUs));
    },
  );
});
