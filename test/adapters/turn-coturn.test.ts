import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TurnIceServers } from '../../src/adapters/turn/turn-ice-servers.js';
import type { IceServer } from '../../src/protocol/ice.js';
import { Coturn } from '../support/coturn.js';
import { FakeClock } from '../support/fake-clock.js';

const ttlS = 600;
const hourMs = 3_600_000;

let coturn: Coturn;

beforeAll(async () => {
  coturn = await Coturn.start();
});

afterAll(async () => {
  await coturn.stop();
});

/** The TURN entry as it is made when the clock says so. */
function turnEntry({ user = 'alice', nowMs = Date.now(), secret = coturn.secret } = {}): Required<IceServer> {
  const settings = { stunUrls: [coturn.stunUrl], turnUrls: [coturn.turnUrl], ttlS, sharedSecret: secret };
  const source = new TurnIceServers({ ...settings, transportPolicy: 'all' }, new FakeClock(nowMs));
  const { username, credential, urls } = source.configFor(user).servers.at(-1) ?? { urls: [] };
  if (username === undefined || credential === undefined) throw new Error('there is no TURN entry');
  return { urls, username, credential };
}

describe('a real coturn', () => {
  test.each(['alice', '9999999999:root', 'zoë', 'x'.repeat(300)])(
    '[I1] [I2] relays for whoever we made credentials for: %s',
    async (user) => {
      const { username, credential } = turnEntry({ user });
      const allocation = await coturn.allocate(username, credential);
      expect(allocation.refused).toBeUndefined();
      expect(allocation.relayed).toMatch(/^127\.0\.0\.1:\d+$/);
    },
  );

  test('[I1] relays for nobody who has none', async () => {
    const { challenge } = await coturn.allocate('alice', '');
    expect(challenge).toMatch(/^401 /);
  });

  test('[I1] refuses a credential that was tampered with', async () => {
    const { username, credential } = turnEntry();
    const other = credential.startsWith('A') ? 'B' : 'A';
    const { refused } = await coturn.allocate(username, `${other}${credential.slice(1)}`);
    expect(refused).toMatch(/^401 /);
  });

  test('[I1] refuses the credential of one user to another', async () => {
    const { credential, username } = turnEntry({ user: 'alice' });
    const { refused } = await coturn.allocate(username.replace('alice', 'bob'), credential);
    expect(refused).toMatch(/^401 /);
  });

  test('[I1] refuses a user name with a later end than it was made for', async () => {
    const { credential, username } = turnEntry();
    const later = username.replace(/^\d+/, (expiryS) => String(Number(expiryS) + ttlS));
    expect((await coturn.allocate(later, credential)).refused).toMatch(/^401 /);
  });

  test('[I1] refuses what has ended', async () => {
    const { credential, username } = turnEntry({ nowMs: Date.now() - hourMs });
    expect((await coturn.allocate(username, credential)).refused).toMatch(/^401 /);
  });

  test('[I1] refuses what another secret made', async () => {
    const { credential, username } = turnEntry({ secret: 'somebody else’s' });
    expect((await coturn.allocate(username, credential)).refused).toMatch(/^401 /);
  });
});
