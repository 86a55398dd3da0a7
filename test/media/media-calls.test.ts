import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MediaProcess } from '../support/media-service.js';
import { ProcessBuild } from '../support/process-build.js';
import { MediaCaller, type Member } from './media-caller.js';
import {
  audioParameters,
  dtlsParameters,
  h264Parameters,
  layeredParameters,
  rtpCapabilities,
  simulcastParameters,
  videoParameters,
} from './media-parameters.js';

let build: ProcessBuild;
let service: MediaProcess;
let caller: MediaCaller;

beforeAll(async () => {
  build = await ProcessBuild.make('src/media/main.ts');
  service = await MediaProcess.start(build.entry);
  caller = new MediaCaller(service.url);
});
afterAll(async () => {
  await service.kill();
  build.remove();
});

let rooms = 0;
async function openRoom(): Promise<string> {
  rooms += 1;
  const roomId = `room ${rooms}`;
  await caller.openRouter(roomId);
  return roomId;
}

/** Two members, each with a transport to send and one to receive. */
async function pair(): Promise<{ a: Equipped; b: Equipped; roomId: string }> {
  const roomId = await openRoom();
  return { a: await equip(roomId, 'a'), b: await equip(roomId, 'b'), roomId };
}

interface Equipped {
  readonly member: Member;
  readonly send: string;
  readonly recv: string;
}

async function equip(roomId: string, owner: string): Promise<Equipped> {
  const member = caller.member(roomId, owner);
  const { id: send } = await member.transport('send');
  const { id: recv } = await member.transport('recv');
  return { member, send, recv };
}

async function countsOf(roomId: string): Promise<unknown> {
  const room = (await caller.stats()).rooms.find((one) => one.roomId === roomId);
  return (
    room && {
      owners: room.owners,
      transports: room.transports,
      producers: room.producers,
      consumers: room.consumers,
    }
  );
}

describe('who may call', () => {
  test('[M1] health answers everybody, metrics this machine, all else only who shows the internal key', async () => {
    expect(await caller.health()).toMatchObject({ workers: 1, load: 0 });
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/^media_workers 1$/m);
    const stranger = new MediaCaller(service.url, 'another key of the same length…'.slice(0, 30));
    expect(await stranger.call('/routers', { roomId: 'r' })).toMatchObject({
      status: 401,
      outcome: 'FORBIDDEN',
    });
    const response = await fetch(`${service.url}/stats`);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'FORBIDDEN' });
  });

  test('[M1] unknown paths and methods are answered in the same shape', async () => {
    expect(await caller.call('/nothing', {})).toMatchObject({ status: 404, outcome: 'INVALID' });
    expect(await caller.call('/routers/', { roomId: 'r' })).toMatchObject({
      status: 404,
      outcome: 'INVALID',
    });
    const headers = { 'x-internal-service-key': caller.key };
    const response = await fetch(`${service.url}/routers`, { headers });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'INVALID' });
  });

  test('[M2] a body that is no JSON, too big or nested without end is refused', async () => {
    const deep = `{"roomId":"r","owner":"o","transportId":"t","kind":"audio","rtpParameters":{"codecs":[]},"appData":${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}}`;
    for (const [text, status] of [
      ['', 400],
      ['{', 400],
      ['null', 400],
      ['[]', 400],
      ['"text"', 400],
      ['{"roomId":"\u0000"', 400],
      [deep, 400],
      [JSON.stringify({ roomId: 'x'.repeat(300_000) }), 413],
    ] as const) {
      expect(await caller.send('/producers', text)).toMatchObject({ status, outcome: 'INVALID' });
    }
    expect(await caller.send('/producers', '{}', { 'content-encoding': 'gzip' })).toMatchObject({
      status: 415,
      outcome: 'INVALID',
    });
    expect(
      await caller.send('/routers', '{"roomId":"plain"}', { 'content-type': 'text/plain' }),
    ).toMatchObject({ status: 200 });
  });
});

describe('routers', () => {
  test('[M1] a room has one router, also when many ask at once; it is closed once', async () => {
    const asked = await Promise.all(Array.from({ length: 8 }, () => caller.openRouter('crowded')));
    expect(new Set(asked.map(({ epoch }) => epoch)).size).toBe(1);
    const names = (asked[0]?.rtpCapabilities['codecs'] as { mimeType: string }[]).map(
      ({ mimeType }) => mimeType,
    );
    for (const name of ['audio/opus', 'video/VP8', 'video/VP9', 'video/H264']) expect(names).toContain(name);
    await caller.ask('/routers/close', { roomId: 'crowded' });
    await caller.ask('/routers/close', { roomId: 'crowded' });
    expect(await caller.refusal('/producers/list', { roomId: 'crowded' })).toMatch(/^NO_ROUTER /);
    const again = await caller.openRouter('crowded');
    expect(again.epoch).not.toBe(asked[0]?.epoch);
  });

  test('[M1] a room without a router takes nothing', async () => {
    const member = caller.member('nowhere', 'a');
    const transportId = 't';
    expect(await member.refusal('/transports', { peerId: 'p', direction: 'send' })).toMatch(/^NO_ROUTER /);
    expect(await member.refusal('/consumers/resume', { consumerId: 'c' })).toMatch(/^NO_ROUTER /);
    expect(
      await member.refusal('/transports/connect', { transportId, dtlsParameters: dtlsParameters() }),
    ).toMatch(/^NO_ROUTER /);
    await member.ask('/owners/close');
  });
});

