import { describe, expect, test } from '@jest/globals';
import { SignalingError } from '../../../src/protocol/errors.js';
import { asPeerId } from '../../../src/protocol/ids.js';
import { withServer } from './http-fixture.js';
import { ask, bytesOf, exchange, parseAnswer } from './raw-request.js';

const json = { 'content-type': 'application/json' };
const detail = (value: unknown): string => JSON.stringify({ detail: value });
const unauthorized = { status: 401, body: detail('Token verification failed: Not enough segments') };

describe('POST /anonymous-signin', () => {
  test('[H1] answers with a token and a user name, in that order, in compact JSON without a charset', async () => {
    await withServer({}, async ({ port }) => {
      const answer = await ask(port, { path: '/anonymous-signin' });
      const body = '{"id_token":"header.claims.signature","username":"some-user"}';
      const headers = { 'content-length': String(body.length), 'content-type': 'application/json' };
      expect(answer).toEqual({ status: 200, headers, body });
    });
  });

  test.each([['{bad'], [''], ['[1'], ['\xff\xfe'], ['x'.repeat(300_000)]])(
    '[H1] ignores a body (%#)',
    async (body) => {
      await withServer({}, async ({ port }) => {
        const answer = await ask(port, { path: '/anonymous-signin', headers: json, body });
        expect(answer.status).toBe(200);
      });
    },
  );

  test('[H1] says why it failed in the words of the port, and logs the cause once', async () => {
    const cause = new Error('connect ECONNREFUSED 10.0.0.1');
    const error = new SignalingError('IDENTITY_UNAVAILABLE', 'The pool refused.', { cause });
    await withServer({ desk: { signIn: () => Promise.reject(error) } }, async ({ port, log }) => {
      const { status, headers, body } = await ask(port, { path: '/anonymous-signin' });
      expect({ status, type: headers['content-type'], body }).toEqual({
        status: 500,
        type: 'application/json',
        body: detail('Anonymous sign-in failed: The pool refused.'),
      });
      expect(log).toEqual([
        {
          level: 'error',
          event: 'http_failed',
          fields: { method: 'POST', path: '/anonymous-signin', address: '127.0.0.1', status: 500, error },
        },
      ]);
    });
  });

  test('[D13] keeps the text of an unexpected exception to itself', async () => {
    const desk = { signIn: () => Promise.reject(new Error('https://internal.example')) };
    await withServer({ desk }, async ({ port }) => {
      const { body } = await ask(port, { path: '/anonymous-signin' });
      expect(body).toBe(detail('Anonymous sign-in failed: The identity service did not answer.'));
    });
  });
});

