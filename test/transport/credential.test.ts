import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { chooseSubprotocol, credentialOf, redactedUrl } from '../../src/transport/credential.js';

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1In0.c2lnbmF0dXJl';
const OTHER = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ2In0.c2lnbmF0dXJl';
const HOST = 'signal.example.org:8080';

function request(headers: Record<string, string>, url = '/'): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  Object.assign(message.headers, headers);
  message.url = url;
  return message;
}

const settings = { allowedOrigins: [], allowQueryToken: true };

describe('credentialOf', () => {
  test('[U1] finds nothing where nothing is', () => {
    expect(credentialOf(request({}, '/ws?room=1'), settings)).toBeUndefined();
  });

  test.each(['Bearer', 'bearer', 'BEARER'])('[U1] reads the Authorization header, scheme %s', (scheme) => {
    const found = credentialOf(request({ authorization: `${scheme} ${JWT}` }), settings);
    expect(found).toEqual({ token: JWT, from: 'header' });
  });

  test.each([
    JWT,
    `Basic ${JWT}`,
    'Bearer',
    'Bearer ',
    `Bearer ${JWT} ${JWT}`,
    `Bearer, ${JWT}`,
    `Bearer${JWT}`,
  ])('[U1] does not take the Authorization header "%.12s…" for a token', (authorization) => {
    expect(credentialOf(request({ authorization }), settings)).toBeUndefined();
  });

  describe('takes the cookie', () => {
    const withCookie = (headers: Record<string, string>, allowedOrigins: readonly string[] = []): unknown =>
      credentialOf(request({ cookie: `a=b; access_token=${JWT}; c=d`, host: HOST, ...headers }), {
        ...settings,
        allowedOrigins,
      })?.from;

    test('[U2] of a client that is no browser', () => {
      expect(withCookie({})).toBe('cookie');
    });

    test('[U2] of a page of the same host, on any port', () => {
      expect(withCookie({ origin: 'https://signal.example.org' })).toBe('cookie');
      expect(withCookie({ origin: 'http://signal.example.org:8001' })).toBe('cookie');
      expect(withCookie({ origin: 'https://signal.example.org' }, ['https://app.example.org'])).toBe(
        'cookie',
      );
      expect(withCookie({ origin: 'https://signal.example.org' }, ['*'])).toBe('cookie');
    });

    test('[U2] of a page whose origin the operator names', () => {
      expect(withCookie({ origin: 'https://app.example.org' }, ['*', 'https://app.example.org'])).toBe(
        'cookie',
      );
    });

    test('[U2] but not of any other page, and * names nobody', () => {
      for (const origin of ['https://evil.example', 'null', 'https://signal.example.org.evil.example', '']) {
        for (const allowed of [[], ['*'], ['https://app.example.org'], ['*', 'https://app.example.org']])
          expect(withCookie({ origin }, allowed)).toBeUndefined();
      }
    });

    test('[U2] but not of an image or link of a foreign page, which has no Origin', () => {
      expect(withCookie({ 'sec-fetch-site': 'cross-site' })).toBeUndefined();
      expect(withCookie({ 'sec-fetch-site': 'same-site' })).toBeUndefined();
      expect(withCookie({ 'sec-fetch-site': 'same-origin' })).toBe('cookie');
      expect(withCookie({ 'sec-fetch-site': 'none' })).toBe('cookie');
    });
  });

  test.each([
    `bearer.${JWT}`,
    `access_token.${JWT}`,
    `bearer, ${JWT}`,
    `chat,bearer.${JWT}`,
    `chat, bearer,${JWT}, other`,
  ])('[U1] reads the subprotocols %.30s…', (offer) => {
    const found = credentialOf(request({ 'sec-websocket-protocol': offer }), settings);
    expect(found).toEqual({ token: JWT, from: 'subprotocol' });
  });

  test.each(['chat', JWT, 'bearer', 'bearer, chat', 'bearer.', `Bearer.${JWT}`, ',', ''])(
    '[U1] sees no token in the subprotocols %.30s',
    (offer) => {
      expect(credentialOf(request({ 'sec-websocket-protocol': offer }), settings)).toBeUndefined();
    },
  );

  test.each(['token', 'access_token', 'id_token'])(
    '[U1] reads %s from the query, unless that is off',
    (name) => {
      const asked = request({}, `/signal/room-1?x=1&${name}=${JWT}`);
      expect(credentialOf(asked, settings)).toEqual({ token: JWT, from: 'query' });
      expect(credentialOf(asked, { ...settings, allowQueryToken: false })).toBeUndefined();
    },
  );

  test('[U1] looks in the header first, then in the cookie, the subprotocols and the query', () => {
    const all = {
      authorization: `Bearer ${JWT}`,
      cookie: `access_token=${JWT}`,
      'sec-websocket-protocol': `bearer.${JWT}`,
    };
    const seen: (string | undefined)[] = [];
    const names = [undefined, 'authorization', 'cookie', 'sec-websocket-protocol'] as const;
    let headers: Record<string, string> = all;
    for (const name of names) {
      headers = Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
      seen.push(credentialOf(request(headers, `/?token=${JWT}`), settings)?.from);
    }
    expect(seen).toEqual(['header', 'cookie', 'subprotocol', 'query']);
  });

  test('[U1] ignores what is longer than any token, and looks on', () => {
    const long = 'x'.repeat(16_385);
    expect(credentialOf(request({ authorization: `Bearer ${long}` }), settings)).toBeUndefined();
    expect(credentialOf(request({ authorization: `Bearer ${long}` }, `/?token=${JWT}`), settings)?.from).toBe(
      'query',
    );
    expect(credentialOf(request({}, `/?token=${'x'.repeat(16_384)}`), settings)?.from).toBe('query');
  });

  test('[U1] never throws, and finds only what can be a token', () => {
    const text = fc.string({ unit: 'binary' });
    const places = fc.record({
      authorization: text,
      cookie: text,
      'sec-websocket-protocol': text,
      origin: text,
    });
    fc.assert(
      fc.property(places, text, (headers, query) => {
        const found = credentialOf(request(headers, `/?${query}`), settings);
        if (found !== undefined) expect(found.token).toMatch(/^[!-~]+$/);
      }),
    );
  });
});

