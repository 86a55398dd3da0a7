/** Tokens end while sessions go on. Time is in the test's hand; tokens themselves are judged by the real time. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from '../support/fake-clock.js';
import { KeySetServer } from '../support/key-set-server.js';
import { TestServer, type Room } from '../support/server.js';
import { TestPeer, type Frame } from '../support/test-peer.js';
import { TokenForge } from '../support/tokens.js';

const issuer = 'https://login.example.org/';
const audience = 'signaling-example';
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
const forge = new TokenForge({ issuer, audience, privateKey, kid: 'key-1' });

/** Nothing is done earlier than it is due, and all within a second. */
const slackMs = 1_000;
const minuteMs = 60_000;

let clock: FakeClock;
let server: TestServer;
let room: Room;
const peers: TestPeer[] = [];

async function start(more: Record<string, string> = {}): Promise<void> {
  clock = new FakeClock();
  const day = '86400000';
  const identities = { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_PUBLIC_KEY: publicKey };
  server = await TestServer.start({ ...identities, PING_MS: day, PRE_JOIN_MS: day, ...more }, { clock });
  room = await server.createRoom({ id_token: tokenOf('owner', 3600).token, username: 'owner' });
}

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.drop();
  await server.stop();
});

/** A token of that user that ends so many seconds from now on, and when that is in unix milliseconds. */
function tokenOf(user: string, lifeS: number): { readonly token: string; readonly endsAtMs: number } {
  const exp = Math.floor(clock.now() / 1000) + lifeS;
  return { token: forge.valid({ sub: user, 'cognito:username': user, exp }), endsAtMs: exp * 1000 };
}

async function join(
  name: string,
  idToken: string,
  extra: Frame = {},
): Promise<{ peer: TestPeer; joined: Frame }> {
  const peer = await server.connect();
  peer.send({ type: 'join_room', ...room, peer_id: name, id_token: idToken, ...extra });
  return { peer, joined: await peer.expect({ type: 'room_joined', peer_id: name }) };
}

async function open(url: string, options: Parameters<typeof TestPeer.open>[1] = {}): Promise<TestPeer> {
  const peer = await TestPeer.open(url, options);
  peers.push(peer);
  return peer;
}

/** The next frame of that type; what comes before it is of the room's coming and going. */
async function until(peer: TestPeer, type: string): Promise<Frame> {
  for (;;) {
    const frame = await peer.next();
    if (frame['type'] === type) return frame;
  }
}

function passUntil(atMs: number): void {
  clock.advance(atMs - clock.now());
}

