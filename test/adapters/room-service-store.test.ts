import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { InternalHttp } from '../../src/adapters/http/internal-http.js';
import { RoomServiceStore } from '../../src/adapters/http/room-service-store.js';
import { MemoryRoomStore } from '../../src/adapters/memory/memory-room-store.js';
import { asRoomId } from '../../src/protocol/ids.js';
import type { Json, RoomRecord } from '../../src/protocol/records.js';
import { roomStoreContract } from '../contracts/room-store-contract.js';
import { FakeClock } from '../support/fake-clock.js';
import { RoomService } from '../support/room-service.js';

const NOW_S = 1_700_000_000;
const roomTtlMs = 7_200_000;

function storeOf(
  service: RoomService,
  key = service.key,
): { store: RoomServiceStore; ours: MemoryRoomStore } {
  const clock = new FakeClock(NOW_S * 1000);
  const ours = new MemoryRoomStore(clock);
  const http = new InternalHttp({ baseUrl: service.url, key, timeoutMs: 5_000 });
  return { store: new RoomServiceStore({ ours, service: http, clock, roomTtlMs }), ours };
}

roomStoreContract('RoomServiceStore on a service without rooms', NOW_S, async () => {
  const service = await RoomService.start();
  return { store: storeOf(service).store, stop: () => service.stop() };
});

