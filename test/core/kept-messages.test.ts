import { expect, test } from '@jest/globals';
import { KeptMessages } from '../../src/core/chat/kept-messages.js';
import { asPeerId, asRoomId } from '../../src/protocol/ids.js';
import type { ChatMessage } from '../../src/protocol/chat.js';

const [room, other] = [asRoomId('room'), asRoomId('other')];

function message(seq: number, roomId = room, content = 'x'): ChatMessage {
  return { roomId, seq, id: String(seq), from: asPeerId('anna'), sub: 'anna', content };
}

function seqs(kept: KeptMessages, roomId = room): number[] {
  return kept.of(roomId).map(({ seq }) => seq);
}

test('[Q6] a room is due when this node has said something there, or others have not flushed it in time', () => {
  const kept = new KeptMessages(10);
  kept.add(message(1), 1_000);
  kept.add(message(1, other), 2_000);
  expect(kept.due(999)).toEqual([]);
  expect(kept.due(1_000)).toEqual([room]);
  kept.own(message(1, other));
  expect(kept.due(999)).toEqual([other]);
  kept.own(message(7));
  kept.remove(other, [1, 2]);
  expect(kept.due(2_000)).toEqual([room]);
});

test('[Q7] a room keeps so many, and the oldest go first', () => {
  const kept = new KeptMessages(3);
  for (const seq of [1, 2, 2, 4, 3]) kept.add(message(seq), 0);
  expect(seqs(kept)).toEqual([2, 3, 4]);
  expect(kept.of(room, { after: 2 }).map(({ seq }) => seq)).toEqual([3, 4]);
});

test('[Q7] all rooms together keep so much, and what came first goes first', () => {
  const kept = new KeptMessages(1_000_000);
  const big = 'x'.repeat(1_048_576);
  const emptied: string[] = [];
  kept.onEmpty = (roomId) => emptied.push(roomId);
  kept.add(message(1, other, big), 0);
  for (let seq = 1; seq <= 40; seq += 1) kept.add(message(seq, room, big), 0);
  expect(kept.has(other)).toBe(false);
  expect(emptied).toEqual([other]);
  expect(seqs(kept).at(-1)).toBe(40);
  expect(seqs(kept).length).toBeLessThan(33);
  kept.drop(room);
  expect(kept.rooms()).toEqual([]);
  expect(emptied).toEqual([other, room]);
});