describe('a session whose token ends', () => {
  beforeEach(() => start());

  test('[U6] is told so a minute before, once, and goes on after the end', async () => {
    const { token, endsAtMs } = tokenOf('anna', 600);
    const { peer } = await join('anna', token);
    passUntil(endsAtMs - minuteMs - 1);
    await peer.expectNothing();
    passUntil(endsAtMs - minuteMs + slackMs);
    const { in_ms: inMs } = await peer.expect({ type: 'session_expiring', expires_at: endsAtMs / 1000 });
    expect(inMs).toBeLessThanOrEqual(minuteMs);
    expect(inMs).toBeGreaterThanOrEqual(minuteMs - slackMs);
    passUntil(endsAtMs + minuteMs);
    await peer.expectNothing();
    expect(server.tally.sessions_expired).toBe(0);
  });

  test('[U6] is told so at once when the token has less than a minute', async () => {
    const { token, endsAtMs } = tokenOf('anna', 600);
    passUntil(endsAtMs - 30_000);
    const { peer } = await join('anna', token);
    clock.advance(slackMs);
    const { in_ms: inMs } = await peer.expect({ type: 'session_expiring', expires_at: endsAtMs / 1000 });
    expect(inMs).toBeGreaterThanOrEqual(endsAtMs - clock.now());
    expect(inMs).toBeLessThanOrEqual(30_000);
  });

  test('[U6] [P4] [G4] [W8] is not, where its own system knows no such word', async () => {
    const { token, endsAtMs } = tokenOf('worker', 600);
    const parity = await server.register(room, 'worker', { id_token: token, username: 'worker' });
    const query = (user: string): string =>
      new URLSearchParams({ token: tokenOf(user, 600).token, room_token: room.token }).toString();
    const gateway = await open(`${server.ws}/signal/${room.room_id}?${query('player')}&peer_id=player`);
    const webrtc = await open(`${server.ws}/ws/webrtc/${room.room_id}?${query('anna')}`);
    await until(webrtc, 'user-joined');
    passUntil(endsAtMs + minuteMs);
    // Whoever comes now is told of after that.
    const { peer } = await join('bert', tokenOf('bert', 600).token);
    await parity.expectNothing();
    peer.send({ type: 'offer', target: 'player', sdp: 'v=0' });
    await gateway.expect({ type: 'sdp' });
    await webrtc.expect({ type: 'room-state' });
    await webrtc.expect({ type: 'user-joined' });
  });

  test('[U6] is told so in its own words where it asked for more than its system knows', async () => {
    const { token, endsAtMs } = tokenOf('anna', 600);
    const query = new URLSearchParams({ token, room_token: room.token }).toString();
    const gateway = await open(`${server.ws}/signal/${room.room_id}?${query}&presence=1`);
    const webrtc = await open(`${server.ws}/ws/webrtc/${room.room_id}?${query}&resume=1`);
    await until(gateway, 'welcome');
    await until(webrtc, 'user-joined');
    passUntil(endsAtMs - minuteMs + slackMs);
    const told = await until(gateway, 'session-expiring');
    expect(told).toMatchObject({ expiresAt: endsAtMs });
    expect(told['inMs']).toBeGreaterThanOrEqual(minuteMs - slackMs);
    expect(told['inMs']).toBeLessThanOrEqual(minuteMs);
    expect(await until(webrtc, 'session-expiring')).toMatchObject({
      payload: { expires_at: new Date(endsAtMs).toISOString() },
    });
  });
});

