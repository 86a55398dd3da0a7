/** A real relay (coturn) and the credentials that the server hands out for it, each family of clients by its own way. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Ports } from '../../src/core/context.js';
import type { IceServer } from '../../src/protocol/ice.js';
import { Coturn } from '../support/coturn.js';
import { FakeClock } from '../support/fake-clock.js';
import { TestServer, type User } from '../support/server.js';
import { WrtcClient, type WrtcClientSettings } from '../support/wrtc-client.js';
import { WrtcEngine, type IceSettings } from '../support/wrtc-engine.js';

const lifeS = 60;

let coturn: Coturn;
const servers: TestServer[] = [];
const ends: (() => void)[] = [];

beforeEach(async () => {
  coturn = await Coturn.start();
});

afterEach(async () => {
  for (const end of ends.splice(0)) end();
  for (const server of servers.splice(0)) await server.stop();
  await coturn.stop();
});

async function start(overrides: Partial<Ports> = {}): Promise<TestServer> {
  const env = {
    STUN_URLS: coturn.stunUrl,
    TURN_URLS: coturn.turnUrl,
    TURN_SHARED_SECRET: coturn.secret,
    TURN_TTL_S: String(lifeS),
  };
  const server = await TestServer.start(env, overrides);
  servers.push(server);
  return server;
}

/** What S4's clients ask for before they call. */
async function configOf(server: TestServer, user: User): Promise<readonly IceServer[]> {
  const answer = await fetch(`${server.http}/webrtc/config`, {
    headers: { authorization: `Bearer ${user.id_token}` },
  });
  const { ice_servers: iceServers } = (await answer.json()) as { ice_servers: readonly IceServer[] };
  // Where there is no user name, S4's reply says null.
  return iceServers.map(({ urls, username, credential }) => ({
    urls,
    ...(typeof username === 'string' && { username }),
    ...(typeof credential === 'string' && { credential }),
  }));
}

const relayOnly = (iceServers: readonly IceServer[]): IceSettings => ({
  iceServers,
  iceTransportPolicy: 'relay',
});

async function join(settings: WrtcClientSettings): Promise<WrtcClient> {
  const client = await WrtcClient.join(settings);
  ends.push(() => {
    client.close();
  });
  return client;
}

/** The kinds of candidates that a peer finds which may only use the relay. */
async function kindsWith(iceServers: readonly IceServer[]): Promise<readonly string[]> {
  const engine = await WrtcEngine.open(relayOnly(iceServers));
  ends.push(() => {
    engine.close();
  });
  await engine.offer(true);
  return engine.kinds;
}

/** The same servers with another user name for the relay, and the credential that came for the one before. */
function renamed(
  iceServers: readonly IceServer[],
  rename: (username: string) => string,
): readonly IceServer[] {
  return iceServers.map((server) =>
    server.username === undefined ? server : { ...server, username: rename(server.username) },
  );
}

test('[I8] [I9] a flat and a webrtc peer that may only use the relay talk, each with what the server gave it', async () => {
  const server = await start();
  const [owner, guest] = [await server.signIn(), await server.signIn()];
  const room = await server.createRoom(owner);
  const common = { ws: server.ws, room };
  const anna = await join({
    ...common,
    dialect: 'flat',
    name: 'anna',
    idToken: owner.id_token,
    ice: ({ ice_servers: iceServers }) => relayOnly(iceServers as readonly IceServer[]),
  });
  const config = await configOf(server, guest);
  expect(config.map(({ urls }) => urls)).toEqual([[coturn.stunUrl], [coturn.turnUrl]]);
  const bert = await join({
    ...common,
    dialect: 'webrtc',
    name: 'bert',
    idToken: guest.id_token,
    ice: () => relayOnly(config),
  });

  await anna.call('bert');
  const [here, there] = await Promise.all([anna.channel(), bert.channel()]);
  here.send('from anna');
  there.send('from bert');
  expect([await here.next(), await there.next()]).toEqual(['from bert', 'from anna']);
  for (const { engine } of [anna, bert]) {
    expect(await engine.selectedKinds()).toEqual(['relay', 'relay']);
    expect(new Set(engine.kinds)).toEqual(new Set(['relay']));
  }
});

test('[I1] [I8] who makes its credential live longer, or goes by another name, finds no relay', async () => {
  const server = await start();
  const config = await configOf(server, await server.signIn());
  expect(new Set(await kindsWith(config))).toEqual(new Set(['relay']));
  const later = (username: string): string =>
    username.replace(/^\d+/, (expiry) => String(Number(expiry) + 3600));
  expect(await kindsWith(renamed(config, later))).toEqual([]);
  expect(await kindsWith(renamed(config, (username) => username.replace(/:.*/, ':root')))).toEqual([]);
});

test('[I1] [I8] a credential whose time is over finds no relay', async () => {
  // What this server hands out ended ten seconds ago by the relay's clock.
  const server = await start({ clock: new FakeClock(Date.now() - (lifeS + 10) * 1000) });
  expect(await kindsWith(await configOf(server, await server.signIn()))).toEqual([]);
});
