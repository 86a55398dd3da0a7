/** P2P or SFU: how a room begins, who changes that, and that everybody knows. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { keys } from '../../src/adapters/redis/keys.js';
import { asNodeId, asRoomId } from '../../src/protocol/ids.js';
import { FakeMediaService } from '../support/fake-media-service.js';
import { MemoryNodes } from '../support/memory-nodes.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { RoamingPeer } from '../support/roaming-peer.js';
import { TestServer, type Room, type User } from '../support/server.js';
import type { TestNode } from '../support/test-node.js';
import { ProcessPair, Scene, topologies, type Place } from '../support/topology.js';
import type { Frame } from '../support/test-peer.js';

const minuteMs = 60_000;

const makeRoom = async (node: TestNode, user: User, mode?: string): Promise<Room> => {
  const answer = await node.post('/create-room', mode === undefined ? undefined : { mode }, user.id_token);
  return JSON.parse(answer.text) as Room;
};
const patch = async (node: TestNode, { room_id: id }: Room, user: User, body: Frame): Promise<number> => {
  const response = await fetch(`${node.http}/rooms/${id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${user.id_token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await response.text();
  return response.status;
};
const modesTold = (frames: readonly Frame[]): Frame[] =>
  frames.filter(({ type }) => type === 'room_mode_changed');

describe.each(topologies)('a room $name', ({ start }) => {
  let place: Place;
  let media: FakeMediaService;
  beforeEach(async () => {
    media = await FakeMediaService.start();
    place = await start({ MEDIA_SERVICE_URL: media.url, INTERNAL_SERVICE_KEY: media.key });
  });
  afterEach(async () => {
    await place.stop();
    await media.die();
  });

  /** Its creator on the left, who is the host, and a guest on the right. */
  const pair = async (mode?: string): Promise<{ room: Room; anna: RoamingPeer; bert: RoamingPeer }> => {
    const { left, right } = place;
    const owner = await left.signIn();
    const room = await makeRoom(left, owner, mode);
    const [anna, bert] = [
      new RoamingPeer(room, 'anna', owner),
      new RoamingPeer(room, 'bert', await right.signIn()),
    ];
    expect(await anna.join(left)).toMatchObject({ mode: mode ?? 'P2P' });
    expect(await bert.join(right)).toMatchObject({ mode: mode ?? 'P2P' });
    await anna.expect({ type: 'user_joined', peer_id: 'bert' });
    return { room, anna, bert };
  };
  const newcomer = async (room: Room, node: TestNode): Promise<unknown> => {
    const carl = new RoamingPeer(room, 'carl', await node.signIn());
    const { mode } = await carl.join(node);
    carl.send({ type: 'leave_room' });
    await carl.until({ type: 'room_left' });
    return mode;
  };

  test('[O1] [O3] is in the mode that it was made in, until its host changes it and all are told once', async () => {
    const { room, anna, bert } = await pair('SFU');
    anna.send({ type: 'set_room_mode', mode: 'P2P', id: 'm1' });
    const changed = { type: 'room_mode_changed', mode: 'P2P', reason: 'host', by: 'anna' };
    await anna.expectAll(changed, { reply_to: 'm1' });
    await bert.expect(changed);
    anna.send({ type: 'set_room_mode', mode: 'P2P', id: 'm2' });
    await anna.expect({ reply_to: 'm2' });
    expect(await newcomer(room, place.right)).toBe('P2P');
    expect(modesTold([...(await anna.told()), ...(await bert.told())])).toEqual([]);
  });

  test('[O1] is not changed by a guest', async () => {
    const { anna, bert } = await pair();
    bert.send({ type: 'set_room_mode', mode: 'P2P', id: 'm1' });
    expect(await bert.next()).toMatchObject({ type: 'error', code: 'NOT_HOST', reply_to: 'm1' });
    expect(modesTold([...(await anna.told()), ...(await bert.told())])).toEqual([]);
  });

  test('[O1] is changed by its creator over HTTP, at whichever node, and by nobody else', async () => {
    const { room, anna, bert } = await pair('SFU');
    await expect(patch(place.right, room, bert.user, { mode: 'P2P' })).resolves.toBe(403);
    await expect(patch(place.right, room, anna.user, { mode: 'p2p' })).resolves.toBe(200);
    const changed = { type: 'room_mode_changed', mode: 'P2P', reason: 'host', by: null };
    await anna.expect(changed);
    await bert.expect(changed);
    expect(await newcomer(room, place.left)).toBe('P2P');
  });

  test('[O1] is as its host has left it when all have gone and somebody comes again', async () => {
    const { room, anna, bert } = await pair('SFU');
    anna.send({ type: 'set_room_mode', mode: 'P2P', id: 'm1' });
    await anna.until({ reply_to: 'm1' });
    // Its record is written before the next request of that session is looked at.
    await anna.told();
    for (const peer of [anna, bert]) {
      peer.send({ type: 'leave_room' });
      await peer.until({ type: 'room_left' });
    }
    expect(await newcomer(room, place.right)).toBe('P2P');
    expect(await newcomer(room, place.left)).toBe('P2P');
  });
});