describe('refresh_token', () => {
  beforeEach(() => start());

  test('[U6] of the same user prolongs the session: the next warning comes before the new end', async () => {
    const first = tokenOf('anna', 600);
    const { peer } = await join('anna', first.token);
    const second = tokenOf('anna', 1200);
    peer.send({ type: 'refresh_token', token: second.token, id: 'r1' });
    await peer.expect({ type: 'token_refreshed', expires_at: second.endsAtMs / 1000, reply_to: 'r1' });
    expect(server.tally.tokens_refreshed).toBe(1);
    passUntil(first.endsAtMs + slackMs);
    await peer.expectNothing();
    passUntil(second.endsAtMs - minuteMs + slackMs);
    await peer.expect({ type: 'session_expiring', expires_at: second.endsAtMs / 1000 });
  });

  test('[U6] again and again leaves one warning, that of the latest', async () => {
    const { peer } = await join('anna', tokenOf('anna', 300).token);
    for (const lifeS of [400, 500, 500, 350]) {
      const { token, endsAtMs } = tokenOf('anna', lifeS);
      peer.send({ type: 'refresh_token', token });
      await peer.expect({ type: 'token_refreshed', expires_at: endsAtMs / 1000 });
    }
    clock.advance(290_000 + slackMs);
    await peer.expect({ type: 'session_expiring' });
    clock.advance(300_000);
    await peer.expectNothing();
  });

  test('[U6] of another user is refused, and the session goes on as it was', async () => {
    const { token, endsAtMs } = tokenOf('anna', 600);
    const { peer } = await join('anna', token);
    peer.send({ type: 'refresh_token', token: tokenOf('bert', 1200).token, id: 'r1' });
    await peer.expect({ type: 'error', code: 'FORBIDDEN', retryable: false, reply_to: 'r1' });
    passUntil(endsAtMs - minuteMs + slackMs);
    await peer.expect({ type: 'session_expiring', expires_at: endsAtMs / 1000 });
  });

  test.each([
    ['is no token', () => 'not a token'],
    ['is over', () => forge.flawed('expired')],
    ['is signed by somebody else', () => forge.foreignKey({ sub: 'anna' })],
  ])('[U6] that %s is refused, and the session goes on as it was', async (_, makeToken) => {
    const { token, endsAtMs } = tokenOf('anna', 600);
    const { peer } = await join('anna', token);
    peer.send({ type: 'refresh_token', token: makeToken(), id: 'r1' });
    await peer.expect({ type: 'error', code: 'INVALID_TOKEN', reply_to: 'r1' });
    passUntil(endsAtMs - minuteMs + slackMs);
    await peer.expect({ type: 'session_expiring', expires_at: endsAtMs / 1000 });
  });

  test('[U6] [F2] without a token, or outside of a room, is refused', async () => {
    const { token } = tokenOf('anna', 600);
    const { peer } = await join('anna', token);
    peer.send({ type: 'refresh_token', id: 'r1' });
    await peer.expect({ type: 'error', code: 'MISSING_FIELDS', reply_to: 'r1' });
    const stranger = await server.connect();
    stranger.send({ type: 'refresh_token', token });
    await stranger.expect({ type: 'error', code: 'NOT_IN_ROOM' });
  });

  test('[U6] works in the other dialects by `auth` too', async () => {
    const query = (user: string): string =>
      new URLSearchParams({ token: tokenOf(user, 600).token, room_token: room.token }).toString();
    const gateway = await open(`${server.ws}/signal/${room.room_id}?${query('player')}`);
    const forPlayer = tokenOf('player', 1200);
    gateway.send({ type: 'auth', token: forPlayer.token });
    await gateway.expect({ type: 'token-refreshed', expiresAt: forPlayer.endsAtMs });
    gateway.send({ type: 'auth', token: tokenOf('bert', 1200).token });
    await gateway.expect({ code: 'FORBIDDEN' });

    const webrtc = await open(`${server.ws}/ws/webrtc/${room.room_id}?${query('anna')}&resume=1`);
    await until(webrtc, 'user-joined');
    const forAnna = tokenOf('anna', 1200);
    for (const type of ['refresh-token', 'auth']) {
      webrtc.send({ type, payload: { token: forAnna.token }, id: type });
      await webrtc.expect({
        type: 'token-refreshed',
        payload: { expires_at: new Date(forAnna.endsAtMs).toISOString() },
        reply_to: type,
      });
    }
    webrtc.send({ type: 'auth', payload: { token: 'not a token' } });
    await webrtc.expect({ type: 'error', payload: expect.objectContaining({ code: 'INVALID_TOKEN' }) });
  });

  test('[P4] from a parity session means nothing', async () => {
    const { token } = tokenOf('worker', 600);
    const parity = await server.register(room, 'worker', { id_token: token, username: 'worker' });
    parity.send({ type: 'refresh_token', token });
    await parity.expectNothing();
    expect(server.tally.tokens_refreshed).toBe(0);
  });
});

