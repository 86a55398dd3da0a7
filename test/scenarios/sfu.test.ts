/** Two nodes over Redis and a Media Service with its worker, each a process of its own; and what happens when they die. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.js';
import { mediaKey, MediaProcess } from '../support/media-service.js';
import { ProcessBuild } from '../support/process-build.js';
import { SfuPeer } from '../support/sfu-peer.js';
import type { TestNode } from '../support/test-node.js';
import { ProcessPair, Scene, signal } from '../support/topology.js';

let made: ProcessBuild;
let media: MediaProcess;
let nodes: ProcessPair;
let settings: Readonly<Record<string, string>>;

beforeAll(async () => {
  made = await ProcessBuild.make('src/media/main.ts');
  settings = { MEDIA_PORT: String(await freePort()) };
  media = await MediaProcess.start(made.entry, settings);
  nodes = await ProcessPair.start({ MEDIA_SERVICE_URL: media.url, INTERNAL_SERVICE_KEY: mediaKey });
});
afterAll(async () => {
  await nodes.stop();
  await media.stop();
  made.remove();
});

const names = ['anna', 'bert', 'carl', 'dora'] as const;

/** The first on the left, the second on the right, and so on, in a room that its host has made SFU. */
async function gather(count: number): Promise<{ readonly scene: Scene; readonly peers: SfuPeer[] }> {
  const scene = await Scene.open(nodes.left);
  const peers: SfuPeer[] = [];
  for (const [at, name] of names.slice(0, count).entries()) {
    const node: TestNode = at % 2 === 0 ? nodes.left : nodes.right;
    peers.push(new SfuPeer(await scene.join(node, name)));
  }
  await toSfu(peers);
  return { scene, peers };
}

async function toSfu(peers: readonly SfuPeer[]): Promise<void> {
  // After an outage the node that the host is on may not know yet that the service is back.
  const [host] = peers;
  while ((await host?.ask('set_room_mode', { mode: 'SFU' }))?.['type'] === 'error')
    await nodes.left.post('/healthz');
  for (const peer of peers) await peer.find({ type: 'room_mode_changed', mode: 'SFU' });
}

function two(peers: readonly SfuPeer[]): readonly [SfuPeer, SfuPeer] {
  const [first, second] = peers;
  if (first === undefined || second === undefined) throw new Error('there are not two');
  return [first, second];
}

describe('while all is well', () => {
  test('[M5] [M6] what one produces the others can consume, on whichever node', async () => {
    const { scene, peers } = await gather(3);
    const [anna, bert] = two(peers);
    const producerId = await anna.speak();
    for (const peer of peers.slice(1)) {
      const { producer_id: told, peer_id: whose } = await peer.find({ type: 'sfu_new_producer' });
      expect([told, whose]).toEqual([producerId, 'anna']);
    }
    const epoch = await bert.begin();
    const receiver = await bert.transport('recv');
    expect(await bert.connect(receiver)).toMatchObject({
      type: 'sfu_connect_transport',
      transport_id: receiver,
    });
    const consumer = await bert.consume(producerId);
    expect(consumer).toMatchObject({
      type: 'sfu_consume',
      producer_id: producerId,
      kind: 'audio',
      paused: true,
    });
    const resumed = { consumer_id: consumer['consumer_id'] };
    expect(await bert.ask('sfu_resume_consumer', resumed)).toMatchObject({
      type: 'sfu_resume_consumer',
      ...resumed,
    });
    const late = new SfuPeer(await scene.join(nodes.right, 'late'));
    expect(await late.ask('sfu_get_router_capabilities')).toMatchObject({
      epoch,
      producers: [{ producer_id: producerId, peer_id: 'anna', kind: 'audio', app_data: { source: 'anna' } }],
    });
    await anna.ask('sfu_close_producer', { producer_id: producerId });
    for (const peer of [...peers.slice(1), late])
      await peer.find({ type: 'sfu_producer_closed', producer_id: producerId });
    for (const peer of [...peers, late]) expect(await peer.news()).toEqual([]);
  });

  test('[M6] who leaves takes its producers along, and nobody can use what is another\u2019s', async () => {
    const { peers } = await gather(2);
    const [anna, bert] = two(peers);
    const producerId = await anna.speak();
    await bert.find({ type: 'sfu_new_producer', producer_id: producerId });
    await bert.begin();
    expect(await bert.ask('sfu_close_producer', { producer_id: producerId })).toMatchObject({
      type: 'error',
      code: 'MEDIA_NOT_FOUND',
    });
    anna.peer.send({ type: 'leave_room' });
    await bert.find({ type: 'sfu_producer_closed', producer_id: producerId });
    expect(await bert.news()).toEqual([]);
  });

  test('[M6] who goes on at the other node keeps its transport, and what hangs on it', async () => {
    const { peers } = await gather(2);
    const [anna, bert] = two(peers);
    await anna.begin();
    const transport = await anna.transport('send');
    const first = await anna.produce(transport);
    await bert.find({ type: 'sfu_new_producer', producer_id: first['producer_id'] });
    anna.peer.cut();
    await anna.resume(nodes.right);
    const second = await anna.produce(transport);
    expect(second).toMatchObject({ type: 'sfu_produce' });
    await bert.find({ type: 'sfu_new_producer', producer_id: second['producer_id'] });
    for (const peer of peers) expect(await peer.news()).toEqual([]);
  });

  test('[M6] who has left without a word, and its node with it, is heard of no more', async () => {
    const { peers } = await gather(2);
    const [anna, bert] = two(peers);
    const producerId = await bert.speak();
    await anna.find({ type: 'sfu_new_producer' });
    const dead = nodes.rightProcess;
    await dead.kill();
    await anna.find({ type: 'sfu_producer_closed', producer_id: producerId });
    await nodes.replaceRight();
  });
});

