/** What is said while nodes are cut off or die, the log loses its memory or the archive is away. Time is in the test's hand. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { contents, hear, hearUpTo, historyOf, say, wholeHistory } from '../support/chat.js';
import { MemoryNodes } from '../support/memory-nodes.js';
import type { RoamingPeer } from '../support/roaming-peer.js';
import { asRoomId } from '../../src/protocol/ids.js';
import { Scene, signal, upTo } from '../support/topology.js';

const flushMs = 1_000;
/** After so many times of flushing others do it. */
const othersFlushMs = 8 * flushMs;
const maxWaiting = 100;
const settings = { CHAT_FLUSH_MS: String(flushMs), CHAT_MAX_WAITING: String(maxWaiting) };

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

async function archived(): Promise<unknown[]> {
  const messages = await nodes.archive.before(asRoomId(scene.room.room_id), Number.MAX_SAFE_INTEGER, 201);
  return contents(messages.map((message) => ({ ...message })));
}

/** Says it and waits until the speaker has been told. Returns what else it was told meanwhile. */
async function saidBy(peer: RoamingPeer, ...said: readonly string[]): Promise<unknown[]> {
  const others: unknown[] = [];
  for (const content of said) {
    say(peer, content);
    const heard = await hearUpTo(peer, content);
    others.push(...contents(heard.slice(0, -1)));
  }
  return others;
}

describe('a node that is cut off from the log', () => {
  test('[Q2] [Q5] it refuses what is said there, retryable, and calls go on; then it tells what was missed, once', async () => {
    await saidBy(anna, '1');
    expect(contents(await hear(bert, 1))).toEqual(['1']);
    right.chatLog.cut();
    await saidBy(anna, '2', '3');
    say(bert, 'mine');
    await bert.expect({ type: 'error', code: 'STORE_UNAVAILABLE', retryable: true, reply_to: 'mine' });
    bert.send(signal('offer', 'anna', 1, 'call'));
    await bert.expect({ type: 'accepted', reply_to: 'call' });
    await anna.until({ type: 'offer', n: 1 });
    bert.send({ type: 'chat_history', id: 'page' });
    await bert.expect({ type: 'error', code: 'STORE_UNAVAILABLE', retryable: true, reply_to: 'page' });
    right.chatLog.mend();
    expect(contents(await hear(bert, 2))).toEqual(['2', '3']);
    await saidBy(bert, 'mine');
    expect(contents(await hear(anna, 1))).toEqual(['mine']);
    expect(await bert.told()).toEqual([]);
  });

  test('[Q2] a message that comes before one that was missed waits for it', async () => {
    await saidBy(anna, '1');
    right.chatLog.cut();
    await saidBy(anna, '2');
    right.chatLog.mend();
    await saidBy(anna, '3', '4');
    expect(contents(await hear(bert, 4))).toEqual(['1', '2', '3', '4']);
    expect(await bert.told()).toEqual([]);
  });

  test('[Q2] [Q10] it has missed more than the log gives at a time', async () => {
    right.chatLog.cut();
    const said = upTo(450).map(String);
    for (let at = 0; at < said.length; at += 45) {
      const some = said.slice(at, at + 45);
      for (const content of some) say(anna, content);
      await hear(anna, some.length);
      await nodes.pass(flushMs);
    }
    right.chatLog.mend();
    // The log has the latest 200; the archive may be slow, so what comes from there comes late.
    const heard = contents(await nodes.passUntil(hear(bert, 450)));
    expect(heard.slice(0, 200)).toEqual(said.slice(250));
    expect(heard.slice(200)).toEqual(said.slice(0, 250));
    expect(right.server.tally.chats_late).toBe(250);
    expect(await bert.told()).toEqual([]);
  });
});