describe('with CLOSE_AT_EXPIRY', () => {
  beforeEach(() => start({ CLOSE_AT_EXPIRY: '1' }));

  test('[U6] the socket is closed 4401 at the end, and not before', async () => {
    const { token, endsAtMs } = tokenOf('anna', 600);
    const { peer } = await join('anna', token);
    passUntil(endsAtMs - 1);
    await peer.expect({ type: 'session_expiring' });
    await peer.expectNothing();
    passUntil(endsAtMs + slackMs);
    expect(await peer.closed).toEqual({ code: 4401, reason: 'the identity token has expired' });
    expect(server.tally.sessions_expired).toBe(1);
  });

  test('[U6] a webrtc socket is closed 4003 then, a gateway one 4401, and a parity one never', async () => {
    const { token, endsAtMs } = tokenOf('anna', 600);
    const query = new URLSearchParams({ token, room_token: room.token }).toString();
    const gateway = await open(`${server.ws}/signal/${room.room_id}?${query}&peer_id=player`);
    const webrtc = await open(`${server.ws}/ws/webrtc/${room.room_id}?${query}`);
    await until(webrtc, 'user-joined');
    const parity = await server.register(room, 'worker', { id_token: token, username: 'anna' });
    // It is in when it is answered.
    gateway.send({ type: 'sdp', senderId: 'player', targetId: 'nobody', sdp: { type: 'offer', sdp: 'v=0' } });
    await gateway.expect({ code: 'PEER_NOT_FOUND' });
    passUntil(endsAtMs + slackMs);
    expect((await webrtc.closed).code).toBe(4003);
    expect((await gateway.closed).code).toBe(4401);
    await parity.expectNothing();
  });

  test('[U6] a newer token calls that off', async () => {
    const first = tokenOf('anna', 600);
    const { peer } = await join('anna', first.token);
    passUntil(first.endsAtMs - 10_000);
    await peer.expect({ type: 'session_expiring' });
    const second = tokenOf('anna', 300);
    peer.send({ type: 'refresh_token', token: second.token });
    await peer.expect({ type: 'token_refreshed' });
    passUntil(first.endsAtMs + slackMs);
    await peer.expectNothing();
    passUntil(second.endsAtMs + slackMs);
    await peer.expect({ type: 'session_expiring' });
    expect((await peer.closed).code).toBe(4401);
  });

  test('[U6] a token that ends within the second still closes the socket', async () => {
    const { token, endsAtMs } = tokenOf('anna', 600);
    passUntil(endsAtMs - 500);
    const { peer } = await join('anna', token);
    clock.advance(2 * slackMs);
    await peer.expect({ type: 'session_expiring', in_ms: 0 });
    expect((await peer.closed).code).toBe(4401);
  });

  test('[U6] [S2] a session that was resumed is judged by the token that it was resumed with', async () => {
    const first = tokenOf('anna', 600);
    const { peer, joined } = await join('anna', first.token);
    const second = tokenOf('anna', 1200);
    peer.drop();
    await peer.closed;
    const resume = { session_id: joined['session_id'], resume_token: joined['resume_token'], count: 0 };
    const again = await join('anna', second.token, { resume });
    expect(again.joined).toMatchObject({ resumed: true });
    passUntil(first.endsAtMs + slackMs);
    await again.peer.expectNothing();
    passUntil(second.endsAtMs + slackMs);
    await again.peer.expect({ type: 'session_expiring', expires_at: second.endsAtMs / 1000 });
    expect((await again.peer.closed).code).toBe(4401);
    expect(server.tally.sessions_expired).toBe(1);
  });

  test('[U6] who has left the room is not closed for the token that it came with', async () => {
    const { token, endsAtMs } = tokenOf('anna', 600);
    const { peer } = await join('anna', token);
    peer.send({ type: 'leave_room' });
    await peer.expect({ type: 'room_left' });
    passUntil(endsAtMs + slackMs);
    await peer.expectNothing();
  });
});

describe('new ICE servers', () => {
  test('[I9] [U6] come in time however often the token is renewed', async () => {
    await start({
      TURN_URLS: 'turn:relay.test:3478',
      TURN_SHARED_SECRET: 'a secret of enough characters',
      TURN_TTL_S: '100',
    });
    const { peer } = await join('anna', tokenOf('anna', 600).token);
    for (let round = 0; round < 2; round += 1) {
      clock.advance(37_000);
      peer.send({ type: 'refresh_token', token: tokenOf('anna', 600).token });
      await peer.expect({ type: 'token_refreshed' });
    }
    clock.advance(2 * slackMs);
    await peer.expect({ type: 'ice_servers', restart_ice: true });
  });
});

