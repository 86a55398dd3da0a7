/** Doors to rooms that are forgotten or deleted, and what those who come by a door keep or do not get. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { request } from 'node:http';
import { TestServer, type Room, type User } from '../support/server.js';
import type { TestPeer } from '../support/test-peer.js';
import { signingKey, TimedServer } from '../support/timed-server.js';

/** The store forgets a room an hour after its time. */
const forgottenMs = 7_200_000 + 3_700_000;

let timed: TimedServer;
let server: TestServer;
let owner: User;

beforeEach(async () => {
  timed = await TimedServer.start({ ...signingKey, RATE_BAD_TOKENS_PER_IP: '2' });
  ({ server } = timed);
  owner = await server.signIn();
});
afterEach(() => timed.stop());

const door = (room: string, query = ''): Promise<TestPeer> =>
  server.connect(`${server.ws}/signal/${room}${query}`);

async function listed(): Promise<string> {
  const { text } = await server.post('/rooms', {}, owner.id_token);
  return (JSON.parse(text) as { readonly roomId: string }).roomId;
}

const get = async (path: string): Promise<number> => (await fetch(server.http + path)).status;

test('[G5] a room with a token that its store has forgotten is not made anew while peers sit in it', async () => {
  const room: Room = await server.createRoom(owner);
  const alice = await server.join(room, 'alice');
  timed.clock.advance(forgottenMs);
  // The store drops what is past when something is added.
  for (let n = 0; n < 4; n += 1) await server.createRoom(owner);
  const eve = await door(room.room_id, '?peer_id=eve');
  await eve.expect({ code: 'INVALID_ROOM_TOKEN' });
  expect((await eve.closed).code).toBe(4403);
  const late = await door(room.room_id, `?peer_id=bert&room_token=${room.token}`);
  await late.expect({ code: 'ROOM_EXPIRED' });
  expect((await late.closed).code).toBe(4404);
  await alice.expect({ type: 'session_expiring' });
  await alice.expectNothing();
});

test('[G5] an open room lives on while peers sit in it', async () => {
  const anna = await door('lobby', '?presence=1&peer_id=anna');
  await anna.expect({ type: 'welcome' });
  timed.clock.advance(forgottenMs);
  for (let n = 0; n < 4; n += 1) await server.createRoom(owner);
  const bert = await door('lobby', '?presence=1&peer_id=bert');
  await bert.expect({ type: 'welcome', hostId: 'anna' });
  await anna.expect({ type: 'peer-joined', senderId: 'bert' });
});

test('[G5] [Y4] a door to a room that was just deleted does not make it anew', async () => {
  const room = await listed();
  const headers = { authorization: `Bearer ${owner.id_token}` };
  expect((await fetch(`${server.http}/rooms/${room}`, { method: 'DELETE', headers })).status).toBe(204);
  const late = await door(room);
  await late.expect({ code: 'ROOM_NOT_FOUND' });
  expect((await late.closed).code).toBe(4404);
  expect(await get(`/rooms/${room}`)).toBe(404);
});

test('[G2] [A1] [X4] saying one’s name costs neither the host’s role nor the rank', async () => {
  const room = await listed();
  const anna = await door(room);
  const bert = await door(room, '?presence=1&peer_id=bert');
  const welcome = await bert.expect({ type: 'welcome' });
  expect(welcome['hostId']).toMatch(/^unnamed-/);
  anna.send({ type: 'kick', senderId: 'anna', targetId: 'nobody' });
  await anna.expect({ code: 'PEER_NOT_FOUND' });
  await bert.expect({ type: 'peer-left' });
  await bert.expect({ type: 'peer-joined', senderId: 'anna', polite: true });
  await bert.expect({ type: 'host-change', newHostId: 'anna' });
  anna.send({ type: 'kick', senderId: 'anna', targetId: 'bert', reason: 'bye' });
  expect(await bert.closed).toEqual({ code: 4403, reason: 'bye' });
});

test('[P4] [G2] a parity peer that is called as the nameless are gets no mail for names that nobody has', async () => {
  const room = await listed();
  const worker = await server.register({ room_id: room, token: 'any' }, 'unnamed-worker');
  const gate = await door(room, '?peer_id=gus');
  gate.send({ type: 'sdp', senderId: 'gus', targetId: 'nobody', sdp: { type: 'offer', sdp: 'v=0' } });
  await gate.expect({ code: 'PEER_NOT_FOUND' });
  await worker.expectNothing();
});

test('[L8] [W6] bad tokens that are refused by HTTP count and are answered late as all others', async () => {
  const statuses: number[] = [];
  const tries = Array.from({ length: 4 }, async () => {
    statuses.push(await upgradeStatus('/ws/webrtc/r?reject=http&token=bad'));
  });
  await timed.passUntil(Promise.all(tries));
  expect(statuses).toEqual([403, 403, 403, 403]);
  expect(server.tally.tokens_delayed).toBe(2);
});

function upgradeStatus(path: string): Promise<number> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  return new Promise((resolve, reject) => {
    request(server.http + path, { headers })
      .on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
      .on('error', reject)
      .end();
  });
}