describe('chooseSubprotocol', () => {
  test.each([
    [[], false],
    [['chat'], 'chat'],
    [['chat', 'v2'], 'chat'],
    [[`bearer.${JWT}`, 'chat'], 'chat'],
    [[`access_token.${JWT}`, 'v2', 'chat'], 'v2'],
    [['bearer', JWT], 'bearer'],
    [['bearer', JWT, 'chat'], 'chat'],
    [['bearer'], 'bearer'],
    // With nothing else to say, the token goes back to where it came from.
    [[`bearer.${JWT}`], `bearer.${JWT}`],
    [[`bearer.${JWT}`, `access_token.${OTHER}`], `bearer.${JWT}`],
  ])('[U3] of %j', (offered, chosen) => {
    expect(chooseSubprotocol(new Set(offered))).toBe(chosen);
  });

  test('[U3] a real handshake goes through with each way to offer a token', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: chooseSubprotocol });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const chosen: string[] = [];
    for (const offer of [[], ['bearer', JWT], [`bearer.${JWT}`], [`bearer.${JWT}`, 'chat']]) {
      const socket = new WebSocket(`ws://127.0.0.1:${String(port)}`, offer);
      await once(socket, 'open');
      chosen.push(socket.protocol);
      socket.terminate();
    }
    expect(chosen).toEqual(['', 'bearer', `bearer.${JWT}`, 'chat']);
    server.close();
    await once(server, 'close');
  });
});

describe('redactedUrl', () => {
  test.each([
    ['/', '/'],
    ['/ws?a=1&b=2', '/ws?a=1&b=2'],
    ['/ws?token=abc', '/ws?token=…'],
    ['/ws?a=1&access_token=abc&b=2#id_token=x', '/ws?a=1&access_token=…&b=2#id_token=…'],
    ['/ws?resume_token=a&room_token=b&ID_TOKEN=c', '/ws?resume_token=…&room_token=…&ID_TOKEN=…'],
    ['/ws?%74oken=abc', '/ws?%74oken=…'],
    ['/ws?token=a;b?c=d=e&x=1', '/ws?token=…&x=1'],
    ['/ws?x=1;token=abc', '/ws?x=1;token=…'],
    ['http://host/ws?token=abc', 'http://host/ws?token=…'],
    ['/ws?token', '/ws?token'],
    ['/ws?mytoken=abc', '/ws?mytoken=abc'],
  ])('[U4] of %s is %s', (url, redacted) => {
    expect(redactedUrl(url)).toBe(redacted);
  });

  test('[U4] hides every token that is read from a query', () => {
    const spelled = (name: string): string =>
      Array.from(name)
        .map((letter, at) => (at % 2 === 0 ? `%${letter.charCodeAt(0).toString(16)}` : letter))
        .join('');
    const name = fc
      .constantFrom('token', 'access_token', 'id_token')
      .chain((n) => fc.constantFrom(n, spelled(n)));
    const noise = fc.array(fc.constantFrom('a', '=', '&', '?', ';', '#', '%', '%3d', 'token'), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(noise, name, noise, (before, param, after) => {
        const url = `/p?${before.join('')}${param}=SECRET${after.join('')}`;
        const found = credentialOf(request({}, url), settings);
        if (found?.token.includes('SECRET') === true) expect(redactedUrl(url)).not.toContain('SECRET');
      }),
      { numRuns: 2000 },
    );
  });
});