describe('a credential at the upgrade', () => {
  beforeEach(() => start());

  const ways: readonly (readonly [
    string,
    (token: string) => Parameters<typeof TestPeer.open>[1],
    string?,
  ])[] = [
    ['the cookie', (token) => ({ headers: { cookie: `theme=dark; access_token=${token}` } }), ''],
    ['a Bearer header', (token) => ({ headers: { authorization: `Bearer ${token}` } }), ''],
    ['a subprotocol', (token) => ({ protocols: [`bearer.${token}`] }), ''],
    ['two subprotocols', (token) => ({ protocols: ['bearer', token] }), ''],
    ['the query', () => ({}), 'token'],
    ['the query by its other name', () => ({}), 'access_token'],
  ];

  test.each(ways)('[U1] [F1] in %s is what join_room without id_token goes by', async (_, options, name) => {
    const { token, endsAtMs } = tokenOf('anna', 600);
    const query = name === '' ? '' : `?${name}=${token}`;
    const peer = await open(`${server.ws}/${query}`, options(token));
    peer.send({ type: 'join_room', ...room, peer_id: 'anna' });
    await peer.expect({ type: 'room_joined', peer_id: 'anna' });
    peer.send({ type: 'refresh_token', token: tokenOf('bert', 900).token });
    await peer.expect({ code: 'FORBIDDEN' });
    passUntil(endsAtMs - minuteMs + slackMs);
    await peer.expect({ type: 'session_expiring', expires_at: endsAtMs / 1000 });
  });

  test('[U1] [F1] gives way to the id_token of the first message, and without either the join is refused', async () => {
    const peer = await open(server.ws, { headers: { authorization: `Bearer ${forge.flawed('expired')}` } });
    peer.send({ type: 'join_room', ...room, peer_id: 'anna' });
    await peer.expect({ type: 'error', code: 'INVALID_TOKEN' });
    peer.send({ type: 'join_room', ...room, peer_id: 'anna', id_token: tokenOf('anna', 600).token });
    await peer.expect({ type: 'room_joined' });
    const stranger = await server.connect();
    stranger.send({ type: 'join_room', ...room, peer_id: 'bert' });
    await stranger.expect({ type: 'error', code: 'MISSING_FIELDS' });
  });

  test('[U2] in the cookie of a foreign page counts for nothing', async () => {
    await server.stop();
    await start({ ALLOWED_ORIGINS: '*' });
    const { token } = tokenOf('anna', 600);
    const headers = { cookie: `access_token=${token}` };
    const peer = await open(server.ws, { headers, origin: 'https://elsewhere.example' });
    peer.send({ type: 'join_room', ...room, peer_id: 'anna' });
    await peer.expect({ type: 'error', code: 'MISSING_FIELDS' });
  });
});

describe("Cognito's tokens", () => {
  const region = 'eu-central-1';
  const userPoolId = 'eu-central-1_Example';
  const clientId = 'client';
  const pool = new TokenForge({
    issuer: `https://cognito-idp.${region}.amazonaws.com/${userPoolId}`,
    audience: clientId,
    privateKey,
    kid: 'key-1',
  });
  let keys: KeySetServer;

  beforeEach(async () => {
    keys = await KeySetServer.start({ 'key-1': privateKey });
  });

  afterEach(async () => {
    await keys.stop();
  });

  const access = (client: string): string =>
    pool.valid({
      token_use: 'access',
      client_id: client,
      aud: undefined,
      'cognito:username': undefined,
      username: 'anna',
    });
  const tokens: readonly (readonly [string, () => string])[] = [
    ['ID token', () => pool.valid()],
    ['access token', () => access(clientId)],
    ['access token of another client', () => access('another client')],
    ['ID token of another client', () => pool.flawed('wrongAud')],
    ['access token that says aud instead of client_id', () => pool.valid({ token_use: 'access' })],
    ['token of neither use', () => pool.flawed('noTokenUse')],
  ];

  test.each([
    ['id', ['ID token']],
    ['access', ['access token']],
    ['both', ['ID token', 'access token']],
  ])('[U5] with COGNITO_TOKEN_USE=%s are taken or refused by their use and client', async (use, taken) => {
    server = await TestServer.start({
      COGNITO_REGION: region,
      COGNITO_USER_POOL_ID: userPoolId,
      COGNITO_APP_CLIENT_ID: clientId,
      COGNITO_JWKS_URI: keys.uri,
      COGNITO_TOKEN_USE: use,
    });
    const verdicts = await Promise.all(
      tokens.map(async ([name, make]) => {
        const headers = { authorization: `Bearer ${make()}` };
        const { status } = await fetch(`${server.http}/webrtc/config`, { headers });
        return [name, status] as const;
      }),
    );
    expect(verdicts).toEqual(tokens.map(([name]) => [name, taken.includes(name) ? 200 : 401]));
  });
});