describe('without a Media Service', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  test('[O1] [M11] a room is neither made nor becomes SFU, and who wants that is told why', async () => {
    const user = await server.signIn();
    const why = 'This server has no Media Service: rooms are P2P (its operator sets MEDIA_SERVICE_URL).';
    const made = await server.post('/create-room', { mode: 'SFU' }, user.id_token);
    expect(made.status).toBe(503);
    expect(made.text).toContain(why);
    expect((await server.post('/rooms', { mode: 'SFU' }, user.id_token)).status).toBe(503);
    const anna = await server.join(await server.createRoom(user), 'anna', {}, user);
    anna.send({ type: 'set_room_mode', mode: 'SFU', id: 'm1' });
    await anna.expect({ type: 'error', code: 'MEDIA_UNAVAILABLE', message: why, reply_to: 'm1' });
  });
});

describe('the memory of who sits where is lost', () => {
  let nodes: MemoryNodes;
  beforeEach(() => {
    nodes = new MemoryNodes();
  });
  afterEach(() => nodes.stop());

  /** Its record says P2P; there were too many for that. */
  const grown = async (): Promise<{
    readonly left: Awaited<ReturnType<MemoryNodes['start']>>;
    readonly right: Awaited<ReturnType<MemoryNodes['start']>>;
    readonly scene: Scene;
    readonly peers: readonly [RoamingPeer, RoamingPeer];
  }> => {
    const [left, right] = [await nodes.start('left'), await nodes.start('right')];
    const scene = await Scene.open(left.node);
    const peers = [await scene.join(left.node, 'anna'), await scene.join(right.node, 'bert')] as const;
    const another = nodes.cluster.presence(asNodeId('another'));
    await another.setMode(asRoomId(scene.room.room_id), 'SFU', { reason: 'size' });
    for (const peer of peers)
      await peer.expect({ type: 'room_mode_changed', mode: 'SFU', reason: 'size', by: null });
    return { left, right, scene, peers };
  };

  test('[O3] and not how its media goes: nobody is told anything', async () => {
    const { peers, scene, left } = await grown();
    nodes.cluster.forget();
    await nodes.pass(minuteMs);
    for (const peer of peers) await peer.expectNothing();
    const carl = new RoamingPeer(scene.room, 'carl', await left.node.signIn());
    expect(await carl.join(left.node)).toMatchObject({ mode: 'SFU' });
  });

  test('[O3] and somebody comes elsewhere before it is written again: it is SFU there too', async () => {
    const { peers, scene } = await grown();
    const { node } = await nodes.start('third');
    nodes.cluster.forget();
    const carl = new RoamingPeer(scene.room, 'carl', await node.signIn());
    const { mode } = await carl.join(node);
    await nodes.pass(minuteMs);
    for (const peer of peers) expect(modesTold(await peer.told())).toEqual([]);
    expect(modesTold(await carl.told()).at(-1)?.['mode'] ?? mode).toBe('SFU');
  });
});

describe('Redis loses who sits where, and a peer comes before that is written again', () => {
  let pair: ProcessPair;
  let redis: RedisNodes;
  beforeEach(async () => {
    pair = await ProcessPair.start();
    redis = new RedisNodes({ REDIS_URL: pair.redis.url });
  });
  afterEach(async () => {
    redis.close();
    await pair.stop();
  });

  test.each(['left', 'right'] as const)(
    '[O3] at the %s node: nobody goes back to P2P, nor thinks so',
    async (where) => {
      const scene = await Scene.open(pair.left);
      const peers = await scene.pair(pair);
      const roomId = asRoomId(scene.room.room_id);
      const { presence } = await redis.open(asNodeId('another'));
      await presence.setMode(roomId, 'SFU', { reason: 'size' });
      for (const peer of peers) await peer.expect({ type: 'room_mode_changed', mode: 'SFU' });
      await pair.redis.ask((client) => client.del(keys.seats(roomId), keys.nodes(roomId)));
      const carl = new RoamingPeer(scene.room, 'carl', await pair[where].signIn());
      expect(await carl.join(pair[where])).toMatchObject({ mode: 'SFU' });
      const dora = new RoamingPeer(scene.room, 'dora', await pair.right.signIn());
      while ((await presence.view(roomId)).mode !== 'SFU');
      expect(await dora.join(pair.right)).toMatchObject({ mode: 'SFU' });
      for (const peer of [...peers, carl]) {
        const told = await peer.until({ type: 'user_joined', peer_id: 'dora' });
        expect(modesTold(told)).toEqual([]);
      }
    },
  );
});
