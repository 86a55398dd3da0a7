/** What is said to a whole room: on one node and over two, which share nothing but Redis. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { contents, hear, hearUpTo, historyOf, say, wholeHistory } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import { Scene, topologies, upTo, type Place } from '../support/topology.js';
import type { Frame } from '../support/test-peer.js';

function seqsOf(frames: readonly Frame[]): number[] {
  return frames.map(({ seq }) => Number(seq));
}

describe.each(topologies)('$name', ({ start }) => {
  let place: Place;
  beforeAll(async () => {
    place = await start({ MAX_CHAT_CHARS: '100' });
  });
  afterAll(() => place.stop());

  test('[Q1] everybody is told, and the one who says it in answer', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    say(anna, 'hello', 'm1');
    const [told] = await hear(bert, 1);
    expect(told).toEqual({
      type: 'chat_message',
      id: 'm1',
      room_id: scene.room.room_id,
      sender: 'anna',
      senderId: 'anna',
      content: 'hello',
      timestamp: expect.any(Number),
      createdAt: expect.any(String),
      seq: expect.any(Number),
    });
    expect(await hear(anna, 1)).toEqual([{ ...told, reply_to: 'm1' }]);
    bert.send({ type: 'chat_message', content: 'without an id' });
    const [[second]] = await Promise.all([hear(bert, 1), hear(anna, 1)]);
    expect(second).toMatchObject({ id: expect.stringMatching(/^[\w-]{21}$/), content: 'without an id' });
    expect(await scene.settle(place, anna)).toEqual([]);
  });

  test('[Q2] [Q8] what many say at once is told to all in one order, which is that of the history', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const carl = await scene.join(place.right, 'carl');
    const peers = [anna, bert, carl];
    const heard: Frame[][] = [[], [], []];
    for (const part of [0, 1, 2]) {
      for (const n of upTo(40)) for (const peer of peers) say(peer, `${peer.name} ${part * 40 + n}`);
      for (const [at, peer] of peers.entries()) heard[at]?.push(...(await hear(peer, 120)));
    }
    const order = heard[0] ?? [];
    for (const others of heard) expect(seqsOf(others)).toEqual(seqsOf(order));
    expect(seqsOf(order)).toEqual([...new Set(seqsOf(order))].sort((a, b) => a - b));
    for (const { name } of peers) {
      const own = contents(order.filter(({ sender }) => sender === name));
      expect(own).toEqual(upTo(120).map((n) => `${name} ${n}`));
    }
    for (const limit of [200, 70]) expect(seqsOf(await wholeHistory(carl, limit))).toEqual(seqsOf(order));
    const { messages, next } = await historyOf(anna);
    expect([seqsOf(messages as Frame[]), next]).toEqual([seqsOf(order).slice(-50), seqsOf(order).at(-50)]);
    expect(((await historyOf(anna, { limit: 1_000 }))['messages'] as Frame[]).length).toBe(200);
    expect(await scene.settle(place, bert)).toEqual([]);
  });

  test('[Q3] the same id again is told to the sender alone, as it was said first, wherever it has gone', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    say(anna, 'first', 'm1');
    say(anna, 'second thoughts', 'm1');
    const [first, again] = await hear(anna, 2);
    expect(again).toEqual(first);
    for (const node of [place.left, place.right, place.left]) {
      await anna.resume(node);
      say(anna, 'again', 'm1');
      expect(await hear(anna, 1)).toEqual([first]);
    }
    // A session of its own, of the same user and name; but of another sender it is another message.
    await anna.join(place.right);
    say(anna, 'again', 'm1');
    expect(await hear(anna, 1)).toEqual([first]);
    say(bert, 'bert, first', 'm1');
    expect(contents(await hear(anna, 1))).toEqual(['bert, first']);
    expect(contents(await hear(bert, 2))).toEqual(['first', 'bert, first']);
    expect(contents(await wholeHistory(bert))).toEqual(['first', 'bert, first']);
  });

  test('[Q4] content has 1 to as many characters as are allowed', async () => {
    const scene = await Scene.open(place.left);
    const [anna] = await scene.pair(place);
    const message = expect.stringContaining('content must');
    for (const content of ['', 'x'.repeat(101)]) {
      say(anna, content, 'm1');
      await anna.expect({ type: 'error', code: 'INVALID_MESSAGE', message, reply_to: 'm1' });
    }
    say(anna, 'x'.repeat(100), 'm1');
    await hear(anna, 1);
  });

  test('[Q10] who changes nodes while all talk is told everything, in order and once', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const [legs, perLeg] = [6, 30];
    const talk = async (): Promise<void> => {
      for (const n of upTo(legs * perLeg)) {
        say(anna, String(n));
        // Now and then it waits until it has been told.
        if (n % 3 === 0) await hearUpTo(anna, String(n));
      }
    };
    const heard: Frame[] = [];
    const roam = async (): Promise<void> => {
      for (const leg of upTo(legs - 1)) {
        heard.push(...(await hearUpTo(bert, String(leg * perLeg + perLeg / 2))));
        if (leg % 2 === 0) bert.cut();
        await bert.resume(leg % 2 === 0 ? place.left : place.right);
      }
    };
    await Promise.all([talk(), roam()]);
    heard.push(...(await hearUpTo(bert, String(legs * perLeg - 1))));
    expect(contents(heard)).toEqual(upTo(legs * perLeg).map(String));
    expect(await scene.settle(place, bert)).toEqual([]);
  });

  test('[Q10] who has been away is told what was said meanwhile', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    for (const [round, node] of [place.right, place.left, place.left, place.right].entries()) {
      bert.cut();
      await anna.until({ type: 'user_disconnecting' });
      const said = upTo(4).map((n) => `${round} ${n}`);
      for (const content of said.slice(0, 3)) say(anna, content);
      await hear(anna, 3);
      await bert.resume(node);
      say(anna, `${round} 3`);
      await hear(anna, 1);
      expect(contents(await hear(bert, 4))).toEqual(said);
    }
    expect((await scene.settle(place, bert)).filter(({ type }) => type === 'chat_message')).toEqual([]);
  });

  test('[Q11] who joins is told what is said from then on; [P4] who has registered nothing', async () => {
    const scene = await Scene.open(place.left);
    const anna = await scene.join(place.left, 'anna');
    const worker = await place.right.register(scene.room, 'worker', await place.right.signIn());
    await anna.until({ type: 'user_joined', peer_id: 'worker' });
    say(anna, 'before');
    await hear(anna, 1);
    const bert = await scene.join(place.right, 'bert');
    say(anna, 'after');
    expect(contents(await hear(bert, 1))).toEqual(['after']);
    worker.send({ type: 'chat_message', sender: 'worker', content: 'let me in' });
    await worker.expectNothing();
    expect(contents(await wholeHistory(bert))).toEqual(['before', 'after']);
    expect(contents(await hear(anna, 1))).toEqual(['after']);
    expect(await scene.settle(place, anna)).toEqual([]);
  });

  test('[Q1] [D1] nobody speaks as somebody else, or from outside', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    anna.send({ type: 'chat_message', sender: 'bert', content: 'not me', id: 'm1' });
    await anna.expect({ type: 'error', code: 'SENDER_MISMATCH', reply_to: 'm1' });
    anna.send({ type: 'leave_room' });
    await anna.until({ type: 'room_left' });
    say(anna, 'still there?', 'm2');
    await anna.expect({ type: 'error', code: 'NOT_IN_ROOM', reply_to: 'm2' });
    const told = [...(await bert.until({ type: 'user_left' })), ...(await scene.settle(place, bert))];
    expect(contents(told.filter(({ type }) => type === 'chat_message'))).toEqual([]);
  });
});

test('[Q4] who says too much is told when to say it again', async () => {
  const server = await TestServer.start({ RATE_CHATS_PER_SESSION: '1' });
  try {
    const peer = await server.join(await server.createRoom(), 'anna');
    for (const n of upTo(12)) peer.send({ type: 'chat_message', content: `${n}`, id: `${n}` });
    const frames: Frame[] = [];
    while (frames.length < 12) frames.push(await peer.next());
    const refused = frames.filter(({ type }) => type === 'error');
    expect(refused.length).toBeGreaterThan(0);
    const refusal = { code: 'RATE_LIMITED', retryable: true, retry_after_ms: expect.any(Number) };
    for (const frame of refused) expect(frame).toMatchObject(refusal);
    expect(server.tally.chats_limited).toBe(refused.length);
    const told = frames.filter(({ type }) => type === 'chat_message');
    expect(contents(told)).toEqual(upTo(told.length).map(String));
    expect(told.length).toBeGreaterThanOrEqual(10);
  } finally {
    await server.stop();
  }
});
