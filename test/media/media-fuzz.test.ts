import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MediaProcess } from '../support/media-service.js';
import { ProcessBuild } from '../support/process-build.js';
import { MediaCaller, type Member } from './media-caller.js';
import { edit, edited, type Edit, type Json } from './mutations.js';
import {
  audioParameters,
  dtlsParameters,
  h264Parameters,
  layeredParameters,
  rtpCapabilities,
  simulcastParameters,
  videoParameters,
} from './media-parameters.js';

/** In the title; others are for who goes looking. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const callsInBatch = 20;
const batches = Number(process.env['FUZZ_BATCHES'] ?? 100);
const roomId = 'fuzz';

let build: ProcessBuild;
let service: MediaProcess;
let caller: MediaCaller;
let star: Member;
let starred: Record<string, string>;

beforeAll(async () => {
  build = await ProcessBuild.make('src/media/main.ts');
  service = await MediaProcess.start(build.entry);
  caller = new MediaCaller(service.url);
  await caller.openRouter(roomId);
  star = caller.member(roomId, 'star');
  const { id } = await star.transport('send');
  starred = {
    transportId: id,
    audio: await star.produce(id, audioParameters()),
    video: await star.produce(id, videoParameters()),
    simulcast: await star.produce(id, simulcastParameters()),
    layered: await star.produce(id, layeredParameters()),
    h264: await star.produce(id, h264Parameters()),
  };
});
afterAll(async () => {
  await service.kill();
  build.remove();
});

/** Parameters that have the right shape and make no sense. */
const codecs = fc.array(
  fc.record(
    {
      mimeType: fc.constantFrom(
        'audio/opus',
        'video/VP8',
        'video/VP9',
        'video/H264',
        'video/rtx',
        'audio/rtx',
        'video/ulpfec',
        'video/red',
        'video/flexfec',
        'audio/CN',
        'audio/PCMU',
        'video/x',
      ),
      payloadType: fc.integer({ min: 0, max: 127 }),
      clockRate: fc.constantFrom(90_000, 48_000, 8_000, 1),
      channels: fc.constantFrom(1, 2, 255),
      parameters: fc.dictionary(
        fc.constantFrom('apt', 'profile-id', 'packetization-mode', 'profile-level-id', 'x'),
        fc.oneof(fc.integer({ min: 0, max: 130 }), fc.constantFrom('42e01f', '0', '', 'zzzzzz')),
      ),
      rtcpFeedback: fc.array(
        fc.record(
          {
            type: fc.constantFrom('nack', 'ccm', 'transport-cc', 'goog-remb', 'x'),
            parameter: fc.constantFrom('', 'pli', 'fir', 'x'),
          },
          { requiredKeys: ['type'] },
        ),
        { maxLength: 4 },
      ),
    },
    { requiredKeys: ['mimeType', 'payloadType', 'clockRate'] },
  ),
  { minLength: 1, maxLength: 5 },
);
const ssrc = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 100_000) },
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 4_294_967_295 }) },
);
const encodings = fc.array(
  fc.record(
    {
      ssrc,
      rid: fc.constantFrom('r0', 'r1', 'r2', '-', 'x'.repeat(16)),
      codecPayloadType: fc.constantFrom(96, 97, 98, 111),
      rtx: fc.record({ ssrc }),
      dtx: fc.boolean(),
      scalabilityMode: fc.constantFrom(
        'L1T1',
        'L1T3',
        'L3T3',
        'S3T3',
        'L3T3_KEY',
        'S0T0',
        'L99T99',
        'L2T3h',
        'T',
        '-',
      ),
      maxBitrate: fc.constantFrom(0, 1, 4_294_967_295),
    },
    { requiredKeys: [] },
  ),
  { minLength: 1, maxLength: 5 },
);
const shapely = fc.record(
  {
    mid: fc.constantFrom('', '0', 'a0', 'x'.repeat(32)),
    codecs: fc.oneof(
      { weight: 1, arbitrary: codecs },
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          ...[audioParameters(), videoParameters(), layeredParameters()].map((one) => one.codecs),
        ),
      },
    ),
    headerExtensions: fc.array(
      fc.record({
        uri: fc.constantFrom(...videoParameters().headerExtensions.map(({ uri }) => uri), 'urn:x'),
        id: fc.integer({ min: 1, max: 255 }),
      }),
      { maxLength: 6 },
    ),
    encodings,
    rtcp: fc.constantFrom({}, { cname: '' }, { cname: 'x'.repeat(256), mux: false, reducedSize: false }),
  },
  { requiredKeys: ['codecs'] },
) as fc.Arbitrary<Json>;

const edits = fc.oneof(fc.constant<Edit[]>([]), fc.array(edit, { minLength: 1, maxLength: 2 }));
const produced = fc.oneof(
  fc.record({ base: fc.constantFrom(0, 1, 2, 3, 4), edits }).map(({ base, edits: some }) => {
    const make = [audioParameters, videoParameters, simulcastParameters, layeredParameters, h264Parameters][
      base
    ];
    return edited((make ?? audioParameters)(base) as Json, some);
  }),
  shapely,
);

