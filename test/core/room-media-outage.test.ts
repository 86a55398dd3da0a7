/** Media Services that hang, die, come back and forget, as the signaling server sees it. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { HttpMediaService } from '../../src/adapters/http/http-media-service.js';
import { asPeerId } from '../../src/protocol/ids.js';
import { MediaNodes, type MediaNode, type MediaPeer } from '../support/fake-media-nodes.js';
import { FakeMediaService } from '../support/fake-media-service.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { WireFrame } from '../../src/protocol/wire-frame.js';

let services: FakeMediaService[];
let world: MediaNodes;

beforeEach(async () => {
  services = [await FakeMediaService.start(), await FakeMediaService.start()];
  world = new MediaNodes();
});
afterEach(async () => {
  await world.stop();
  for (const service of services) await service.die();
});

/** The same service, reached by a way that can be cut. */
class ByAnotherWay extends HttpMediaService {
  override readonly name: string;

  constructor({ url, key }: FakeMediaService, proxy: FaultProxy) {
    super({ baseUrl: proxy.url, key });
    this.name = url;
  }
}

const lost = { type: 'media_unavailable' };
const toP2p = { type: 'mode_changed', mode: 'P2P', reason: 'media_unavailable', by: undefined };

async function seats(nodes: readonly MediaNode[], names: readonly string[]): Promise<MediaPeer[]> {
  const peers: MediaPeer[] = [];
  for (const [at, name] of names.entries()) {
    const node = nodes[at % nodes.length];
    if (node !== undefined) peers.push(await world.join(node, name));
  }
  return peers;
}

/** All ask for the router, so that each has something to lose. */
async function begin(peers: readonly MediaPeer[]): Promise<string> {
  let epoch = '';
  for (const peer of peers) ({ epoch } = (await peer.ask({ op: 'capabilities' })).router);
  return epoch;
}

function first<Item>(items: readonly Item[]): Item {
  const [item] = items;
  if (item === undefined) throw new Error('there is none');
  return item;
}

function kinds(peer: MediaPeer): string[] {
  return peer.news.map(({ type }) => type);
}

