/** What the signaling server does for rooms whose media goes through a Media Service; the service is asked over HTTP. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { asPeerId } from '../../src/protocol/ids.js';
import { MediaNodes, type MediaPeer } from '../support/fake-media-nodes.js';
import { FakeMediaService } from '../support/fake-media-service.js';

let service: FakeMediaService;
let world: MediaNodes;

beforeEach(async () => {
  service = await FakeMediaService.start();
  world = new MediaNodes();
});
afterEach(async () => {
  await world.stop();
  await service.die();
});

const opened = (producerId: string, peerId: string): object => ({
  type: 'producer_opened',
  producer: { producerId, peerId, kind: 'audio', appData: {} },
});
const closed = (producerId: string, peerId: string): object => ({
  type: 'producer_closed',
  producerId,
  peerId,
});

function expectNews(peers: readonly MediaPeer[], ...news: readonly object[]): void {
  for (const peer of peers) expect([peer.name, peer.news]).toEqual([peer.name, news]);
}

describe('what peers ask', () => {
  test('[M5] every request is forwarded with who asks, and answered', async () => {
    await world.openRoom();
    const node = await world.start('one', [service]);
    const [anna, bert] = [await world.join(node, 'anna'), await world.join(node, 'bert')];
    const first = await anna.ask({ op: 'capabilities' });
    expect(first).toMatchObject({ router: { rtpCapabilities: { codecs: [] } }, producers: [] });
    const producerId = await anna.produce();
    const { producers } = await bert.ask({ op: 'capabilities' });
    expect(producers).toEqual([{ producerId, peerId: 'anna', kind: 'audio', appData: {} }]);
    const { transport, direction } = await bert.ask({ op: 'create_transport', direction: 'recv' });
    expect(direction).toBe('recv');
    const dtlsParameters = {
      fingerprints: [{ algorithm: 'sha-1' as const, value: Array(20).fill('AB').join(':') }],
    };
    const { id: transportId } = transport;
    expect(await bert.ask({ op: 'connect_transport', transportId, dtlsParameters })).toMatchObject({
      transportId,
    });
    const { consumer } = await bert.ask({
      op: 'consume',
      transportId: undefined,
      producerId,
      rtpCapabilities: {},
    });
    expect(consumer).toMatchObject({ producerId, peerId: 'anna', kind: 'audio' });
    const { consumerId } = await bert.ask({ op: 'resume_consumer', consumerId: consumer.id });
    expect(consumerId).toBe(consumer.id);
    expect(await anna.ask({ op: 'close_producer', producerId })).toMatchObject({ producerId });
    const owners = service.calls.flatMap(({ body }) =>
      typeof body === 'object' && body !== null && 'owner' in body ? [body.owner] : [],
    );
    expect(new Set(owners)).toEqual(new Set([anna.joined.sessionId, bert.joined.sessionId]));
  });

  test('[M5] what is somebody else\u2019s, or not there, is refused by its code', async () => {
    await world.openRoom();
    const node = await world.start('one', [service]);
    const anna = await world.join(node, 'anna');
    expect(await anna.refused({ op: 'resume_consumer', consumerId: 'x' })).toBe('MEDIA_RESTARTED');
    await anna.ask({ op: 'capabilities' });
    expect(await anna.refused({ op: 'resume_consumer', consumerId: 'x' })).toBe('MEDIA_NOT_FOUND');
    for (const [kind, code] of [
      ['FULL', 'MEDIA_FULL'],
      ['INVALID', 'INVALID_MESSAGE'],
      ['INTERNAL', 'INTERNAL'],
    ] as const) {
      service.fault = { kind, path: '/transports' };
      expect(await anna.refused({ op: 'create_transport', direction: 'send' })).toBe(code);
    }
    // However often that is: a peer that asks nonsense puts no service out of use.
    service.fault = { kind: 'none' };
    await anna.ask({ op: 'create_transport', direction: 'send' });
    expect(node.ports.tally).toMatchObject({ media_outages: 0, media_refused: 5, media_requests: 7 });
  });

  test('[M5] [M10] requests are answered in order, and nothing else waits for them', async () => {
    await world.openRoom();
    const node = await world.start('one', [service]);
    const [anna, bert] = [await world.join(node, 'anna'), await world.join(node, 'bert')];
    await anna.ask({ op: 'capabilities' });
    service.fault = { kind: 'hang', path: '/transports' };
    const hanging = anna.send({ op: 'create_transport', direction: 'send' });
    const next = anna.send({ op: 'resume_consumer', consumerId: 'x' });
    const signal = {
      kind: 'offer',
      from: asPeerId('anna'),
      to: asPeerId('bert'),
      body: { sdp: 'v=0' },
    } as const;
    void anna.do({ type: 'signal', ...signal, frame: undefined });
    // In this very turn.
    expect(bert.told.at(-1)?.event).toMatchObject({ type: 'signal', kind: 'offer' });
    expect(await anna.answer(hanging)).toMatchObject({
      error: { code: 'MEDIA_UNAVAILABLE', retryable: true },
    });
    await anna.answer(next);
    const answers = anna.told.flatMap(({ ask }) => (ask?.id === undefined ? [] : [ask.id]));
    expect(answers.slice(-2)).toEqual([hanging, next]);
    // One room that hangs is no outage.
    expect(node.ports.tally.media_outages).toBe(0);
  });

  test('[M5] more than 32 at a time are refused RATE_LIMITED, and the others are answered', async () => {
    await world.openRoom();
    const node = await world.start('one', [service]);
    const anna = await world.join(node, 'anna');
    const ids = Array.from({ length: 40 }, () => anna.send({ op: 'capabilities' }));
    const answers = await Promise.all(ids.map((id) => anna.answer(id)));
    const refusals = answers.flatMap((event) => (event.type === 'refused' ? [event.error] : []));
    expect(refusals.map(({ code, retryAfterMs }) => [code, retryAfterMs])).toEqual(
      Array.from({ length: 8 }, () => ['RATE_LIMITED', 1000]),
    );
    expect(answers.filter(({ type }) => type === 'media')).toHaveLength(32);
  });

  test('[M11] in a P2P room they are refused, and without a Media Service with a text that says so', async () => {
    await world.openRoom('P2P');
    const [node, bare] = [await world.start('one', [service]), await world.start('bare', [])];
    const anna = await world.join(node, 'anna');
    expect(await anna.refused({ op: 'capabilities' })).toBe('WRONG_MODE');
    const pending = world.clock.pending;
    const bert = await world.join(bare, 'bert');
    const refusal = await bert.answer(bert.send({ op: 'capabilities' }));
    expect(refusal).toMatchObject({ error: { code: 'MEDIA_UNAVAILABLE' } });
    expect(refusal.type === 'refused' && refusal.error.message).toMatch(/has no Media Service/);
    expect(world.clock.pending).toBeLessThanOrEqual(pending + 2);
    expect(service.count('/routers')).toBe(0);
  });

  test('[M5] an answer finds its session on the socket by which it goes on', async () => {
    await world.openRoom();
    const node = await world.start('one', [service]);
    const anna = await world.join(node, 'anna');
    await anna.ask({ op: 'capabilities' });
    const asked = service.call('/transports');
    const id = anna.send({ op: 'create_transport', direction: 'send' });
    await asked;
    anna.drop();
    await world.until(anna.resume(node.node));
    expect(await anna.answer(id)).toMatchObject({ type: 'media', reply: { op: 'create_transport' } });
  });
});

describe('who is told of producers', () => {
  test('[M6] everybody else on every node, once each, and of their end', async () => {
    await world.openRoom();
    const [one, two] = [await world.start('one', [service]), await world.start('two', [service])];
    const anna = await world.join(one, 'anna');
    const others = [
      await world.join(one, 'bert'),
      await world.join(two, 'carl'),
      await world.join(two, 'dora'),
    ];
    const quiet = await world.join(two, 'parity', { quiet: true, isCounted: false });
    const producerId = await anna.produce();
    for (const peer of others) await peer.until('producer_opened');
    await anna.ask({ op: 'close_producer', producerId });
    for (const peer of others) await peer.until('producer_closed');
    await world.rounds(service, 6);
    expectNews(others, opened(producerId, 'anna'), closed(producerId, 'anna'));
    expectNews([anna, quiet]);
  });

  test('[M6] newcomers get them with the capabilities, and not again', async () => {
    await world.openRoom();
    const [one, two] = [await world.start('one', [service]), await world.start('two', [service])];
    const anna = await world.join(one, 'anna');
    const producerId = await anna.produce();
    const bert = await world.join(two, 'bert');
    await world.rounds(service, 4);
    const { producers } = await bert.ask({ op: 'capabilities' });
    expect(producers).toMatchObject([{ producerId, peerId: 'anna' }]);
    await world.rounds(service, 4);
    expectNews([anna, bert]);
    // From then on they are told.
    const second = await bert.produce();
    await anna.until('producer_opened');
    expectNews([anna], opened(second, 'bert'));
  });

  test('[M6] who leaves takes its producers along, for everybody on every node', async () => {
    await world.openRoom();
    const [one, two] = [await world.start('one', [service]), await world.start('two', [service])];
    const [anna, bert] = [await world.join(one, 'anna'), await world.join(two, 'bert')];
    const [first, second] = [await anna.produce(), await bert.produce()];
    await anna.until('producer_opened');
    void anna.do({ type: 'leave' });
    await bert.until('producer_closed');
    expectNews([bert], opened(first, 'anna'), closed(first, 'anna'));
    expectNews([anna], opened(second, 'bert'));
    expect(service.count('/owners/close')).toBe(1);
  });

  test('[M6] the same name by another session takes the place of what the first one had', async () => {
    await world.openRoom();
    const [one, two] = [await world.start('one', [service]), await world.start('two', [service])];
    const bert = await world.join(two, 'bert');
    const anna = await world.join(one, 'anna');
    const first = await anna.produce();
    await bert.until('producer_opened');
    await world.until(anna.join());
    await bert.until('producer_closed');
    expectNews([bert], opened(first, 'anna'), closed(first, 'anna'));
    const second = await anna.produce();
    await bert.until('producer_opened', 2);
    expect(second).not.toBe(first);
  });

  test('[M6] who asked for nothing costs the service nothing when it leaves', async () => {
    await world.openRoom();
    const node = await world.start('one', [service]);
    const [anna, bert] = [await world.join(node, 'anna'), await world.join(node, 'bert')];
    await anna.produce();
    await bert.until('producer_opened');
    void bert.do({ type: 'leave' });
    await world.rounds(service, 3);
    expect(service.count('/owners/close')).toBe(0);
  });

  test('[M6] what was made for somebody who left meanwhile is closed again', async () => {
    await world.openRoom();
    const node = await world.start('one', [service]);
    const [anna, bert] = [await world.join(node, 'anna'), await world.join(node, 'bert')];
    await bert.ask({ op: 'capabilities' });
    await anna.ask({ op: 'capabilities' });
    const made = service.call('/transports');
    anna.send({ op: 'create_transport', direction: 'send' });
    await made;
    // The answer is on its way.
    void anna.do({ type: 'leave' });
    const { sessionId } = anna.joined;
    await world.untilTrue(() => service.count('/owners/close') === 2);
    expect(service.rooms.get('room')?.things.has(sessionId)).toBe(false);
  });

  test('[M6] when a node dies its peers are not named any more, and what the service closes then is told', async () => {
    await world.openRoom();
    const [one, two] = [await world.start('one', [service]), await world.start('two', [service])];
    const [anna, bert] = [await world.join(one, 'anna'), await world.join(two, 'bert')];
    const producerId = await anna.produce();
    await bert.until('producer_opened');
    const named = { rooms: { room: [bert.joined.sessionId, anna.joined.sessionId] } };
    expect(await world.until(service.call('/keep'))).toEqual({
      rooms: { room: expect.arrayContaining(named.rooms.room) },
    });
    world.cluster.kill(one.id);
    one.node.disconnected(anna.session);
    await bert.until('peer_left');
    const alone = { rooms: { room: [bert.joined.sessionId] } };
    await world.until(service.call('/keep', (body) => JSON.stringify(body) === JSON.stringify(alone)));
    service.sweep('room', anna.joined.sessionId);
    await bert.until('producer_closed');
    expectNews([bert], opened(producerId, 'anna'), closed(producerId, 'anna'));
  });

  test('[M6] a hint that was lost is made up for by the next round', async () => {
    await world.openRoom();
    const [one, two] = [await world.start('one', [service]), await world.start('two', [service])];
    const [anna, bert] = [await world.join(one, 'anna'), await world.join(two, 'bert')];
    await bert.ask({ op: 'capabilities' });
    world.cluster.cut(one.id);
    const producerId = await anna.produce();
    await bert.until('producer_opened');
    expectNews([bert], opened(producerId, 'anna'));
    world.cluster.mend(one.id);
    await world.rounds(service, 6);
    expectNews([bert], opened(producerId, 'anna'));
  });
});

describe('who goes on at another node', () => {
  test('[M6] its media stays, and it is told what has changed meanwhile, once', async () => {
    await world.openRoom();
    const [one, two] = [await world.start('one', [service]), await world.start('two', [service])];
    const [anna, bert] = [await world.join(one, 'anna'), await world.join(one, 'bert')];
    const [first] = [await anna.produce(), await bert.produce()];
    await bert.until('producer_opened');
    const told = bert.news.length;
    bert.drop();
    const late = await anna.produce();
    await anna.ask({ op: 'close_producer', producerId: first });
    await world.until(bert.resume(two.node));
    await bert.until('producer_closed');
    await world.rounds(service, 4);
    const news = bert.news.slice(told);
    expect(news).toHaveLength(2);
    expect(news).toEqual(expect.arrayContaining([opened(late, 'anna'), closed(first, 'anna')]));
    expect(service.count('/owners/close')).toBe(0);
    // And it can be left from there.
    void bert.do({ type: 'leave' });
    await anna.until('producer_closed');
  });

  test('[M6] what its old node still asks for it when it moves takes nothing from it', async () => {
    await world.openRoom();
    const [one, two] = [await world.start('one', [service]), await world.start('two', [service])];
    const [anna, bert] = [await world.join(one, 'anna'), await world.join(one, 'bert')];
    const producerId = await anna.produce();
    await bert.until('producer_opened');
    service.fault = { kind: 'hang', path: '/transports' };
    anna.send({ op: 'create_transport', direction: 'recv' });
    await world.until(anna.resume(two.node));
    await world.untilTrue(() => one.ports.tally.media_refused === 1);
    await world.rounds(service, 4);
    expect(service.count('/owners/close')).toBe(0);
    expectNews([bert], opened(producerId, 'anna'));
  });

  test('[M6] when its node is dead, what it has goes on; what it may not know is told', async () => {
    await world.openRoom();
    const [one, two] = [await world.start('one', [service]), await world.start('two', [service])];
    const [anna, bert] = [await world.join(one, 'anna'), await world.join(two, 'bert')];
    const [first, second] = [await anna.produce(), await bert.produce()];
    await anna.until('producer_opened');
    world.cluster.kill(one.id);
    const told = anna.news.length;
    await world.until(anna.resume(two.node));
    await world.rounds(service, 4);
    expect(anna.news.slice(told)).toEqual([opened(second, 'bert')]);
    expectNews([bert], opened(first, 'anna'));
    expect(service.rooms.get('room')?.producers).toHaveLength(2);
  });

  test('[M9] when the router has gone while it was between two nodes it is told so', async () => {
    await world.openRoom();
    const [one, two] = [await world.start('one', [service]), await world.start('two', [service])];
    const anna = await world.join(one, 'anna');
    await anna.produce();
    world.cluster.kill(one.id);
    service.loseRouter('room');
    const bert = await world.join(two, 'bert');
    await bert.ask({ op: 'capabilities' });
    await world.until(anna.resume(two.node));
    const { epoch } = await anna.until('media_restarted');
    expect(epoch).toBe(service.rooms.get('room')?.epoch);
  });
});

describe('the mode of a room', () => {
  test('[O2] [O3] a room with more peers than the threshold becomes SFU, once, and everybody is told', async () => {
    await world.openRoom('P2P');
    const settings = { sfuAbovePeers: 2 };
    const [one, two] = [
      await world.start('one', [service], settings),
      await world.start('two', [service], settings),
    ];
    const [anna, bert] = [await world.join(one, 'anna'), await world.join(two, 'bert')];
    expectNews([anna, bert]);
    const carl = await world.join(one, 'carl');
    const changed = { type: 'mode_changed', mode: 'SFU', reason: 'size', by: undefined };
    for (const peer of [anna, bert, carl]) await peer.until('mode_changed');
    const dora = await world.join(two, 'dora');
    expect(dora.joined.mode).toBe('SFU');
    await world.settle();
    expectNews([anna, bert, carl], changed);
    expectNews([dora]);
    expect(one.ports.tally.modes_changed + two.ports.tally.modes_changed).toBe(1);
  });

  test('[O2] [O1] what the host decides stands until the next one comes', async () => {
    await world.openRoom('P2P');
    const node = await world.start('one', [service], { sfuAbovePeers: 1 });
    const [anna, bert] = [await world.join(node, 'anna'), await world.join(node, 'bert')];
    await anna.until('mode_changed');
    void anna.do({ type: 'set_mode', mode: 'P2P' });
    expect(await anna.until('mode_changed', 2)).toMatchObject({ mode: 'P2P', reason: 'host' });
    await world.pass(10_000);
    expect(bert.news.filter(({ type }) => type === 'mode_changed')).toHaveLength(2);
    await world.join(node, 'carl');
    expect(await anna.until('mode_changed', 3)).toMatchObject({ mode: 'SFU', reason: 'size' });
  });

  test('[O2] not without a Media Service that answers', async () => {
    await world.openRoom('P2P');
    await service.die();
    const node = await world.start('one', [service], { sfuAbovePeers: 1 });
    await world.untilTrue(() => node.ports.tally.media_outages === 1);
    const [anna, bert] = [await world.join(node, 'anna'), await world.join(node, 'bert')];
    await world.settle();
    expectNews([anna, bert]);
    await service.revive();
    await anna.until('mode_changed');
    expect(bert.joined.mode).toBe('P2P');
  });

  test('[O3] what a room had is closed when it becomes P2P', async () => {
    await world.openRoom();
    const [one, two] = [await world.start('one', [service]), await world.start('two', [service])];
    const [anna, bert] = [await world.join(one, 'anna'), await world.join(two, 'bert')];
    await anna.produce();
    void anna.do({ type: 'set_mode', mode: 'P2P' });
    await world.until(service.call('/routers/close'));
    expect(service.rooms.size).toBe(0);
    expect(await bert.refused({ op: 'capabilities' })).toBe('WRONG_MODE');
    void anna.do({ type: 'set_mode', mode: 'SFU' });
    await bert.until('mode_changed', 2);
    const producerId = await bert.produce();
    await anna.until('producer_opened');
    expect(anna.news.slice(-1)).toEqual([opened(producerId, 'bert')]);
    expect(service.count('/routers/close')).toBe(1);
  });
});
