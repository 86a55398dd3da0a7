/** TURN credentials end; who is in a call is given new ones in time. Time is in the test's hand. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { FakeClock } from '../support/fake-clock.js';
import { TestServer, type Room } from '../support/server.js';
import type { Frame, TestPeer } from '../support/test-peer.js';

const lifeS = 100;
/** Three quarters of it, and the second in which such things are done. */
const untilPushMs = 75_000;
const slackMs = 1_000;

let clock: FakeClock;
let server: TestServer;
let room: Room;

beforeEach(async () => {
  clock = new FakeClock();
  const env = {
    TURN_URLS: 'turn:relay.test:3478',
    TURN_SHARED_SECRET: 'a secret of enough characters',
    TURN_TTL_S: String(lifeS),
    PING_MS: '86400000',
    PRE_JOIN_MS: '86400000',
  };
  server = await TestServer.start(env, { clock });
  room = await server.createRoom();
});

afterEach(async () => {
  await server.stop();
});

interface Pushed {
  readonly ice_servers: readonly { readonly username: string; readonly credential: string }[];
}

async function open(path: string, query: Readonly<Record<string, string>>): Promise<TestPeer> {
  const { id_token: token } = await server.signIn();
  const parameters = new URLSearchParams({ token, room_token: room.token, ...query });
  return server.connect(`${server.ws}${path}/${room.room_id}?${parameters.toString()}`);
}

/** The next frame of that type; what comes before it is of the room's coming and going. */
async function until(peer: TestPeer, type: string): Promise<Frame> {
  for (;;) {
    const frame = await peer.next();
    if (frame['type'] === type) return frame;
  }
}

function expiryOf({ ice_servers: [turn] }: Pushed): number {
  return Number(/^\d+/.exec(turn?.username ?? '')?.[0]);
}

test('[I9] a full session is given new servers when three quarters of the life of the old are over, again and again', async () => {
  const peer = await server.connect();
  peer.send({ type: 'join_room', ...room, peer_id: 'anna', id_token: (await server.signIn()).id_token });
  const joined = (await peer.expect({ type: 'room_joined' })) as unknown as Pushed;
  let expiry = expiryOf(joined);
  expect(expiry).toBe(Math.floor(clock.now() / 1000) + lifeS);

  for (const round of [1, 2, 3]) {
    const toldAtMs = clock.now();
    clock.advance(untilPushMs - slackMs);
    await peer.expectNothing();
    clock.advance(2 * slackMs);
    const frame = await peer.expect({
      type: 'ice_servers',
      ice_servers: [
        { urls: ['turn:relay.test:3478'], username: expect.any(String), credential: expect.any(String) },
      ],
      ice_transport_policy: 'all',
      ttl_s: lifeS,
      restart_ice: true,
    });
    const later = expiryOf(frame as unknown as Pushed);
    expect(frame['expires_at']).toBe(later);
    // Before the old ones ended, and for a whole life from then on.
    expect(later - expiry).toBeGreaterThanOrEqual(untilPushMs / 1000);
    expect(later - toldAtMs / 1000).toBeGreaterThan(lifeS + untilPushMs / 1000 - 1);
    expect(server.tally.ice_servers_pushed).toBe(round);
    expiry = later;
  }
});

test('[I9] [W8] [G4] those of the other dialects who asked for more than their own system knows are told in their own words', async () => {
  const webrtc = await open('/ws/webrtc', { resume: '1' });
  const gateway = await open('/signal', { presence: '1' });
  const welcome = await until(gateway, 'welcome');
  expect(welcome['iceServers']).toHaveLength(1);
  const state = await until(webrtc, 'room-state');
  expect((state['payload'] as Frame)['ice_servers']).toHaveLength(1);

  clock.advance(untilPushMs + slackMs);
  const pushed = await until(webrtc, 'ice-servers');
  expect(pushed['payload']).toMatchObject({
    ice_servers: [{ urls: ['turn:relay.test:3478'] }],
    expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
    restart_ice: true,
  });
  const { expires_at: expiresAt } = pushed['payload'] as Frame;
  expect(Date.parse(expiresAt as string)).toBe(expiryOf(pushed['payload'] as Pushed) * 1000);
  expect(await until(gateway, 'ice-servers')).toMatchObject({
    iceServers: [{ urls: ['turn:relay.test:3478'] }],
    expiresAt: Date.parse(expiresAt as string),
    restartIce: true,
  });
});

test('[I9] [P4] [W8] [G4] parity sessions, and webrtc and gateway clients that did not ask, are told nothing of it', async () => {
  const parity = await server.register(room, 'worker');
  const webrtc = await open('/ws/webrtc', {});
  const gateway = await open('/signal', { peer_id: 'player' });
  await until(webrtc, 'room-state');
  await until(webrtc, 'user-joined');
  // Whoever joins after it has been told to all.
  clock.advance(2 * (untilPushMs + slackMs));
  const full = await server.join(room, 'anna');

  await parity.expectNothing();
  full.send({ type: 'offer', target: 'player', sdp: 'v=0' });
  await gateway.expect({ type: 'sdp', senderId: 'anna' });
  const seen: unknown[] = [];
  for (let frame = await webrtc.next(); ; frame = await webrtc.next()) {
    seen.push(frame['type']);
    if (frame['type'] === 'user-joined' && (frame['payload'] as Frame)['user_id'] === 'anna') break;
  }
  expect(new Set(seen)).toEqual(new Set(['room-state', 'user-joined']));
});

test('[I9] a session that has left is not waited for', async () => {
  const peer = await server.join(room, 'anna');
  peer.send({ type: 'leave_room' });
  await peer.expect({ type: 'room_left' });
  clock.advance(untilPushMs + slackMs);
  await peer.expectNothing();
  expect(server.tally.ice_servers_pushed).toBe(0);
});