describe('when it dies', () => {
  let peers: SfuPeer[] = [];

  afterEach(() => {
    for (const { peer } of peers) peer.cut();
  });

  /** Everybody begins anew and hears one of them. */
  async function talk(): Promise<void> {
    const [anna, ...others] = peers;
    const producerId = await anna?.speak();
    for (const peer of others) await peer.find({ type: 'sfu_new_producer', producer_id: producerId });
  }

  let said = 0;
  async function chat(): Promise<void> {
    const [anna, bert] = two(peers);
    said += 1;
    anna.peer.send(signal('offer', 'bert', said, `offer ${String(said)}`));
    await bert.find({ type: 'offer', n: said });
    const content = `still there ${String(said)}`;
    bert.peer.send({ type: 'chat_message', content });
    await anna.find({ type: 'chat_message', content });
  }

  test('[M9] [M10] the worker: everybody is told, and begins anew without joining again', async () => {
    ({ peers } = await gather(2));
    const [anna, bert] = two(peers);
    await talk();
    const before = await bert.begin();
    await media.killWorkers();
    await chat();
    const epochs = await Promise.all(
      peers.map(async (peer) => (await peer.find({ type: 'sfu_restarted' }))['epoch']),
    );
    expect(new Set(epochs).size).toBe(1);
    expect(epochs[0]).not.toBe(before);
    await talk();
    expect(await anna.begin()).toBe(epochs[0]);
    for (const peer of peers) expect(await peer.news()).toEqual([]);
  });

  test('[M8] [M10] the service: two peers are told, and go on in P2P; when it is back they may come again', async () => {
    ({ peers } = await gather(2));
    await talk();
    await media.kill();
    await chat();
    for (const peer of peers) {
      await peer.find({ type: 'error', code: 'MEDIA_UNAVAILABLE', message: 'Media Server Unavailable' });
      await peer.find({ type: 'room_mode_changed', mode: 'P2P', reason: 'media_unavailable' });
      expect(await peer.ask('sfu_get_router_capabilities')).toMatchObject({ code: 'WRONG_MODE' });
    }
    await chat();
    media = await MediaProcess.start(made.entry, settings);
    await toSfu(peers);
    await talk();
  });

  test('[M8] [M9] [M10] the service: four peers stay, and are told when it is back', async () => {
    ({ peers } = await gather(4));
    await talk();
    // It stands still first: connections are taken, and nothing is answered.
    media.signal('SIGSTOP');
    await chat();
    for (const peer of peers) await peer.find({ type: 'error', code: 'MEDIA_UNAVAILABLE' });
    for (const peer of peers)
      expect(await peer.ask('sfu_get_router_capabilities')).toMatchObject({ code: 'MEDIA_UNAVAILABLE' });
    await chat();
    await media.kill();
    media = await MediaProcess.start(made.entry, settings);
    for (const peer of peers) await peer.find({ type: 'sfu_restarted' });
    await talk();
    for (const peer of peers) expect(await peer.news()).toEqual([]);
  });
});
