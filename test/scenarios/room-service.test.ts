/** Rooms that a Room Service has: peers come into them as into our own. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CachedRoomStore } from '../../src/adapters/cached-room-store.js';
import { InternalHttp } from '../../src/adapters/http/internal-http.js';
import { RoomServiceStore } from '../../src/adapters/http/room-service-store.js';
import { MemoryRoomCache } from '../../src/adapters/memory/memory-room-cache.js';
import { MemoryRoomStore } from '../../src/adapters/memory/memory-room-store.js';
import { SystemClock } from '../../src/adapters/system/system-clock.js';
import { FakeMediaService } from '../support/fake-media-service.js';
import { RoamingPeer } from '../support/roaming-peer.js';
import { RoomService } from '../support/room-service.js';
import { TestServer } from '../support/server.js';
import { TestNode } from '../support/test-node.js';
import { testLogger } from '../support/test-logs.js';

let service: RoomService;
let media: FakeMediaService;
let server: TestServer;
let node: TestNode;
beforeEach(async () => {
  service = await RoomService.start();
  const clock = new SystemClock();
  const logger = testLogger();
  const http = new InternalHttp({ baseUrl: service.url, key: service.key, timeoutMs: 2_000 });
  const ours = new MemoryRoomStore(clock);
  const source = new RoomServiceStore({ ours, service: http, clock, roomTtlMs: 7_200_000 });
  const cache = new MemoryRoomCache(clock);
  const store = new CachedRoomStore({ source, cache, clock, logger, ttlMs: 3_600_000 });
  media = await FakeMediaService.start();
  const settings = { MEDIA_SERVICE_URL: media.url, INTERNAL_SERVICE_KEY: media.key };
  server = await TestServer.start(settings, { store });
  node = new TestNode(server.http, server.ws);
});
afterEach(async () => {
  node.hangUp();
  await server.stop();
  await service.stop();
  await media.die();
});

describe('with a Room Service', () => {
  test('[O1] [O4] [O6] peers come into its room, which is as it says, and it is asked once', async () => {
    const user = await node.signIn();
    service.rooms.set('their room', { id: 'their room', maxParticipants: 8, token: 'their token' });
    const room = { room_id: 'their room', token: 'their token' };
    const peers = ['anna', 'bert', 'carl', 'dora'].map((name) => new RoamingPeer(room, name, user));
    for (const joined of await Promise.all(peers.map((peer) => peer.join(node))))
      expect(joined).toMatchObject({ mode: 'SFU' });
    const stranger = await node.connect();
    stranger.send({ type: 'join_room', ...room, token: 'wrong', peer_id: 'eve', id_token: user.id_token });
    await stranger.expect({ type: 'error', code: 'INVALID_ROOM_TOKEN' });
    expect(service.asked).toEqual(['their room']);
  });

  test('[O6] [O5] a room that it has not is none, can be made by a door, and is found at once then', async () => {
    const user = await node.signIn();
    const lost = await node.connect();
    const join = { type: 'join_room', room_id: 'nowhere', peer_id: 'anna', id_token: user.id_token };
    lost.send({ ...join, token: 'a1b2c3' });
    await lost.expect({ type: 'error', code: 'ROOM_NOT_FOUND' });
    const door = await server.connect(`${server.ws}/ws/webrtc/nowhere?token=${user.id_token}`);
    await door.expect({ type: 'room-state' });
    const found = await node.connect();
    found.send({ ...join, peer_id: 'bert' });
    await found.expect({ type: 'room_joined', room_id: 'nowhere' });
    door.drop();
  });

  test('[O6] when it does not answer, nobody is told that there is no room, and no door makes one', async () => {
    const user = await node.signIn();
    const ours = await node.createRoom(user);
    service.answer = (response) => response.socket?.destroy();
    const peer = await node.connect();
    peer.send({ type: 'join_room', room_id: 'x', token: 'y', peer_id: 'anna', id_token: user.id_token });
    await peer.expect({ type: 'error', code: 'STORE_UNAVAILABLE', retryable: true });
    const door = await server.connect(`${server.ws}/ws/webrtc/x?token=${user.id_token}`);
    await door.expect({ type: 'error' });
    door.drop();
    service.answer = undefined;
    await new RoamingPeer(ours, 'anna', user).join(node);
    const again = await node.connect();
    again.send({ type: 'join_room', room_id: 'x', token: 'y', peer_id: 'anna', id_token: user.id_token });
    await again.expect({ type: 'error', code: 'ROOM_NOT_FOUND' });
  });
});
