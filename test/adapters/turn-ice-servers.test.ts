import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { TurnIceServers, type TurnSettings } from '../../src/adapters/turn/turn-ice-servers.js';
import { FakeClock } from '../support/fake-clock.js';

const nowMs = 1_700_000_000_999;
const secret = 'between us';

function source(settings: Partial<TurnSettings> = {}): TurnIceServers {
  const usual: TurnSettings = {
    stunUrls: ['stun:stun.test'],
    turnUrls: ['turn:relay.test?transport=udp', 'turns:relay.test?transport=tcp'],
    sharedSecret: secret,
    ttlS: 3600,
    transportPolicy: 'all',
  };
  return new TurnIceServers({ ...usual, ...settings }, new FakeClock(nowMs));
}

/** The part of the TURN user name behind the expiry. */
function nameOf(user: string): string {
  const username = source().configFor(user).servers.at(-1)?.username ?? '';
  return username.slice(username.indexOf(':') + 1);
}

describe('ICE servers for a user', () => {
  test('[I1] are STUN, and TURN with a name that says when it ends and a credential that only the secret makes', () => {
    const username = '1700003600:alice';
    expect(source().configFor('alice')).toEqual({
      servers: [
        { urls: ['stun:stun.test'] },
        {
          urls: ['turn:relay.test?transport=udp', 'turns:relay.test?transport=tcp'],
          username,
          credential: createHmac('sha1', secret).update(username).digest('base64'),
        },
      ],
      transportPolicy: 'all',
      expiresAtMs: 1_700_003_600_000,
      ttlS: 3600,
    });
  });

  test('[I1] a known credential: HMAC-SHA1 of "1700003600:alice" as openssl computes it', () => {
    expect(source().configFor('alice').servers.at(-1)?.credential).toBe('ghInW2PzAgt7gaMHm+qPfDhrNYc=');
  });

  test.each([
    ['no TURN address', { turnUrls: [] }],
    ['no secret', { sharedSecret: undefined }],
  ])('[I1] with %s are STUN only, and end never', (_what, settings) => {
    expect(source(settings).configFor('alice')).toEqual({
      servers: [{ urls: ['stun:stun.test'] }],
      transportPolicy: 'all',
    });
  });

  test('[I1] without STUN addresses have no STUN entry; the transport policy is told as it is set', () => {
    const { servers, transportPolicy } = source({ stunUrls: [], transportPolicy: 'relay' }).configFor(
      'alice',
    );
    expect(servers.map(({ urls }) => urls[0])).toEqual(['turn:relay.test?transport=udp']);
    expect(transportPolicy).toBe('relay');
    expect(source({ stunUrls: [], turnUrls: [] }).configFor('alice').servers).toEqual([]);
  });

  test.each([['alice'], ['A.b-c_9'], ['6f9619ff-8b86-d011-b42d-00cf4fc964ff'], ['x'.repeat(64)]])(
    '[I2] a plain name stays as it is: %s',
    (user) => {
      expect(nameOf(user)).toBe(user);
    },
  );

  test.each([
    ['a colon', '9999999999:root'],
    ['a line break', 'alice\n'],
    ['a NUL', 'alice\u0000'],
    ['letters beyond ASCII', 'zoë'],
    ['nothing', ''],
    ['65 characters', 'x'.repeat(65)],
    ['the looks of a hash', createHash('sha256').update('zoë').digest('base64url')],
  ])('[I2] a name with %s goes by its hash, always the same', (_what, user) => {
    expect(nameOf(user)).toBe(createHash('sha256').update(user).digest('base64url'));
    expect(nameOf(user)).toMatch(/^[\w-]{43}$/);
  });
});
