/** Faults of chat that were found and mended. Time is in the test's hand. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { contents, hear, hearUpTo, say, wholeHistory } from '../support/chat.js';
import { MemoryNodes } from '../support/memory-nodes.js';
import type { RoamingPeer } from '../support/roaming-peer.js';
import { asPeerId, asRoomId, type RoomId } from '../../src/protocol/ids.js';
import { Scene, upTo } from '../support/topology.js';

const flushMs = 1_000;
const settings = { CHAT_FLUSH_MS: String(flushMs) };

type Node = Awaited<ReturnType<MemoryNodes['start']>>;

let nodes: MemoryNodes;
let left: Node;
let right: Node;
let scene: Scene;
let anna: RoamingPeer;
let bert: RoamingPeer;

beforeEach(async () => {
  nodes = new MemoryNodes();
  left = await nodes.start('left', settings);
  right = await nodes.start('right', settings);
  scene = await Scene.open(left.node);
  anna = await scene.join(left.node, 'anna');
  bert = await scene.join(right.node, 'bert');
});
afterEach(() => nodes.stop());

const roomOf = ({ room }: Scene): RoomId => asRoomId(room.room_id);

async function archived(of = scene): Promise<unknown[]> {
  const messages = await nodes.archive.before(roomOf(of), Number.MAX_SAFE_INTEGER, 201);
  return messages.map(({ content }) => content);
}

/** Says it and waits until the speaker has been told. */
async function saidBy(peer: RoamingPeer, ...said: readonly string[]): Promise<void> {
  for (const content of said) {
    say(peer, content);
    await hearUpTo(peer, content);
  }
}

test('[Q2] who was cut off reads from the archive what the log has lost since, also when it puts something back', async () => {
  await saidBy(anna, '1');
  expect(contents(await hear(bert, 1))).toEqual(['1']);
  right.chatLog.cut();
  await saidBy(anna, '2', '3');
  await nodes.pass(2 * flushMs);
  expect(await archived()).toEqual(['1', '2', '3']);
  nodes.chat.lose();
  await saidBy(anna, '4');
  right.chatLog.mend();
  const heard = contents(await hear(bert, 3));
  expect(heard.toSorted()).toEqual(['2', '3', '4']);
});

describe('a room that is made anew', () => {
  test('[Q6] [Q11] what is said in it stays, however late what was said before goes', async () => {
    await saidBy(anna, 'old');
    await nodes.pass(2 * flushMs);
    nodes.archive.isAway = true;
    const deleted = await left.node.post('/delete-peers-and-room', { peer_id: 'anna' }, anna.user.id_token);
    expect(deleted.status).toBe(200);
    const draft = { roomId: roomOf(scene), id: 'new', from: asPeerId('carl'), sub: 'carl', content: 'new' };
    await right.chatLog.append(draft, { maxWaiting: 100 });
    await nodes.pass(500);
    nodes.archive.isAway = false;
    await nodes.pass(200);
    const waiting = await right.chatLog.waiting(roomOf(scene), 10);
    await nodes.archive.store(waiting);
    await right.chatLog.archived(
      roomOf(scene),
      waiting.map(({ seq }) => seq),
    );
    expect(await archived()).toContain('new');
    await nodes.pass(60_000);
    expect(await archived()).toEqual(['new']);
  });
});

test('[Q7] an archive that stands still keeps no room from what it has missed', async () => {
  const rooms: { readonly of: Scene; readonly hearer: RoamingPeer; readonly sayer: RoamingPeer }[] = [];
  for (const n of upTo(10)) {
    const of = await Scene.open(left.node);
    const [sayer, hearer] = [await of.join(left.node, `s${n}`), await of.join(right.node, `h${n}`)];
    rooms.push({ of, sayer, hearer });
    await saidBy(sayer, 'first');
    await hear(hearer, 1);
  }
  await nodes.pass(2 * flushMs);
  right.chatLog.cut();
  nodes.chat.lose();
  for (const { sayer } of rooms) await saidBy(sayer, 'missed');
  const release = nodes.archive.stall();
  right.chatLog.mend();
  for (const { hearer } of rooms) expect(contents(await hear(hearer, 1))).toEqual(['missed']);
  release();
});