describe('media', () => {
  test('[M3] what one sends the other receives, paused until it is resumed, and all of it ends when the sender leaves', async () => {
    const { a, b, roomId } = await pair();
    await a.member.connect(a.send);
    await b.member.connect(b.recv);
    const audio = await a.member.produce(a.send, audioParameters(), { source: 'microphone' });
    const video = await a.member.produce(a.send, videoParameters());
    const { version, producers } = await caller.producers(roomId);
    expect(version).toBe(2);
    expect(producers).toEqual([
      { id: audio, owner: 'a', peerId: 'peer of a', kind: 'audio', appData: { source: 'microphone' } },
      { id: video, owner: 'a', peerId: 'peer of a', kind: 'video', appData: {} },
    ]);
    const heard = await b.member.consume(audio);
    const seen = await b.member.consume(video, b.recv);
    expect(heard).toMatchObject({
      producerId: audio,
      kind: 'audio',
      peerId: 'peer of a',
      producerPaused: false,
    });
    expect(seen).toMatchObject({ producerId: video, kind: 'video', type: 'simple' });
    await b.member.ask('/consumers/resume', { consumerId: heard.id });
    await b.member.ask('/consumers/resume', { consumerId: heard.id });
    expect(await countsOf(roomId)).toEqual({ owners: 2, transports: 4, producers: 2, consumers: 2 });

    await a.member.ask('/producers/close', { producerId: video });
    expect(await b.member.refusal('/consumers/resume', { consumerId: seen.id })).toMatch(/^NOT_FOUND /);
    expect(await countsOf(roomId)).toMatchObject({ producers: 1, consumers: 1 });
    expect((await caller.producers(roomId)).version).toBe(3);

    await a.member.ask('/owners/close');
    await a.member.ask('/owners/close');
    expect(await caller.producers(roomId)).toMatchObject({ version: 4, producers: [] });
    expect(await countsOf(roomId)).toEqual({ owners: 1, transports: 2, producers: 0, consumers: 0 });
    expect(
      await a.member.refusal('/transports/connect', {
        transportId: a.send,
        dtlsParameters: dtlsParameters(),
      }),
    ).toMatch(/^NOT_FOUND /);
  });

  test('[M1] streams in several sizes, in layers and in H264 can be sent and received', async () => {
    const { a, b } = await pair();
    for (const [parameters, type] of [
      [simulcastParameters(), 'simulcast'],
      [layeredParameters(), 'svc'],
      [h264Parameters(), 'simple'],
    ] as const) {
      const id = await a.member.produce(a.send, parameters);
      expect(await b.member.consume(id)).toMatchObject({ type });
    }
  });

  test('[M2] what is somebody else’s is not found, whoever knows its id', async () => {
    const { a, b, roomId } = await pair();
    const audio = await a.member.produce(a.send, audioParameters());
    const heard = await b.member.consume(audio);
    const elsewhere = await equip(await openRoom(), 'c');
    for (const thief of [b.member, elsewhere.member]) {
      expect(
        await thief.refusal('/transports/connect', {
          transportId: a.send,
          dtlsParameters: dtlsParameters(),
        }),
      ).toMatch(/^NOT_FOUND /);
      const rtpParameters = videoParameters();
      expect(
        await thief.refusal('/producers', { transportId: a.send, kind: 'video', rtpParameters }),
      ).toMatch(/^NOT_FOUND /);
      expect(await thief.refusal('/producers/close', { producerId: audio })).toMatch(/^NOT_FOUND /);
    }
    expect(await a.member.refusal('/consumers/resume', { consumerId: heard.id })).toMatch(/^NOT_FOUND /);
    const asked = { producerId: audio, rtpCapabilities: rtpCapabilities() };
    expect(await b.member.refusal('/consumers', { ...asked, transportId: a.recv })).toMatch(/^NOT_FOUND /);
    expect(await elsewhere.member.refusal('/consumers', asked)).toMatch(/^NOT_FOUND /);
    expect(await countsOf(roomId)).toMatchObject({ producers: 1, consumers: 1 });
  });

  test('[M2] what makes no sense is refused with the name of the field', async () => {
    const { a, b } = await pair();
    const rtpParameters = audioParameters();
    const audio = await a.member.produce(a.send, rtpParameters);
    await a.member.connect(a.send);
    const connect = { transportId: a.send, dtlsParameters: dtlsParameters() };
    expect(await a.member.refusal('/transports/connect', connect)).toMatch(/^INVALID transportId /);
    const fingerprints = [{ algorithm: 'sha-512', value: dtlsParameters().fingerprints[0]?.value }];
    expect(
      await a.member.refusal('/transports/connect', {
        transportId: a.recv,
        dtlsParameters: { fingerprints },
      }),
    ).toMatch(/^INVALID dtlsParameters/);
    const produce = { transportId: a.recv, kind: 'audio', rtpParameters };
    expect(await a.member.refusal('/producers', produce)).toMatch(/^INVALID transportId /);
    expect(await a.member.refusal('/producers', { ...produce, transportId: a.send })).toMatch(
      /^INVALID rtpParameters .*mid/,
    );
    const own = { producerId: audio, rtpCapabilities: rtpCapabilities() };
    expect(await a.member.refusal('/consumers', own)).toMatch(/^INVALID producerId /);
    expect(await b.member.refusal('/consumers', { ...own, transportId: b.send })).toMatch(
      /^INVALID transportId /,
    );
    expect(await b.member.refusal('/consumers', { ...own, rtpCapabilities: {} })).toBe(
      'INVALID rtpCapabilities cannot receive this producer.',
    );
    await b.member.transport('recv');
    expect(await b.member.refusal('/consumers', own)).toMatch(/^INVALID transportId is missing/);
    expect(await b.member.refusal('/transports', { peerId: 'p', direction: 'both' })).toMatch(
      /^INVALID direction/,
    );
  });

  test('[M2] RTP parameters that no sender has are refused before they reach a worker', async () => {
    const { a } = await pair();
    const { codecs, encodings, headerExtensions, ...rest } = videoParameters();
    const base = { ...rest, codecs, encodings, headerExtensions };
    const [vp8, rtx] = codecs;
    const wrong: Record<string, object> = {
      'not video': { ...base, codecs: audioParameters().codecs },
      'no codec but rtx': { ...base, codecs: [rtx] },
      'not support': { ...base, codecs: [{ ...vp8, mimeType: 'video/ulpfec' }] },
      'payloadType twice': { ...base, codecs: [vp8, { ...rtx, payloadType: 96 }] },
      'rtx without apt': { ...base, codecs: [vp8, { ...rtx, parameters: {} }] },
      'apt is no payload type': { ...base, codecs: [vp8, { ...rtx, parameters: { apt: 97 } }] },
      'apt that is no number': { ...base, codecs: [vp8, { ...rtx, parameters: { apt: '96' } }] },
      'neither text nor number': { ...base, codecs: [{ ...vp8, parameters: { on: true } }] },
      'id twice': { ...base, headerExtensions: [...headerExtensions, { uri: 'urn:x', id: 4 }] },
      'mid is empty': { ...base, mid: '' },
      'ssrc 0': { ...base, encodings: [{ ssrc: 0 }] },
      'ssrc twice': { ...base, encodings: [{ ssrc: 7, rtx: { ssrc: 7 } }] },
      'rid twice': { ...base, encodings: [{ rid: 'r' }, { rid: 'r' }] },
      'in each entry': { ...base, encodings: [{ rid: 'r' }, {}] },
      'more than 4': { ...base, encodings: [1, 2, 3, 4, 5].map((ssrc) => ({ ssrc })) },
      'where there is no mid': { ...base, mid: undefined, encodings: [{}] },
      codecPayloadType: { ...base, encodings: [{ ssrc: 7, codecPayloadType: 97 }] },
      'unknown scalabilityMode': { ...base, encodings: [{ ssrc: 7, scalabilityMode: 'L9T9' }] },
      'spatial layers': {
        ...base,
        encodings: [
          { ssrc: 7, scalabilityMode: 'L3T3' },
          { ssrc: 8, scalabilityMode: 'L3T3' },
        ],
      },
      'printable ASCII': { ...base, rtcp: { cname: 'a\ud800' } },
    };
    for (const [text, rtpParameters] of Object.entries(wrong)) {
      const told = await a.member.refusal('/producers', {
        transportId: a.send,
        kind: 'video',
        rtpParameters,
      });
      expect(told).toMatch(/^INVALID rtpParameters/);
      expect(told).toContain(text);
    }
    await a.member.produce(a.send, videoParameters());
  });
});

