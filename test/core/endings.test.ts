import { beforeEach, expect, test } from '@jest/globals';
import { Endings } from '../../src/core/cluster/endings.js';
import type { RoomView } from '../../src/ports/presence.js';
import { asNodeId, asPeerId, asRoomId, asSessionId } from '../../src/protocol/ids.js';
import type { SeatRecord } from '../../src/protocol/records.js';

const peerId = asPeerId('anna');
const seat = (generation: number): SeatRecord => ({
  roomId: asRoomId('r'),
  peerId,
  sessionId: asSessionId('s'),
  nodeId: asNodeId('n'),
  generation,
  since: generation,
  identity: { sub: 'u', username: 'u' },
  card: { peerId, role: 'peer', metadata: {}, connectedAtMs: 0 },
  isQuiet: false,
  standing: 'here',
  tokenHashes: [],
});
const view = (version: number, ...seats: readonly SeatRecord[]): RoomView => ({
  epoch: 'e',
  version,
  seats,
  ended: [],
  kicked: [],
  host: undefined,
  mode: undefined,
});
const end = (generation: number) => ({ peerId, generation, reason: 'left' as const });

let endings: Endings;
beforeEach(() => {
  endings = new Endings();
});

test('[C8] what is older than the end that was heard of is overtaken, for that seat and earlier ones', () => {
  endings.heard(end(5), 12);
  expect([11, 12].map((version) => endings.isOver(seat(5), version))).toEqual([true, false]);
  expect([4, 5, 6].map((generation) => endings.isOver(seat(generation), 11))).toEqual([true, true, false]);
});

test('[C9] who was taken for dead and lives is there again', () => {
  endings.heard(end(5), 12);
  endings.reached(view(13, seat(5)));
  expect(endings.isOver(seat(5), 11)).toBe(false);
});

test('[C2] what its own node has given up is over until the presence does not show it any more', () => {
  endings.givenUp(end(5));
  endings.heard(end(5), 12);
  endings.reached(view(20, seat(5)));
  expect(endings.isOver(seat(5), 21)).toBe(true);
  expect(endings.departures).toEqual([end(5)]);
  endings.reached(view(22));
  expect(endings.departures).toEqual([]);
});

test('[C8] the end of a later seat counts, whatever was known of the earlier one', () => {
  endings.givenUp(end(5));
  endings.heard(end(9), 12);
  expect(endings.isOver(seat(9), 11)).toBe(true);
  endings.heard(end(5), 30);
  expect(endings.isOver(seat(9), 11)).toBe(true);
});