test('[Q6] rooms of which the archive takes nothing keep no other room from it', async () => {
  right.chatLog.cut();
  const refused = new Set<string>();
  const store = nodes.archive.store.bind(nodes.archive);
  nodes.archive.store = async (messages) => {
    if (refused.has(messages[0]?.roomId ?? '')) throw new Error('never');
    await store(messages);
  };
  for (const n of upTo(12)) {
    const other = await Scene.open(left.node);
    refused.add(other.room.room_id);
    await saidBy(await other.join(left.node, `peer${n}`), 'poison');
  }
  await saidBy(anna, '1');
  await nodes.pass(60_000);
  expect(await archived()).toEqual(['1']);
});

describe('what waits for its place', () => {
  /** Until the returned function is called nothing that is said on the right gets one. */
  function hold(): () => void {
    const append = right.chatLog.append.bind(right.chatLog);
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    right.chatLog.append = async (...args) => {
      await gate;
      return append(...args);
    };
    return release;
  }

  /** In the log; what was under way when its room was deleted or its speaker kicked may have its place. */
  const said = (): unknown[] =>
    (nodes.chat.room(roomOf(scene))?.after(0, 10) ?? []).map(({ content }) => content);

  test('[A3] is not said any more when who says it is kicked', async () => {
    const release = hold();
    for (const content of ['1', '2', '3']) say(bert, content);
    anna.send({ type: 'kick', target: 'bert', id: 'kick' });
    await anna.until({ type: 'user_left', peer_id: 'bert' });
    await nodes.pass(100);
    release();
    await nodes.pass(100);
    expect(said()).toEqual(['1']);
  });

  test('[Q11] is not said any more in a room that is deleted', async () => {
    const release = hold();
    for (const content of ['1', '2', '3']) say(bert, content);
    // What comes on another socket may be faster.
    bert.send({ type: 'heartbeat' });
    await bert.until({ type: 'heartbeat_ack' });
    const deleted = await right.node.post('/delete-peers-and-room', { peer_id: 'bert' }, bert.user.id_token);
    expect(deleted.status).toBe(200);
    await nodes.pass(100);
    release();
    await nodes.pass(100);
    expect(said()).toEqual(['1']);
  });

  test('[Q1] is said all the same when who says it leaves', async () => {
    const release = hold();
    for (const content of ['1', '2', '3']) say(bert, content);
    bert.send({ type: 'leave_room' });
    await bert.until({ type: 'room_left' });
    release();
    expect(contents(await hear(anna, 3))).toEqual(['1', '2', '3']);
  });
});

test('[Q8] who reads a history of long messages, page upon page at once, is no slow consumer, and gets all of it', async () => {
  const other = await Scene.open(left.node);
  const draft = { roomId: roomOf(other), from: asPeerId('eve'), sub: 'eve', content: '\u0001'.repeat(4_000) };
  for (const n of upTo(200)) await left.chatLog.append({ ...draft, id: `m${n}` }, { maxWaiting: 1_000 });
  const carl = await other.join(left.node, 'carl');
  const page = { type: 'chat_history', limit: 200 };
  for (const id of upTo(8).map(String)) carl.send({ ...page, id });
  for (const id of upTo(8).map(String)) await carl.until({ reply_to: id });
  expect(new Set((await wholeHistory(carl, 200)).map(({ id }) => id)).size).toBe(200);
});

test('[Q3] [Q6] what is in the archive and is said again through a new node, after a loss, is one message', async () => {
  const middle = await nodes.start('middle', settings);
  await saidBy(anna, '1');
  expect(contents(await hear(bert, 1))).toEqual(['1']);
  await nodes.pass(2 * flushMs);
  nodes.cluster.kill(left.id);
  left.chatLog.cut();
  nodes.chat.lose();
  await nodes.passUntil(anna.resume(middle.node));
  await nodes.passUntil(saidBy(anna, '1'));
  await nodes.pass(8 * flushMs);
  expect(await archived()).toEqual(['1']);
  expect(await bert.told()).toEqual([]);
});