test('[M3] transports, producers and consumers of one owner have bounds, and what is closed makes room', async () => {
  const small = await MediaProcess.start(build.entry, {
    MEDIA_MAX_TRANSPORTS_PER_OWNER: '2',
    MEDIA_MAX_PRODUCERS_PER_OWNER: '2',
    MEDIA_MAX_CONSUMERS_PER_OWNER: '1',
    MEDIA_CONSUMERS_PER_WORKER: '4',
  });
  try {
    const there = new MediaCaller(small.url);
    await there.openRouter('r');
    const [a, b] = [there.member('r', 'a'), there.member('r', 'b')];
    const tried = await Promise.all(
      Array.from({ length: 4 }, () =>
        there.call('/transports', { roomId: 'r', owner: 'a', peerId: 'p', direction: 'send' }),
      ),
    );
    const [givenUp, , other, send] = tried.map(({ body }) => (body as { id: string }).id);
    // Two of them were never connected, and have given way.
    await expect(a.connect(givenUp ?? '')).rejects.toThrow(/NOT_FOUND/);
    if (other === undefined || send === undefined) throw new Error('no transport');
    await a.connect(other);
    expect(await a.refusal('/transports', { peerId: 'p', direction: 'recv' })).toMatch(
      /^FULL .* 2 transports/,
    );
    await a.connect(send);
    expect(await a.refusal('/transports', { peerId: 'p', direction: 'send' })).toMatch(
      /^FULL .* 2 transports/,
    );
    const first = await a.produce(send, audioParameters(0));
    const second = await a.produce(send, audioParameters(1));
    const third = { transportId: send, kind: 'audio', rtpParameters: audioParameters(2) };
    expect(await a.refusal('/producers', third)).toMatch(/^FULL .* 2 producers/);
    await b.transport('recv');
    await b.consume(first);
    const another = { producerId: second, rtpCapabilities: rtpCapabilities() };
    expect(await b.refusal('/consumers', another)).toMatch(/^FULL .* 1 consumers/);
    expect((await there.health()).load).toBe(0.75);
    await a.ask('/producers/close', { producerId: first });
    await a.produce(send, audioParameters(0));
    await b.consume(second);
    expect((await there.health()).load).toBe(0.75);
  } finally {
    await small.kill();
  }
});