/** A call by its path and body; `$name` stands for an id of the world it is sent into. */
const call = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        transportId: fc.constantFrom('$send', '$send', '$send', '$recv', '$star', 'x'),
        kind: fc.constantFrom('audio', 'video'),
        rtpParameters: produced,
        appData: fc.oneof(
          { weight: 9, arbitrary: fc.constant<Json>({ source: 'screen' }) },
          { weight: 1, arbitrary: fc.jsonValue() as fc.Arbitrary<Json> },
        ),
      })
      .chain((body) => asked('/producers', body, true)),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({
        producerId: fc.constantFrom('$audio', '$video', '$simulcast', '$layered', '$h264'),
        transportId: fc.constantFrom('$recv', '$recv', '$send', 'x'),
        rtpCapabilities: edits.map((some) => edited(rtpCapabilities() as Json, some)),
      })
      .chain((body) => asked('/consumers', body, false)),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        transportId: fc.constantFrom('$send', '$recv', '$star'),
        dtlsParameters: edits.map((some) => edited(dtlsParameters() as Json, some)),
      })
      .chain((body) => asked('/transports/connect', body, false)),
  },
  ...[
    ['/transports', { peerId: 'p', direction: 'send' }],
    ['/producers/close', { producerId: '$video' }],
    ['/consumers/resume', { consumerId: 'x' }],
    ['/producers/list', {}],
    ['/keep', { rooms: { fuzz: ['star'] } }],
  ].map(([path, body]) => ({
    weight: 1,
    arbitrary: asked(path as string, body as Record<string, Json>, false),
  })),
  { weight: 1, arbitrary: fc.record({ path: fc.constantFrom('/producers', '/keep'), text: fc.string() }) },
);

interface Asked {
  readonly path: string;
  readonly text: string;
}

/** Some calls are damaged as a whole too. `isKindly`: the kind fits, most of the time. */
function asked(path: string, body: Record<string, Json>, isKindly: boolean): fc.Arbitrary<Asked> {
  const whole: Record<string, Json> = { roomId, owner: '$owner', ...body };
  const text = JSON.stringify(whole.rtpParameters ?? null);
  if (isKindly && text.includes('video/')) whole['kind'] = 'video';
  else if (isKindly && text.includes('audio/')) whole['kind'] = 'audio';
  return fc.oneof(
    { weight: 9, arbitrary: fc.constant({ path, text: JSON.stringify(whole) }) },
    {
      weight: 1,
      arbitrary: edits.map((some) => ({ path, text: JSON.stringify(edited(whole, some)) })),
    },
  );
}

function residentKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

const outcomes: Record<string, number> = {};
let worlds = 0;

/** Sends the calls at once, from an owner that has a transport each way, and closes it afterwards. */
async function run(calls: readonly Asked[]): Promise<void> {
  worlds += 1;
  const member = caller.member(roomId, `o${worlds}`);
  const world: Record<string, string> = {
    ...starred,
    owner: member.owner,
    send: (await member.transport('send')).id,
    recv: (await member.transport('recv')).id,
    star: starred['transportId'] ?? '',
  };
  const filled = calls.map(({ path, text }) => ({
    path,
    text: text.replace(/\$([a-z\d]+)/g, (whole, name: string) => world[name] ?? whole),
  }));
  const answers = await Promise.all(filled.map(({ path, text }) => caller.send(path, text)));
  for (const [index, { outcome }] of answers.entries()) {
    const key = `${filled[index]?.path ?? ''} ${outcome}`;
    outcomes[key] = (outcomes[key] ?? 0) + 1;
    if (outcome === 'INTERNAL') throw new Error(`INTERNAL for ${JSON.stringify(filled[index])}`);
  }
  await receiveAll(member.owner);
  await member.ask('/owners/close');
}

/** What was taken for media must be harmless to who receives it. */
async function receiveAll(owner: string): Promise<void> {
  const { producers } = await caller.producers(roomId);
  const watcher = caller.member(roomId, `watcher of ${owner}`);
  await watcher.transport('recv');
  for (const { id } of producers.filter((one) => one.owner === owner)) {
    const body = { roomId, owner: watcher.owner, producerId: id, rtpCapabilities: rtpCapabilities() };
    const { outcome, body: answer } = await caller.call('/consumers', body);
    const key = `watching ${outcome}`;
    outcomes[key] = (outcomes[key] ?? 0) + 1;
    expect(['ok', 'INVALID']).toContain(outcome);
    if (outcome === 'ok')
      await watcher.ask('/consumers/resume', { consumerId: (answer as { id: string }).id });
  }
  await watcher.ask('/owners/close');
}

test(`[M2] whatever is asked, it is answered, and the worker lives (FUZZ_SEED=${seed})`, async () => {
  const pids = await service.workerPids();
  const [worker = 0] = pids;
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: callsInBatch, maxLength: callsInBatch }), run),
    { seed, numRuns: 10, endOnFailure: true },
  );
  const before = residentKiB(worker);
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: callsInBatch, maxLength: callsInBatch }), run),
    { seed: seed + 1, numRuns: batches, endOnFailure: true },
  );
  expect(await service.workerPids()).toEqual(pids);
  // Some of them must have come through to the worker, or nothing was tried.
  for (const path of ['/producers', '/consumers', '/transports/connect']) {
    expect(outcomes[`${path} ok`]).toBeGreaterThan(20);
    expect(outcomes[`${path} INVALID`]).toBeGreaterThan(20);
  }
  const stats = await caller.stats();
  expect(stats.rooms).toEqual([
    // A spoiled `owner` is one more owner, whom nobody closes here.
    expect.objectContaining({ roomId, producers: 5, consumers: 0 }),
  ]);
  expect(residentKiB(worker) - before).toBeLessThan(32 * 1_024);
  expect(outcomes['watching ok']).toBeGreaterThan(20);
  // The others' media is untouched.
  expect((await caller.producers(roomId)).producers).toHaveLength(5);
}, 600_000);