describe('POST /create-room', () => {
  test.each([['Bearer good'], ['good'], ['Bearer Bearer good'], ['goBearer od']])(
    '[H3] takes the token of `Authorization: %s`',
    async (authorization) => {
      await withServer({}, async ({ port, asked }) => {
        const answer = await ask(port, { path: '/create-room', headers: { authorization } });
        const body = '{"room_id":"0badcafe","token":"abc123"}';
        const headers = { 'content-length': String(body.length), 'content-type': 'application/json' };
        expect(answer).toEqual({ status: 200, headers, body });
        expect(asked).toEqual([['createRoom', 'good']]);
      });
    },
  );

  test.each([['bearer good'], [''], ['Bearer '], ['Basic Z29vZA==']])(
    '[H3] hands what is left of `Authorization: %s` to the verifier and answers 401',
    async (authorization) => {
      await withServer({}, async ({ port }) => {
        expect(await ask(port, { path: '/create-room', headers: { authorization } })).toMatchObject(
          unauthorized,
        );
      });
    },
  );

  test.each([
    ['{"mode":"sfu"}', { mode: 'SFU' }],
    ['{"mode":"P2P","more":1}', { mode: 'P2P' }],
    ['{"more":1}', undefined],
    ['["mode"]', undefined],
    ['{"mode":', undefined],
    ['null', undefined],
    ['mode=SFU', undefined],
    ['x'.repeat(65_537), undefined],
  ])('[O1] [H3] takes a mode from a JSON object and lets every other body be: %.20s', async (body, terms) => {
    await withServer({}, async ({ port, asked }) => {
      const answer = await ask(port, { path: '/create-room', headers: { authorization: 'good' }, body });
      expect(answer).toMatchObject({ status: 200, body: '{"room_id":"0badcafe","token":"abc123"}' });
      expect(asked).toEqual([['createRoom', 'good', ...(terms === undefined ? [] : [terms])]]);
    });
  });

  test.each([['{"mode":"MCU"}'], ['{"mode":null}'], ['{"mode":["SFU"]}']])(
    '[O1] refuses a mode that there is not: %s',
    async (body) => {
      await withServer({}, async ({ port, asked }) => {
        const answer = await ask(port, { path: '/create-room', headers: { authorization: 'good' }, body });
        expect(answer).toMatchObject({ status: 400, body: detail('mode must be P2P or SFU') });
        expect(asked).toEqual([]);
      });
    },
  );

  test('[H2] asks for the header when there is none', async () => {
    await withServer({}, async ({ port }) => {
      expect(await ask(port, { path: '/create-room' })).toMatchObject({
        status: 422,
        headers: { 'content-type': 'application/json' },
        body: '{"detail":[{"type":"missing","loc":["header","authorization"],"msg":"Field required","input":null}]}',
      });
    });
  });

  test('answers 503 with Retry-After when the keys cannot be had', async () => {
    await withServer({}, async ({ port }) => {
      const answer = await ask(port, { path: '/create-room', headers: { authorization: 'Bearer outage' } });
      expect(answer).toMatchObject({
        status: 503,
        headers: { 'content-type': 'application/json', 'retry-after': '5' },
        body: detail('Token verification failed: the identity service did not answer, try again'),
      });
    });
  });

  test.each([
    ['the store does not answer', new SignalingError('STORE_UNAVAILABLE')],
    ['something unforeseen happens', new TypeError('secret')],
  ])('[H2] answers 500 in plain text when %s', async (_when, error) => {
    await withServer({ desk: { createRoom: () => Promise.reject(error) } }, async ({ port, log }) => {
      expect(await ask(port, { path: '/create-room', headers: { authorization: 'good' } })).toEqual({
        status: 500,
        headers: { 'content-length': '21', 'content-type': 'text/plain; charset=utf-8' },
        body: 'Internal Server Error',
      });
      expect(log.map(({ level, fields }) => [level, fields.error])).toEqual([['error', error]]);
    });
  });

  test('[H12] never logs a token, whether in the header or in the address', async () => {
    await withServer({}, async ({ port, log }) => {
      const path = '/create-room?token=topsecret';
      await ask(port, { path, headers: { authorization: 'Bearer topsecret' } });
      expect(log).toHaveLength(1);
      expect(JSON.stringify(log)).not.toContain('topsecret');
    });
  });
});

