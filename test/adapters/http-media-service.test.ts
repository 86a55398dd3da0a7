import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { HttpMediaService } from '../../src/adapters/http/http-media-service.js';
import { asRoomId, asSessionId } from '../../src/protocol/ids.js';
import { FakeMediaService } from '../support/fake-media-service.js';

let fake: FakeMediaService;
let service: HttpMediaService;

beforeEach(async () => {
  fake = await FakeMediaService.start();
  service = new HttpMediaService({ baseUrl: fake.url, key: fake.key });
});
afterEach(async () => {
  await fake.die();
});

const roomId = asRoomId('a room');
const owner = asSessionId('a session');
const from = { roomId, owner };
const rtpParameters = {
  codecs: [{ mimeType: 'audio/opus', payloadType: 100, clockRate: 48_000, channels: 2 }],
};

describe('HttpMediaService', () => {
  test('[M5] says every call of the contract, and reads what it answers', async () => {
    fake.load = 0.25;
    await expect(service.health()).resolves.toMatchObject({ load: 0.25, workers: 1 });
    const { epoch } = await service.openRouter(roomId);
    const { id: transportId } = await service.createTransport({ ...from, peerId: 'anna', direction: 'send' });
    const fingerprints = [{ algorithm: 'sha-1' as const, value: Array(20).fill('AB').join(':') }];
    await service.connectTransport({ ...from, transportId, dtlsParameters: { fingerprints } });
    const appData = { source: 'screen' };
    const made = await service.produce({ ...from, transportId, kind: 'video', rtpParameters, appData });
    const listed = { id: made.id, owner, peerId: 'anna', kind: 'video', appData };
    await expect(service.producers(roomId)).resolves.toEqual({ epoch, version: 1, producers: [listed] });
    await expect(service.keep(new Map([[roomId, [owner]]]))).resolves.toMatchObject({
      load: 0.25,
      rooms: { 'a room': { epoch, version: 1 } },
    });
    const consumer = await service.consume({ ...from, producerId: made.id, rtpCapabilities: {} });
    expect(consumer).toMatchObject({ producerId: made.id, peerId: 'anna', kind: 'video' });
    await service.resumeConsumer({ ...from, consumerId: consumer.id });
    await service.closeProducer({ ...from, producerId: made.id });
    await service.closeOwner(from);
    await service.closeRouter(roomId);
    expect(fake.rooms.size).toBe(0);
    // The bodies are what the other side's schemas are for; the fake reads them by these.
    expect(fake.calls.at(-1)).toEqual({ path: '/routers/close', body: { roomId: 'a room' } });
  });

  test('[M7] is named by its address', () => {
    expect(service.name).toBe(fake.url);
  });

  test.each([
    ['NOT_FOUND', 'MEDIA_NOT_FOUND'],
    ['NO_ROUTER', 'MEDIA_RESTARTED'],
    ['FULL', 'MEDIA_FULL'],
    ['INVALID', 'INVALID_MESSAGE'],
    ['INTERNAL', 'INTERNAL'],
    ['FORBIDDEN', 'MEDIA_UNAVAILABLE'],
  ] as const)('[M5] a refusal %s is %s', async (kind, code) => {
    fake.fault = { kind };
    await expect(service.closeOwner(from)).rejects.toMatchObject({ name: 'SignalingError', code });
  });

  test('[M5] only what is wrong with a request is told in the words of the service', async () => {
    fake.fault = { kind: 'INVALID' };
    await expect(service.closeOwner(from)).rejects.toThrow('refused: INVALID');
    fake.fault = { kind: 'INTERNAL' };
    await expect(service.closeOwner(from)).rejects.toThrow('The server failed to handle this message.');
  });

  test.each(['nonsense', 'garbage', 'hang'] as const)('[M8] %s is no answer', async (kind) => {
    fake.fault = { kind };
    // The deadlines are what ends the wait.
    if (kind === 'hang')
      service = new HttpMediaService({ baseUrl: fake.url, key: fake.key, roundMs: 60, requestMs: 120 });
    const unavailable = { code: 'MEDIA_UNAVAILABLE', message: 'Media Server Unavailable' };
    await expect(service.health()).rejects.toMatchObject(unavailable);
    await expect(service.openRouter(roomId)).rejects.toMatchObject({
      ...unavailable,
      cause: expect.any(Error),
    });
  });

  test('[M8] a service that is gone is unavailable, and asked again it answers when it is back', async () => {
    await service.health();
    await fake.die();
    await expect(service.openRouter(roomId)).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' });
    await fake.revive();
    await expect(service.openRouter(roomId)).resolves.toMatchObject({ version: 0 });
  });

  test('a wrong key is not shown in what it rejects with', async () => {
    const wrong = new HttpMediaService({ baseUrl: fake.url, key: 'something else' });
    const error: unknown = await wrong.openRouter(roomId).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'MEDIA_UNAVAILABLE' });
    const { message, cause } = error as Error;
    expect(`${message} ${String(cause)}`).not.toMatch(/something else|a key of the tests/);
  });
});