test('[M3] ports that run out are no failure of anybody: the call is refused as FULL', async () => {
  const narrow = await MediaProcess.start(build.entry, {
    MEDIA_RTC_MIN_PORT: '39990',
    MEDIA_RTC_MAX_PORT: '39991',
    MEDIA_MAX_TRANSPORTS_PER_OWNER: '10',
  });
  try {
    const there = new MediaCaller(narrow.url);
    await there.openRouter('r');
    const outcomes: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const asked = { roomId: 'r', owner: 'a', peerId: 'p', direction: 'send' };
      outcomes.push((await there.call('/transports', asked)).outcome);
    }
    expect(outcomes).toContain('FULL');
    expect(new Set(outcomes)).toEqual(new Set(['ok', 'FULL']));
  } finally {
    await narrow.kill();
  }
});

test('[M2] the log says what was refused and failed, without what peers sent', async () => {
  const talkative = await MediaProcess.start(build.entry, { LOG_LEVEL: 'debug' });
  const there = new MediaCaller(talkative.url);
  await there.openRouter('r');
  const member = there.member('r', 'a');
  const { id: transportId, dtlsParameters: own } = await member.transport('send');
  const parameters = audioParameters();
  await member.connect(transportId);
  await member.produce(transportId, parameters, { source: 'a secret source' });
  const again = { transportId, kind: 'audio', rtpParameters: parameters };
  await member.refusal('/producers', again);
  const codecs = [{ ...parameters.codecs[0], channels: 77 }];
  await member.refusal('/producers', { ...again, rtpParameters: { ...parameters, codecs } });
  await member.refusal('/transports/connect', { transportId, dtlsParameters: { role: 'a secret role' } });
  await talkative.terminate();
  expect(talkative.output.match(/call_refused/g)).toHaveLength(3);
  const told = talkative.output;
  const secrets = [
    'secret',
    String(parameters.encodings[0]?.ssrc),
    parameters.rtcp.cname,
    'opus',
    '77',
    dtlsParameters().fingerprints[0]?.value,
    JSON.stringify(own['fingerprints']),
    there.key,
  ];
  for (const secret of secrets) {
    const lines = told
      .split('\n')
      .map((line) => line.replace(/"(time|pid|epoch|http|node)":("[^"]*"|\d+)/g, ''));
    expect(lines.filter((line) => !line.startsWith('Media') && line.includes(secret ?? 'none'))).toEqual([]);
  }
});