describe('POST /delete-peers-and-room', () => {
  const path = '/delete-peers-and-room';

  test.each([
    ['{"peer_id":"known"}', 'peer deleted successfully'],
    ['{"peer_id":"nobody"}', 'peer not found'],
    ['{"peer_id":null}', 'peer not found'],
    ['{"peer_id":""}', 'peer not found'],
    ['{}', 'peer not found'],
    ['{"peer_id":"lost"}', 'room not found'],
    ['{"room_id":"0badcafe"}', 'peer deleted successfully'],
    ['{"room_id":"0badcafe","peer_id":"nobody"}', 'peer deleted successfully'],
    ['{"room_id":"ffffffff"}', 'room not found'],
    ['{"room_id":7}', 'room not found'],
    ['{"room_id":"ffffffff","peer_id":"known"}', 'peer deleted successfully'],
    ['{"room_id":"","peer_id":"known"}', 'peer deleted successfully'],
    ['{"room_id":null,"peer_id":"known"}', 'peer deleted successfully'],
  ])('[H4] answers %s with "%s"', async (body, status) => {
    await withServer({}, async ({ port }) => {
      const answer = await ask(port, { path, headers: json, body });
      const expected = JSON.stringify({ status });
      const headers = { 'content-length': String(expected.length), 'content-type': 'application/json' };
      expect(answer).toEqual({ status: 200, headers, body: expected });
    });
  });

  test('asks the dialect what peer a value names', async () => {
    const settings = { peerKey: (value: unknown) => asPeerId(`key of ${String(value)}`) };
    await withServer({ settings }, async ({ port, asked }) => {
      await ask(port, { path, headers: json, body: '{"peer_id":12}' });
      await ask(port, { path, headers: json, body: '{"peer_id":true}' });
      expect(asked.map(([, by]) => by)).toEqual([{ peerId: 'key of 12' }, { peerId: 'key of true' }]);
    });
  });

  test.each([
    ['peer_id', '[]'],
    ['peer_id', '["known"]'],
    ['peer_id', '{}'],
    ['peer_id', '{"a":1}'],
    ['room_id', '["0badcafe"]'],
  ])('[D11] refuses a %s of %s by name, where the Python server fails', async (name, value) => {
    await withServer({}, async ({ port, asked }) => {
      expect(await ask(port, { path, headers: json, body: `{"${name}":${value}}` })).toMatchObject({
        status: 422,
        body: `{"detail":[{"type":"string_type","loc":["body","${name}"],"msg":"Input should be a valid string","input":${value}}]}`,
      });
      expect(asked).toEqual([]);
    });
  });

  test('[D12] passes a token on, and answers 401 and 403 as it turns out', async () => {
    await withServer({}, async ({ port, asked }) => {
      const body = '{"peer_id":"known"}';
      const as = (authorization: string): ReturnType<typeof ask> =>
        ask(port, { path, headers: { ...json, authorization }, body });
      expect(await as('Bearer good')).toMatchObject({ status: 200 });
      expect(await as('Bearer wrong')).toMatchObject(unauthorized);
      expect(await as('')).toMatchObject(unauthorized);
      expect(await as('Bearer stranger')).toMatchObject({ status: 403, body: detail('Not yours.') });
      expect(await as('Bearer outage')).toMatchObject({ status: 503 });
      expect(asked[0]).toEqual(['deletePeersAndRoom', { peerId: 'known' }, 'good']);
    });
  });

  test.each([[path], ['/delete-peer']])(
    '[H10] demands a token on %s where the setting says so',
    async (route) => {
      await withServer({ settings: { requireDeleteAuth: true } }, async ({ port, asked }) => {
        const body = '{"peer_id":"known"}';
        expect(await ask(port, { path: route, headers: json, body })).toMatchObject({
          status: 401,
          headers: { 'www-authenticate': 'Bearer' },
          body: detail('Authorization required'),
        });
        expect(asked).toEqual([]);
        const headers = { ...json, authorization: 'Bearer good' };
        expect(await ask(port, { path: route, headers, body })).toMatchObject({ status: 200 });
      });
    },
  );
});

describe('POST /delete-peer', () => {
  test.each([
    ['{"peer_id":"known"}', 'peer deleted successfully. Room status: active'],
    ['{"peer_id":"last"}', 'peer deleted successfully. Room status: deleted'],
    ['{"peer_id":"nobody"}', 'peer deleted from Cognito (already removed from room)'],
    ['{}', 'peer deleted from Cognito (already removed from room)'],
  ])('[H8] answers %s as version 2.0 does', async (body, status) => {
    await withServer({}, async ({ port }) => {
      expect(await ask(port, { path: '/delete-peer', headers: json, body })).toMatchObject({
        status: 200,
        body: JSON.stringify({ status }),
      });
    });
  });

  test('refuses what is no token, and what is no name', async () => {
    await withServer({}, async ({ port }) => {
      const body = '{"peer_id":"known"}';
      const headers = { ...json, authorization: 'Bearer wrong' };
      expect(await ask(port, { path: '/delete-peer', headers, body })).toMatchObject(unauthorized);
      expect(await ask(port, { path: '/delete-peer', headers: json, body: '{"peer_id":[1]}' })).toMatchObject(
        {
          status: 422,
        },
      );
    });
  });
});