describe('one service', () => {
  let service: FakeMediaService;
  let one: MediaNode;
  let two: MediaNode;

  beforeEach(async () => {
    [service] = services as [FakeMediaService];
    await world.openRoom();
    [one, two] = [await world.start('one', [service]), await world.start('two', [service])];
  });

  test('[M8] [O3] three peers whose service is killed are told, and go on in P2P', async () => {
    const peers = await seats([one, two], ['anna', 'bert', 'carl']);
    await begin(peers);
    await service.die();
    for (const peer of peers) await peer.until('mode_changed');
    // The node that finds out first says both at once, the other one hears of the mode.
    for (const { news } of peers) {
      expect(news).toHaveLength(2);
      expect(news).toEqual(expect.arrayContaining([lost, toP2p]));
    }
    await world.untilTrue(() => [one, two].every(({ ports }) => ports.tally.media_outages === 1));
    expect(await peers[0]?.refused({ op: 'capabilities' })).toBe('WRONG_MODE');
    const late = await world.join(two, 'late');
    expect(late.joined.mode).toBe('P2P');
    await service.revive();
    await world.rounds(service, 3, '/health');
    for (const peer of peers) expect(peer.news).toHaveLength(2);
  });

  test('[M8] [M9] four stay, are refused at once, and are told when it is back that all begins anew', async () => {
    const peers = await seats([one, two], ['anna', 'bert', 'carl', 'dora']);
    const [anna] = peers as [MediaPeer];
    const before = await begin(peers);
    await service.die();
    for (const peer of peers) await peer.until('media_unavailable');
    const asked = service.calls.length;
    const refusal = await anna.answer(anna.send({ op: 'capabilities' }));
    expect(refusal).toMatchObject({
      error: { code: 'MEDIA_UNAVAILABLE', message: 'Media Server Unavailable', retryable: true },
    });
    expect(service.calls).toHaveLength(asked);
    await service.revive();
    for (const peer of peers) await peer.until('media_restarted');
    const epoch = service.rooms.get('room')?.epoch;
    expect(epoch).not.toBe(before);
    for (const peer of peers) expect(peer.news).toEqual([lost, { type: 'media_restarted', epoch }]);
    const producerId = await anna.produce();
    for (const peer of peers.slice(1)) {
      const { producer } = await peer.until('producer_opened');
      expect(producer).toMatchObject({ producerId, peerId: 'anna' });
    }
    await world.rounds(service, 4);
    for (const { ports } of [one, two])
      expect(ports.tally).toMatchObject({ media_outages: 1, media_restarts: 1 });
  });

  test('[M8] [M10] a service that hangs is one too, and meanwhile signals go on', async () => {
    const peers = await seats([one, two], ['anna', 'bert', 'carl', 'dora']);
    const [anna, bert] = peers as [MediaPeer, MediaPeer];
    await begin(peers);
    service.fault = { kind: 'hang' };
    const id = anna.send({ op: 'create_transport', direction: 'send' });
    const said = { kind: 'offer', from: asPeerId('anna'), to: asPeerId('bert'), body: {} } as const;
    const frame = new WireFrame('none', Buffer.alloc(4), true);
    void anna.do({ type: 'signal', ...said, frame });
    await bert.until('signal');
    expect(kinds(bert)).toEqual([]);
    for (const peer of peers) await peer.until('media_unavailable');
    expect(await anna.answer(id)).toMatchObject({ error: { code: 'MEDIA_UNAVAILABLE' } });
    service.fault = { kind: 'none' };
    // It has lost nothing: what the peers have there goes on.
    while ((await anna.refused({ op: 'create_transport', direction: 'send' })) !== 'media')
      await world.settle();
    await world.rounds(service, 4);
    for (const peer of peers) expect(peer.news).toEqual([lost]);
  });

  test.each(['nonsense', 'garbage', 'INTERNAL', 'FORBIDDEN'] as const)(
    '[M8] a service that answers %s is not there',
    async (kind) => {
      const [anna] = (await seats([one], ['anna'])) as [MediaPeer];
      await begin([anna]);
      service.fault = { kind };
      await anna.until('mode_changed');
      expect(anna.news).toEqual([lost, toP2p]);
    },
  );

  test('[M8] one failure is none', async () => {
    const [anna] = (await seats([one], ['anna'])) as [MediaPeer];
    await begin([anna]);
    service.fault = { kind: 'nonsense' };
    await world.until(service.call('/keep', (body) => JSON.stringify(body).includes('room')));
    service.fault = { kind: 'none' };
    await world.rounds(service, 4);
    expect(anna.news).toEqual([]);
    expect(one.ports.tally.media_outages).toBe(0);
  });

  test('[M8] rooms that shrink below four while the service is away become P2P', async () => {
    const peers = await seats([one, two], ['anna', 'bert', 'carl', 'dora']);
    await begin(peers);
    await service.die();
    for (const peer of peers) await peer.until('media_unavailable');
    void peers[3]?.do({ type: 'leave' });
    for (const peer of peers.slice(0, 3)) await peer.until('mode_changed');
    for (const peer of peers.slice(0, 3)) expect(peer.news).toEqual([lost, toP2p]);
  });

  test('[M8] a node that sees later that the service is back does not undo what another one has begun', async () => {
    const proxy = await FaultProxy.start(Number(new URL(service.url).port));
    const three = await world.start('three', [new ByAnotherWay(service, proxy)]);
    const peers = await seats([one, three], ['anna', 'bert']);
    const [anna, bert] = peers as [MediaPeer, MediaPeer];
    await begin(peers);
    proxy.set({ kind: 'refuse' });
    for (const peer of peers) await peer.until('mode_changed');
    await world.untilTrue(() => three.ports.tally.media_outages === 1);
    void anna.do({ type: 'set_mode', mode: 'SFU' });
    await bert.until('mode_changed', 2);
    await world.pass(2_000);
    proxy.set({ kind: 'pass' });
    await anna.produce();
    await bert.until('producer_opened');
    await world.rounds(service, 8);
    expect(kinds(bert).slice(2)).toEqual(['mode_changed', 'producer_opened']);
    // Those who were not cut off have found nothing out.
    expect(one.ports.tally.media_outages).toBe(0);
    await proxy.stop();
  });

  test('[M8] [O2] a room that is P2P for want of a service is not made SFU by a node that reaches it', async () => {
    const proxy = await FaultProxy.start(Number(new URL(service.url).port));
    const near = await world.start('near', [service], { sfuAbovePeers: 1 });
    const far = await world.start('far', [new ByAnotherWay(service, proxy)], { sfuAbovePeers: 1 });
    const peers = await seats([near, far], ['anna', 'bert']);
    const [anna, bert] = peers as [MediaPeer, MediaPeer];
    await begin(peers);
    proxy.set({ kind: 'refuse' });
    for (const peer of peers) await peer.until('mode_changed');
    await world.pass(10_000);
    for (const { news } of peers) expect(news.filter(({ type }) => type === 'mode_changed')).toEqual([toP2p]);
    proxy.set({ kind: 'pass' });
    for (const peer of [anna, bert])
      expect(await peer.until('mode_changed', 2)).toMatchObject({ reason: 'size' });
    await proxy.stop();
  });

  test('[M8] they become P2P as soon as the presence can be told', async () => {
    const peers = await seats([one], ['anna', 'bert']);
    await begin(peers);
    world.cluster.cut(one.id);
    await service.die();
    for (const peer of peers) await peer.until('media_unavailable');
    world.cluster.mend(one.id);
    for (const peer of peers) await peer.until('mode_changed');
    for (const peer of peers) expect(peer.news).toEqual([lost, toP2p]);
  });

  test('[M9] a router that is gone is told to everybody once, and everybody begins anew', async () => {
    const peers = await seats([one, two], ['anna', 'bert']);
    const [anna, bert] = peers as [MediaPeer, MediaPeer];
    const before = await begin(peers);
    await anna.produce();
    await bert.until('producer_opened');
    service.loseRouter('room');
    for (const peer of peers) await peer.until('media_restarted');
    await world.rounds(service, 6);
    const epoch = service.rooms.get('room')?.epoch ?? '';
    expect(epoch).not.toBe(before);
    for (const { ports } of [one, two]) expect(ports.tally.media_restarts).toBe(1);
    const producerId = await bert.produce();
    const { producer } = await anna.until('producer_opened');
    expect(producer.producerId).toBe(producerId);
    expect(kinds(anna)).toEqual(['media_restarted', 'producer_opened']);
    const late = await world.join(two, 'late');
    expect(late.joined).toMatchObject({ mode: 'SFU', mediaEpoch: epoch });
    await world.rounds(service, 3);
    expect(late.news).toEqual([]);
  });

  test('[M9] what is asked of a router that is gone is refused MEDIA_RESTARTED, but for its capabilities', async () => {
    const [anna] = (await seats([one], ['anna'])) as [MediaPeer];
    await begin([anna]);
    service.loseRouter('room');
    expect(await anna.refused({ op: 'create_transport', direction: 'send' })).toBe('MEDIA_RESTARTED');
    const { router } = await anna.ask({ op: 'capabilities' });
    await anna.until('media_restarted');
    await world.rounds(service, 3);
    expect(anna.news).toEqual([{ type: 'media_restarted', epoch: router.epoch }]);
  });
});