describe('the archive', () => {
  test('[Q6] takes what was said within the time that was set, once', async () => {
    await saidBy(anna, '1', '2', '3');
    await nodes.pass(flushMs);
    expect(await archived()).toEqual(['1', '2', '3']);
    await nodes.pass(othersFlushMs);
    expect(nodes.archive.stored).toHaveLength(3);
    expect(left.server.tally.chats_archived + right.server.tally.chats_archived).toBe(3);
  });

  test('[Q7] is away for a while: nothing is delayed, and all of it comes there once', async () => {
    nodes.archive.isAway = true;
    for (const round of upTo(10)) {
      await saidBy(anna, `${round}`);
      await nodes.pass(3 * flushMs);
    }
    expect(contents(await hear(bert, 10))).toEqual(upTo(10).map(String));
    expect(left.server.tally.chat_flushes_failed).toBeGreaterThan(1);
    // It is tried less and less often.
    expect(left.server.tally.chat_flushes_failed).toBeLessThan(10);
    nodes.archive.isAway = false;
    await nodes.pass(30_000);
    expect(await archived()).toEqual(upTo(10).map(String));
    expect(new Set(nodes.archive.stored).size).toBe(10);
    await saidBy(anna, 'soon');
    await nodes.pass(flushMs);
    expect(await archived()).toContain('soon');
  });

  test('[Q7] stands still: what is said is told all the same, and the history says so', async () => {
    const release = nodes.archive.stall();
    await saidBy(anna, '1');
    await nodes.pass(3 * flushMs);
    await saidBy(anna, '2');
    anna.send({ type: 'chat_history', id: 'page' });
    // Whoever waits for a page says on, and is told.
    await saidBy(anna, '3');
    release();
    const [page] = (await anna.until({ reply_to: 'page' })).slice(-1);
    expect(contents(page?.['messages'] as [])).toEqual(['1', '2']);
  });

  test('[Q7] too much waits for it: the oldest are dropped, and counted', async () => {
    nodes.archive.isAway = true;
    for (const at of upTo(12)) {
      for (const n of upTo(10)) say(anna, `${at * 10 + n}`);
      await hear(anna, 10);
    }
    expect(left.server.tally.chats_dropped).toBe(20);
    nodes.archive.isAway = false;
    await nodes.pass(30_000);
    expect(await archived()).toEqual(upTo(120).slice(20).map(String));
  });

  test('[Q6] is brought what a node had not brought there when it died', async () => {
    await saidBy(anna, '1', '2');
    nodes.cluster.kill(left.id);
    left.chatLog.cut();
    expect(await archived()).toEqual([]);
    await nodes.pass(othersFlushMs);
    expect(await archived()).toEqual(['1', '2']);
    expect(right.server.tally.chats_archived).toBe(2);
  });

  test('[Q6] is brought what nobody sits with any more, by a node that never served the room', async () => {
    const third = await nodes.start('third', settings);
    await saidBy(anna, '1');
    for (const [node, peer] of [
      [left, anna],
      [right, bert],
    ] as const) {
      peer.send({ type: 'leave_room' });
      await peer.until({ type: 'room_left' });
      node.chatLog.cut();
      nodes.cluster.kill(node.id);
    }
    await nodes.pass(othersFlushMs);
    expect(await archived()).toEqual(['1']);
    expect(third.server.tally.chats_archived).toBe(1);
  });

  test('[Q6] a node that stops brings there what it has', async () => {
    const third = await nodes.start('third', settings);
    const carl = await scene.join(third.node, 'carl');
    await saidBy(carl, '1');
    const stopped = third.server.app.close();
    await nodes.passUntil(stopped);
    expect(await archived()).toEqual(['1']);
  });
});

describe('the log loses its memory', () => {
  test('[Q6] [Q8] what was not in the archive is put back, and the history is what was said', async () => {
    await saidBy(anna, '1', '2');
    await nodes.pass(flushMs);
    await saidBy(anna, '3');
    await saidBy(bert, '4');
    nodes.chat.lose();
    expect(contents(await wholeHistory(anna))).toEqual(['1', '2', '3', '4']);
    await saidBy(bert, '5');
    await nodes.pass(othersFlushMs);
    expect(await archived()).toEqual(['1', '2', '3', '4', '5']);
    expect(contents(await wholeHistory(bert, 2))).toEqual(['1', '2', '3', '4', '5']);
    expect(contents(await hear(anna, 1))).toEqual(['5']);
    for (const peer of [anna, bert]) expect(await peer.told()).toEqual([]);
  });

  test('[Q3] the same id is still one message', async () => {
    await saidBy(anna, '1');
    await nodes.pass(flushMs);
    await saidBy(anna, '2');
    nodes.chat.lose();
    await saidBy(anna, '1', '2');
    expect(contents(await wholeHistory(anna))).toEqual(['1', '2']);
    expect(left.server.tally.chats_repeated).toBe(2);
    await bert.resume(left.node);
    expect(contents(await hear(bert, 2))).toEqual(['1', '2']);
    expect(await bert.told()).toEqual([]);
  });

  test('[Q2] who had missed some of it is told late, and it is counted', async () => {
    await saidBy(anna, '1');
    right.chatLog.cut();
    await saidBy(anna, '2');
    left.chatLog.cut();
    nodes.chat.lose();
    right.chatLog.mend();
    expect(await saidBy(bert, '3')).toEqual(['1']);
    left.chatLog.mend();
    expect(contents(await hear(bert, 1))).toEqual(['2']);
    expect(right.server.tally.chats_late).toBe(1);
    expect(contents(await hear(anna, 1))).toEqual(['3']);
    expect(contents(await wholeHistory(anna))).toEqual(['1', '2', '3']);
    await nodes.pass(othersFlushMs);
    expect(await archived()).toEqual(['1', '2', '3']);
  });

  test('[Q6] with what was said in a room that nobody sits in any more', async () => {
    nodes.archive.isAway = true;
    await saidBy(anna, '1');
    for (const peer of [anna, bert]) {
      peer.send({ type: 'leave_room' });
      await peer.until({ type: 'room_left' });
    }
    await nodes.pass(3 * flushMs);
    nodes.chat.lose();
    nodes.archive.isAway = false;
    await nodes.pass(30_000);
    expect(await archived()).toEqual(['1']);
  });

  test('[Q11] but not with what was said in a room that was deleted', async () => {
    nodes.archive.isAway = true;
    await saidBy(anna, '1');
    right.chatLog.cut();
    const deleted = await left.node.post('/delete-peers-and-room', { peer_id: 'anna' }, anna.user.id_token);
    expect(deleted.status).toBe(200);
    await bert.until({ type: 'room_closed' });
    nodes.archive.isAway = false;
    await nodes.pass(30_000);
    right.chatLog.mend();
    nodes.chat.lose();
    await nodes.pass(30_000);
    expect(await archived()).toEqual([]);
    expect(nodes.chat.waitingRooms()).toEqual([]);
  });
});