describe('Every other method and path', () => {
  const posts = ['/anonymous-signin', '/create-room', '/delete-peers-and-room', '/delete-peer'];
  const gets = ['/health', '/healthz', '/readyz', '/metrics'];
  const refused = '{"detail":"Method Not Allowed"}';
  const headersOf = (allow: string): object => ({
    'content-length': String(refused.length),
    'content-type': 'application/json',
    allow,
  });

  test.each(
    posts.flatMap((path) => ['GET', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'].map((method) => [method, path])),
  )('[H7] %s %s is answered with 405 and `allow: POST`', async (method, path) => {
    await withServer({}, async ({ port }) => {
      expect(await ask(port, { method, path })).toEqual({
        status: 405,
        headers: headersOf('POST'),
        body: refused,
      });
    });
  });

  test.each(posts)('[H7] HEAD %s is answered with 405 and no body', async (path) => {
    await withServer({}, async ({ port }) => {
      expect(await ask(port, { method: 'HEAD', path })).toEqual({
        status: 405,
        headers: headersOf('POST'),
        body: '',
      });
    });
  });

  test.each(gets)('[H7] POST %s is answered with 405 and `allow: GET`, HEAD without a body', async (path) => {
    await withServer({}, async ({ port }) => {
      expect(await ask(port, { path })).toEqual({ status: 405, headers: headersOf('GET'), body: refused });
      expect(await ask(port, { method: 'HEAD', path })).toMatchObject({ status: 200, body: '' });
    });
  });

  test.each([
    ['/create-room/', '/create-room'],
    ['/create-room//', '/create-room'],
    ['/anonymous-signin/', '/anonymous-signin'],
    ['/delete-peers-and-room/?a=1&b=/', '/delete-peers-and-room?a=1&b=/'],
    ['/create-room/?', '/create-room'],
    ['/create-room/?q="<>"', '/create-room?q=%22%3C%3E%22'],
    ['/health/', '/health'],
  ])('[H7] %s is sent to the address without the slash, with an empty 307', async (path, target) => {
    await withServer({}, async ({ port }) => {
      const location = `http://127.0.0.1:${String(port)}${target}`;
      for (const method of ['POST', 'GET', 'HEAD']) {
        expect(await ask(port, { method, path })).toEqual({
          status: 307,
          headers: { 'content-length': '0', location },
          body: '',
        });
      }
    });
  });

  test('a redirect without a Host header is relative', async () => {
    await withServer({}, async ({ port }) => {
      const answer = parseAnswer(await exchange(port, Buffer.from('POST /create-room/ HTTP/1.0\r\n\r\n')));
      expect(answer).toMatchObject({ status: 307, headers: { location: '/create-room' } });
    });
  });

  test.each([
    ['/'],
    ['/nope'],
    ['/Create-room'],
    ['/create-room/x'],
    ['//create-room'],
    ['/create-room%2F'],
    ['/%'],
  ])('[H7] %s is not found', async (path) => {
    await withServer({}, async ({ port }) => {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        expect(await ask(port, { method, path })).toEqual({
          status: 404,
          headers: { 'content-length': '22', 'content-type': 'application/json' },
          body: '{"detail":"Not Found"}',
        });
      }
      expect(await ask(port, { method: 'HEAD', path })).toMatchObject({ status: 404, body: '' });
    });
  });

  test('a query string does not hide a route', async () => {
    await withServer({}, async ({ port }) => {
      expect(await ask(port, { path: '/anonymous-signin?x=/' })).toMatchObject({ status: 200 });
    });
  });

  test('one connection serves requests in a row', async () => {
    await withServer({}, async ({ port }) => {
      const first = bytesOf(port, { path: '/nope' }).toString().replace('connection: close\r\n', '');
      const bytes = Buffer.concat([Buffer.from(first), bytesOf(port, { path: '/anonymous-signin' })]);
      const answers = (await exchange(port, bytes)).toString();
      expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 200']);
    });
  });
});
