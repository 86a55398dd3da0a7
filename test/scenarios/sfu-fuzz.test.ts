/** Whatever a peer says in its `sfu_*` frames, over a real socket, through a real server, to a real worker. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  audioParameters,
  dtlsParameters,
  rtpCapabilities,
  videoParameters,
} from '../media/media-parameters.js';
import { edit, edited, evil, type Json } from '../media/mutations.js';
import { mediaKey, MediaProcess } from '../support/media-service.js';
import { ProcessBuild } from '../support/process-build.js';
import { TestServer } from '../support/server.js';
import type { Frame, TestPeer } from '../support/test-peer.js';

/** In the title; others are for who goes looking. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const frames = 1_500;

let build: ProcessBuild;
let media: MediaProcess;
let server: TestServer;
let peer: TestPeer;
let other: TestPeer;

beforeAll(async () => {
  build = await ProcessBuild.make('src/media/main.ts');
  media = await MediaProcess.start(build.entry);
  server = await TestServer.start({ MEDIA_SERVICE_URL: media.url, INTERNAL_SERVICE_KEY: mediaKey });
  const user = await server.signIn();
  const made = await server.post('/create-room', { mode: 'SFU' }, user.id_token);
  const room = JSON.parse(made.text) as { readonly room_id: string; readonly token: string };
  peer = await server.join(room, 'fuzzer', {}, user);
  other = await server.join(room, 'other');
});
afterAll(async () => {
  await server.stop();
  await media.kill();
  build.remove();
});

let asked = 0;
/** What answers it, and nothing that was told meanwhile. */
async function ask(from: TestPeer, frame: Frame): Promise<Frame> {
  asked += 1;
  const id = `f${asked}`;
  from.send({ ...frame, id });
  for (;;) {
    const answer = await from.next();
    if (answer['reply_to'] === id) return answer;
  }
}

/** Frames that a browser would send, of the peer's own transports and of the other one's producer. */
async function honest(): Promise<Frame[]> {
  const [send, recv] = [
    await ask(peer, { type: 'sfu_create_transport', direction: 'send' }),
    await ask(peer, { type: 'sfu_create_transport', direction: 'recv' }),
  ];
  const theirs = await ask(other, { type: 'sfu_create_transport', direction: 'send' });
  const produced = await ask(other, {
    type: 'sfu_produce',
    transport_id: theirs['transport_id'],
    kind: 'audio',
    rtp_parameters: audioParameters(),
  });
  const { transport_id: mine } = send;
  return [
    { type: 'sfu_get_router_capabilities' },
    { type: 'sfu_create_transport', direction: 'send' },
    { type: 'sfu_connect_transport', transport_id: mine, dtls_parameters: dtlsParameters() },
    {
      type: 'sfu_produce',
      transport_id: mine,
      kind: 'audio',
      rtp_parameters: audioParameters(7),
      app_data: { a: 1 },
    },
    { type: 'sfu_produce', transport_id: mine, kind: 'video', rtp_parameters: videoParameters(8) },
    {
      type: 'sfu_consume',
      transport_id: recv['transport_id'],
      producer_id: produced['producer_id'],
      rtp_capabilities: rtpCapabilities(),
    },
    { type: 'sfu_resume_consumer', consumer_id: produced['producer_id'] },
    { type: 'sfu_close_producer', producer_id: produced['producer_id'] },
  ];
}

test(`[M2] [M5] fuzzed sfu_* frames are each answered, and no worker dies (FUZZ_SEED=${seed})`, async () => {
  const pids = await media.workerPids();
  const valid = await honest();
  const spoiled = fc.record({
    which: fc.nat({ max: valid.length - 1 }),
    edits: fc.array(edit, { minLength: 1, maxLength: 4 }),
    extra: fc.option(evil),
  });
  const words: Record<string, number> = {};
  for (const { which, edits, extra } of fc.sample(spoiled, { seed, numRuns: frames })) {
    const { type, ...fields } = valid[which] ?? { type: 'sfu_consume' };
    const body = edited(fields as unknown as Json, edits) as Frame;
    const answer = await ask(peer, {
      ...body,
      ...(extra === null ? {} : { extra }),
      type,
    });
    const word = answer['type'] === 'error' ? String(answer['code']) : 'done';
    words[word] = (words[word] ?? 0) + 1;
    expect([type, 'error']).toContain(answer['type']);
    // Thirty-two malformed frames in a row would end the socket.
    await ask(peer, { type: 'heartbeat' });
    expect(['INTERNAL', 'MEDIA_UNAVAILABLE']).not.toContain(word);
  }
  expect(words['INVALID_MESSAGE']).toBeGreaterThan(frames / 4);
  expect(await media.workerPids()).toEqual(pids);
  // And it serves as before, the one who sent all that included.
  for (const one of [peer, other])
    expect(await ask(one, { type: 'sfu_get_router_capabilities' })).toHaveProperty('epoch');
});
