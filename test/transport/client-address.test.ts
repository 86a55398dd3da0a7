import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { clientAddress, parseTrustedProxies } from '../../src/transport/client-address.js';

function requestFrom(address: string | undefined, forwardedFor?: string): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: address });
  const request = new IncomingMessage(socket);
  if (forwardedFor !== undefined) request.headers['x-forwarded-for'] = forwardedFor;
  return request;
}

const nobody = parseTrustedProxies([]);
const some = parseTrustedProxies(['loopback', '10.0.0.0/8', '2001:db8:ffff::/48']);

describe('clientAddress', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:cb00:7107', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002:ffff::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8::/64'],
    ['64:ff9b::203.0.113.7', '64:ff9b::/64'],
    ['::1', '::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
  ])('[L5] of %s is %s', (address, key) => {
    expect(clientAddress(requestFrom(address), nobody)).toBe(key);
  });

  test('[L5] of a socket that is gone is unknown, whatever its headers say', () => {
    expect(clientAddress(requestFrom(undefined, '203.0.113.7'), some)).toBe('unknown');
  });

  test('[L5] of a stranger is its own, whomever it names', () => {
    expect(clientAddress(requestFrom('203.0.113.7', '198.51.100.1'), nobody)).toBe('203.0.113.7');
    expect(clientAddress(requestFrom('203.0.113.7', '198.51.100.1'), some)).toBe('203.0.113.7');
  });

  test.each([
    ['one proxy', '127.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['a proxy that is seen mapped to IPv6', '::ffff:10.1.2.3', '203.0.113.7', '203.0.113.7'],
    ['two proxies', '127.0.0.1', '203.0.113.7, 10.0.0.9', '203.0.113.7'],
    ['an IPv6 proxy', '2001:db8:ffff::5', '2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['a client that invents hops before it', '10.0.0.1', '1.1.1.1, 2.2.2.2, 203.0.113.7', '203.0.113.7'],
    [
      'a client that claims to come from a proxy',
      '10.0.0.1',
      '198.51.100.1, 127.0.0.1, 203.0.113.7',
      '203.0.113.7',
    ],
    ['a proxy that writes ports', '10.0.0.1', '203.0.113.7:51234', '203.0.113.7'],
    ['two proxies that write ports', '10.0.0.1', '[2001:db8:1:2::9]:443, 10.0.0.2:80', '2001:db8:1:2::/64'],
    ['a proxy that writes brackets', '10.0.0.1', '[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
    ['proxies only', '10.0.0.1', '10.0.0.2', '10.0.0.2'],
  ])('[L5] behind %s is the client', (_name, address, forwardedFor, key) => {
    expect(clientAddress(requestFrom(address, forwardedFor), some)).toBe(key);
  });

  test.each([
    ['unknown'],
    ['_hidden'],
    ['999.1.1.1'],
    ['<script>'],
    ['1.2.3.4.5:6'],
    [','],
    [''],
    ['x'.repeat(15_000)],
  ])('[L5] is the proxy when it wrote no address: %.20s', (forwardedFor) => {
    expect(clientAddress(requestFrom('10.0.0.1', forwardedFor), some)).toBe('10.0.0.1');
  });

  test('[L5] is short and of a known form, whatever the header holds', () => {
    const pieces = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom('[', ']', ':80', '::'),
    );
    const headers = fc
      .array(fc.array(pieces, { maxLength: 3 }), { maxLength: 6 })
      .map((hops) => hops.map((hop) => hop.join('')).join(','));
    fc.assert(
      fc.property(headers, (header) => {
        expect(clientAddress(requestFrom('10.0.0.1', header), some)).toMatch(
          /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]{2,21}\/64)$/,
        );
      }),
    );
  });
});

describe('parseTrustedProxies', () => {
  test.each(['127.0.0.1', '10.0.0.0/8', '10.0.0.0/255.0.0.0', '::1', 'fd00::/8', 'loopback', 'uniquelocal'])(
    'takes %s',
    (entry) => {
      expect(() => parseTrustedProxies([entry])).not.toThrow();
    },
  );

  test.each([
    '1',
    'proxy.example.org',
    '10.0.0.0/33',
    '10.0.0.0/0',
    '::1/129',
    '10.0.0.0/x',
    '*',
    '',
    '10.0.0',
  ])('refuses "%s", and quotes it', (entry) => {
    expect(() => parseTrustedProxies(['loopback', entry])).toThrow(
      `"${entry}" is no address, CIDR range (10.0.0.0/8) or one of loopback, linklocal, uniquelocal`,
    );
  });
});