describe('sessions that move', () => {
  test('[Q10] their node died: they are told what was said since the chat_seq that they show', async () => {
    await saidBy(anna, '1');
    const [first] = await hear(bert, 1);
    nodes.cluster.kill(right.id);
    right.chatLog.cut();
    await saidBy(anna, '2', '3');
    const resume = { ...bert.claim, chat_seq: first?.['seq'] };
    const joined = await nodes.passUntil(bert.join(left.node, { resume }));
    expect(joined).toMatchObject({ resumed: true });
    await saidBy(anna, '4');
    expect(contents(await hear(bert, 3))).toEqual(['2', '3', '4']);
    expect(await bert.told()).toEqual([]);
  });

  test('[Q10] between two nodes: what is said meanwhile follows, in order and once', async () => {
    const release = nodes.holdMoves();
    await saidBy(anna, '1');
    expect(contents(await hear(bert, 1))).toEqual(['1']);
    const moving = bert.resume(left.node);
    await nodes.pass(500);
    await saidBy(anna, '2', '3');
    release();
    await moving;
    await saidBy(anna, '4');
    expect(contents(await hear(bert, 3))).toEqual(['2', '3', '4']);
  });

  test('[Q10] a move that comes to nothing: what was said meanwhile follows where they are', async () => {
    const release = nodes.holdMoves();
    const socket = bert.socket;
    const other = await left.node.connect();
    const { id_token: token } = bert.user;
    other.send({ type: 'join_room', ...scene.room, id_token: token, peer_id: 'bert', resume: bert.claim });
    await nodes.pass(500);
    await saidBy(anna, '1', '2');
    other.drop();
    await nodes.pass(3_000);
    await saidBy(anna, '3');
    const told: unknown[] = [];
    while (told.length < 3) {
      const { type, content } = await socket.next();
      if (type === 'chat_message') told.push(content);
    }
    expect(told).toEqual(['1', '2', '3']);
    release();
  });
});

describe('a room that is deleted', () => {
  test('[Q11] takes what was said in it along, from the log and from the archive', async () => {
    await saidBy(anna, '1');
    await nodes.pass(flushMs);
    await saidBy(anna, '2');
    const deleted = await right.node.post('/delete-peers-and-room', { peer_id: 'bert' }, bert.user.id_token);
    expect(deleted.status).toBe(200);
    await nodes.pass(30_000);
    expect(await archived()).toEqual([]);
    expect(nodes.chat.waitingRooms()).toEqual([]);
  });

  test('[Q11] while something of it is on its way to the archive', async () => {
    const release = nodes.archive.stall();
    await saidBy(anna, '1');
    await nodes.pass(flushMs);
    const deleted = await right.node.post('/delete-peers-and-room', { peer_id: 'bert' }, bert.user.id_token);
    expect(deleted.status).toBe(200);
    release();
    await nodes.pass(30_000);
    expect(await archived()).toEqual([]);
  });
});

test('[Q8] who asks for the latest is answered without the archive where the log is known to have them', async () => {
  await nodes.pass(120_000);
  for (const n of upTo(30)) await saidBy(anna, `${n}`);
  await nodes.pass(flushMs);
  const { reads } = nodes.archive;
  const { messages, next } = await historyOf(anna, { limit: 20 });
  expect(contents(messages as [])).toEqual(upTo(30).slice(10).map(String));
  expect(nodes.archive.reads).toBe(reads);
  expect(contents((await historyOf(anna, { limit: 20, before: next })).messages as [])).toHaveLength(10);
  expect(nodes.archive.reads).toBe(reads + 1);
});