describe('two services', () => {
  let nodes: MediaNode[];
  const at = (): string[] =>
    services
      .slice(0, 2)
      .flatMap((service, index) => (service.rooms.has('room') ? [`service ${String(index)}`] : []));

  beforeEach(async () => {
    await world.openRoom();
    const [east, west] = services as [FakeMediaService, FakeMediaService];
    east.load = 0.5;
    nodes = [await world.start('one', [east, west]), await world.start('two', [west, east])];
    await world.untilTrue(() => services.every((service) => service.count('/health') >= 2));
    await world.settle();
  });

  test('[M7] a room is at the least loaded, whichever node asks', async () => {
    const peers = await seats(nodes, ['anna', 'bert']);
    await begin(peers);
    expect(at()).toEqual(['service 1']);
    const [east, west] = services as [FakeMediaService, FakeMediaService];
    [east.load, west.load] = [0, 0.9];
    await world.rounds(west, 3);
    await begin(peers);
    expect(at()).toEqual(['service 1']);
    const other = await world.openRoom('SFU', 'another');
    const carl = await world.join(first(nodes), 'carl');
    // Once the node has asked for the load of the one that it does not use.
    await world.untilTrue(() => east.count('/health') >= 4);
    await world.settle();
    await begin([carl]);
    expect(east.rooms.has(other.roomId)).toBe(true);
  });

  test('[M7] rooms that are made at once are spread', async () => {
    const [east, west] = services as [FakeMediaService, FakeMediaService];
    east.load = 0;
    await world.untilTrue(() => east.count('/health') >= 4);
    await world.settle();
    const peers: MediaPeer[] = [];
    for (let room = 0; room < 6; room += 1) {
      await world.openRoom('SFU', `room ${String(room)}`);
      peers.push(await world.join(first(nodes), 'anna'));
    }
    await Promise.all(peers.map((peer) => begin([peer])));
    expect([east.rooms.size, west.rooms.size]).toEqual([3, 3]);
  });

  test('[M7] [M9] a room is placed anew when its service is gone, once for all nodes', async () => {
    const peers = await seats(nodes, ['anna', 'bert', 'carl', 'dora']);
    await begin(peers);
    const [east, west] = services as [FakeMediaService, FakeMediaService];
    await west.die();
    for (const peer of peers) await peer.until('media_restarted');
    const epoch = east.rooms.get('room')?.epoch ?? '';
    for (const peer of peers) expect(peer.news).toEqual([lost, { type: 'media_restarted', epoch }]);
    const producerId = await first(peers).produce();
    for (const peer of peers.slice(1))
      expect((await peer.until('producer_opened')).producer).toMatchObject({ producerId });
    // It stays there when the other one is back.
    await west.revive();
    await world.rounds(east, 4);
    await begin(peers);
    expect(at()).toEqual(['service 0']);
    for (const peer of peers)
      expect(kinds(peer).filter((kind) => kind === 'media_restarted')).toHaveLength(1);
  });

  test('[M7] a node that cannot reach it takes the others along', async () => {
    const [east, west] = services as [FakeMediaService, FakeMediaService];
    // This node alone has another way to it, which is closed.
    const alone = await FakeMediaService.start();
    services.push(alone);
    const three = await world.start('three', [east, alone]);
    await world.placement.place(world.room.roomId, alone.url);
    const peers = await seats([three, ...nodes], ['anna', 'bert', 'carl', 'dora']);
    await begin(peers.slice(0, 1));
    await alone.die();
    await peers[0]?.until('media_restarted');
    await begin(peers);
    expect(at()).toEqual(['service 0']);
    expect(west.rooms.size).toBe(0);
  });

  test('[M7] a placement that the memory has lost is put back', async () => {
    const peers = await seats(nodes, ['anna', 'bert']);
    const epoch = await begin(peers);
    await world.placement.forget(world.room.roomId);
    const [, west] = services as [FakeMediaService, FakeMediaService];
    await world.rounds(west, 40);
    await expect(world.placement.find(world.room.roomId)).resolves.toBe(west.url);
    expect(await begin(peers)).toBe(epoch);
    for (const peer of peers) expect(peer.news).toEqual([]);
  });
});