describe('RoomServiceStore', () => {
  let service: RoomService;
  let store: RoomServiceStore;
  let ours: MemoryRoomStore;
  const roomId = asRoomId('their room');
  const record: RoomRecord = { roomId, createdBy: 'us', token: 'a1b2c3', expiresAtS: NOW_S + 60 };

  beforeEach(async () => {
    service = await RoomService.start();
    ({ store, ours } = storeOf(service));
  });
  afterEach(() => service.stop());

  const say = (room: Json): void => void service.rooms.set(roomId, room);

  test('[O6] finds a room that the service has, as S1 and as this server describe it', async () => {
    say({ id: roomId, mode: 'SFU', maxParticipants: 2, hostId: 'anna', participants: [], createdAt: 'x' });
    const open = { roomId, createdBy: 'anna', isOpen: true, expiresAtS: NOW_S + 7200 };
    await expect(store.find(roomId)).resolves.toMatchObject({ ...open, mode: 'SFU' });
    say({ id: roomId, mode: 'P2P', maxParticipants: 9, createdBy: 'ben', hostId: null, isOpen: true });
    await expect(store.find(roomId)).resolves.toMatchObject({ ...open, createdBy: 'ben', mode: 'P2P' });
    say({ id: roomId, token: 'abcdef', ownerId: 'carl', expiresAt: '2024-01-01T00:00:00.500Z' });
    await expect(store.find(roomId)).resolves.toEqual({
      roomId,
      createdBy: 'carl',
      token: 'abcdef',
      expiresAtS: 1_704_067_200,
      isOpen: false,
      mode: 'P2P',
    });
  });

  test('[O6] a room for more than four is SFU unless it says otherwise', async () => {
    for (const [maxParticipants, mode] of [
      [4, 'P2P'],
      [5, 'SFU'],
    ] as const) {
      say({ id: roomId, maxParticipants });
      await expect(store.find(roomId)).resolves.toMatchObject({ mode });
    }
  });

  test.each([
    [1_704_067_200, 1_704_067_200],
    [1_704_067_200_999, 1_704_067_200],
    ['2024-01-01T01:00:00+01:00', 1_704_067_200],
    [null, NOW_S + 7200],
  ])('[O6] a room ends when it says: %j', async (expiresAt, expiresAtS) => {
    say({ id: roomId, expiresAt });
    await expect(store.find(roomId)).resolves.toMatchObject({ expiresAtS });
  });

  test("[O6] a room that is said not to be open, without its token, is nobody's to enter by a token", async () => {
    say({ id: roomId, isOpen: false, createdBy: 'anna' });
    const found = [await store.find(roomId), await store.find(roomId)];
    expect(found).toMatchObject([{ isOpen: false }, { isOpen: false }]);
    expect(found[0]?.token).toMatch(/^[\da-f]{64}$/);
    expect(found[0]?.token).not.toBe(found[1]?.token);
  });

  test('[O6] our own rooms are found without asking', async () => {
    await ours.create(record, NOW_S);
    say({ id: roomId, createdBy: 'them' });
    await expect(store.find(roomId)).resolves.toEqual(record);
    expect(service.asked).toEqual([]);
  });

  test('[O6] a room that neither has is none, and can be made', async () => {
    await expect(store.find(roomId)).resolves.toBeUndefined();
    expect(service.asked).toEqual([roomId]);
    await expect(store.create(record, NOW_S)).resolves.toBe('created');
    await expect(ours.find(roomId)).resolves.toEqual(record);
  });

  test('[O6] a room that the service has is not made here a second time, and not changed or removed', async () => {
    say({ id: roomId, expiresAt: NOW_S });
    await expect(store.create(record, NOW_S)).resolves.toBe('taken');
    await expect(store.setMode(roomId, 'SFU')).resolves.toBe(false);
    await expect(store.setStatus(roomId, 'playing')).resolves.toBe(false);
    await store.remove(roomId);
    await expect(store.find(roomId)).resolves.toMatchObject({ mode: 'P2P' });
    await expect(ours.find(roomId)).resolves.toBeUndefined();
    // Its time is over: then its id may be taken.
    await expect(store.create(record, NOW_S + 1)).resolves.toBe('created');
  });

  test.each<[string, (response: import('node:http').ServerResponse) => void]>([
    ['an error', (response) => response.writeHead(500).end('{}')],
    ['a refusal', (response) => response.writeHead(403).end('{}')],
    ['a redirect', (response) => response.writeHead(302, { location: '/' }).end()],
    ['no JSON', (response) => response.end('<html>')],
    ['nothing', (response) => response.end()],
    ['another room', (response) => response.end('{"id":"another"}')],
    ['no room', (response) => response.end('[]')],
    ['a mode that there is not', (response) => response.end('{"id":"their room","mode":"MCU"}')],
    ['a time that is none', (response) => response.end('{"id":"their room","expiresAt":"soon"}')],
    ['half an answer', (response) => response.writeHead(200, { 'content-length': '99' }).write('{')],
    ['a broken connection', (response) => response.socket?.destroy()],
  ])('[O6] %s is no proof that there is no room: the store is unavailable', async (_what, answer) => {
    service.answer = (response) => {
      answer(response);
      if (!response.writableEnded) response.socket?.destroySoon();
    };
    await expect(store.find(roomId)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('[O6] a service that says nothing is unavailable after two seconds; a room is made all the same', async () => {
    service.answer = () => undefined;
    await expect(store.find(roomId)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(store.create(record, NOW_S)).resolves.toBe('created');
  });

  test('[O6] a wrong key is no proof either', async () => {
    const { store: stranger } = storeOf(service, 'another key');
    await expect(stranger.find(roomId)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('[O6] whatever a room is called, the service is asked for that, or not at all', async () => {
    const names = ['a/b', '../rooms', '%2e%2e', 'a?b#c', 'ü 👋', '.x'];
    for (const name of names) await expect(store.find(asRoomId(name))).resolves.toBeUndefined();
    for (const name of ['', '.', '..', '\ud800', 'x'.repeat(257)])
      await expect(store.find(asRoomId(name))).resolves.toBeUndefined();
    expect(service.asked).toEqual(names);
  });

  test('[O6] its rooms are in no list, and without it ours can be served', async () => {
    say({ id: roomId, isOpen: true });
    await service.stop();
    await expect(store.list({ limit: 10, offset: 0, nowS: NOW_S })).resolves.toEqual({ rooms: [] });
    await expect(store.check()).resolves.toBeUndefined();
    service = await RoomService.start();
  });
});
