/**
 * HTTP cases that are not in the recording: what is known of the Python server in words, and where D1 to D15 change it.
 * Case ids are those of the full recording where it is known which one it is.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ask } from '../transport/http/raw-request.js';
import { Lab, type HttpResult } from './lab.js';

const path = '/delete-peers-and-room';
const deleted = { status: 200, raw: '{"status":"peer deleted successfully"}' };
const notFound = { status: 200, raw: '{"status":"peer not found"}' };

describe('HTTP cases known by description', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.start();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab.stop());

  /** A peer that sits in a room, and its user. */
  async function seated(): Promise<{ username: string; idToken: string; roomId: string }> {
    const user = lab.user();
    const room = await lab.createRoom();
    await lab.join(room, user);
    return { ...user, roomId: room.roomId };
  }

  const createWith = (authorization: string): Promise<HttpResult> =>
    lab.http({ path: '/create-room', headers: { authorization } });

  describe('/anonymous-signin', () => {
    test.each([['{bad'], ['[]'], [''], ['null']])('[H1] ignores the body %j', async (body) => {
      expect(await lab.post('/anonymous-signin', body)).toMatchObject({ status: 200 });
    });

    test('[D13] says that it failed with the same status and prefix, and names no endpoint', async () => {
      await lab.withoutOperation('InitiateAuth', async () => {
        const answer = await lab.http({ path: '/anonymous-signin' });
        expect(answer).toMatchObject({ status: 500, 'content-type': 'application/json' });
        expect(answer.json).toEqual({ detail: expect.stringMatching(/^Anonymous sign-in failed: ./) });
        expect(answer.raw).not.toMatch(/127\.0\.0\.1|http|refused by the test|NotAuthorized/);
      });
    });
  });

  describe('/create-room', () => {
    test.each([
      ['Bearer Bearer ', true],
      ['bearer ', false],
      ['Token ', false],
    ])('[H3] reads what is left of "%s<token>" once every "Bearer " is taken out', async (prefix, isGood) => {
      const answer = await createWith(`${prefix}${lab.user().idToken}`);
      expect(answer.status).toBe(isGood ? 200 : 401);
    });

    test('[H3] answers an empty header with 401, not 422', async () => {
      expect(await createWith('')).toMatchObject({
        status: 401,
        raw: '{"detail":"Token verification failed: Not enough segments"}',
      });
    });

    const refused: readonly [string, () => string, string][] = [
      ['from the future', () => lab.aws.forge.flawed('futureNbf'), 'The token is not yet valid (nbf)'],
      ['signed with HS256', () => lab.aws.forge.hs256(), 'The specified alg value is not allowed'],
      ['of another key', () => lab.aws.forge.foreignKey(), 'Signature verification failed.'],
      ['without a signature', () => lab.aws.forge.stripped(), 'Signature verification failed.'],
      [
        'with a text for exp',
        () => lab.aws.forge.flawed('textExp'),
        'Expiration Time claim (exp) must be an integer.',
      ],
      ['with a number for sub', () => lab.aws.forge.flawed('numericSub'), 'Subject must be a string.'],
    ];
    test.each(refused)(
      '[H2] refuses a token %s in the words of the Python server',
      async (_what, token, text) => {
        expect(await createWith(token())).toMatchObject({
          status: 401,
          json: { detail: `Token verification failed: ${text}` },
        });
      },
    );

    test.each([
      ['h21', 'access'],
      ['h20-noAud', 'noAud'],
      ['exp left out', 'noExp'],
      ['kid left out', 'noKid'],
      ['kid unknown', 'unknownKid'],
      ['sub left out, 500 there', 'noSub'],
    ] as const)('[D2] (%s) refuses with 401 what the Python server lets pass: %s', async (_case, flaw) => {
      const answer = await createWith(lab.aws.forge.flawed(flaw));
      expect(answer).toMatchObject({ status: 401, 'content-type': 'application/json' });
      expect(answer.json).toEqual({ detail: expect.stringMatching(/^Token verification failed: ./) });
    });

    test('[D2] takes a list of audiences that has ours in it, and an at_hash', async () => {
      const listed = lab.aws.forge.valid({ aud: ['other', lab.aws.clientId] });
      expect(await createWith(listed)).toMatchObject({ status: 200 });
      expect(await createWith(lab.aws.forge.withAtHash())).toMatchObject({ status: 200 });
    });

    test('[H12] answers 500 in plain text when the table cannot be had', async () => {
      const { idToken } = lab.user();
      await lab.withoutDynamo('refuse', async () => {
        expect(await createWith(idToken)).toEqual({
          status: 500,
          'content-type': 'text/plain; charset=utf-8',
          raw: 'Internal Server Error',
        });
      });
    });
  });

  describe('/delete-peers-and-room', () => {
    test.each([
      ['h35b', undefined],
      ['h35d', 'application/vnd.api+json'],
    ])('[H6] (%s) reads a body of content type %j as JSON', async (_case, type) => {
      const { username } = await seated();
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
      expect(await lab.post(path, JSON.stringify({ peer_id: username }), headers)).toMatchObject(deleted);
    });

    test.each([['text/plain'], ['application/x-www-form-urlencoded']])(
      '[H6] takes JSON sent as %s for mere text',
      async (type) => {
        const body = '{"peer_id":"x"}';
        const input = JSON.stringify(body);
        expect(await lab.post(path, body, { 'content-type': type })).toMatchObject({
          status: 422,
          raw: `{"detail":[{"type":"dict_type","loc":["body"],"msg":"Input should be a valid dictionary","input":${input}}]}`,
        });
      },
    );

    test('[H6] takes `null` for no body', async () => {
      expect(await lab.post(path, 'null')).toMatchObject({
        status: 422,
        raw: '{"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]}',
      });
    });

    test.each([['{"peer_id":null}'], ['{"peer_id":""}'], ['{"peer_id":0}'], ['{"peer_id":12}'], ['{"x":1}']])(
      '[H4] finds no peer in %s',
      async (body) => {
        expect(await lab.post(path, body)).toMatchObject(notFound);
      },
    );

    test('[H4] (w26) needs no authentication, and takes any peer of the room', async () => {
      const { username } = await seated();
      expect(await lab.deletePeersAndRoom(username)).toMatchObject(deleted);
      expect(await lab.deletePeersAndRoom(username)).toMatchObject(notFound);
    });

    test('[H8] (h41) a room_id that means nothing does not get in the way of the peer_id', async () => {
      const { username } = await seated();
      const body = JSON.stringify({ peer_id: username, room_id: 'ffffffff' });
      expect(await lab.post(path, body)).toMatchObject(deleted);
    });

    test('[H8] a room_id alone is enough', async () => {
      const { roomId, username } = await seated();
      expect(await lab.post(path, JSON.stringify({ room_id: roomId }))).toMatchObject(deleted);
      expect(await lab.deletePeersAndRoom(username)).toMatchObject(notFound);
    });

    test.each([['["a"]'], ['{"a":1}'], ['[]']])(
      '[D11] refuses a peer_id of %s, where the Python server fails with 500',
      async (value) => {
        expect(await lab.post(path, `{"peer_id":${value}}`)).toMatchObject({ status: 422 });
      },
    );

    test('[D12] checks a token that is sent, and demands one where the setting says so', async () => {
      const [owner, stranger] = [await seated(), lab.user()];
      const body = JSON.stringify({ peer_id: owner.username });
      const json = { 'content-type': 'application/json' };
      const as = (token: string): Record<string, string> => ({ ...json, authorization: `Bearer ${token}` });
      expect(await lab.post(path, body, as('garbage'))).toMatchObject({ status: 401 });
      expect(await lab.post(path, body, as(stranger.idToken))).toMatchObject({ status: 403 });
      expect(await lab.post(path, body, as(owner.idToken))).toMatchObject(deleted);
      const strict = await lab.another({}, { REQUIRE_DELETE_AUTH: '1' });
      expect(await lab.http({ path, headers: json, body }, strict)).toMatchObject({ status: 401 });
      expect(await lab.http({ path, headers: as(owner.idToken), body }, strict)).toMatchObject(notFound);
    });
  });

  describe('Other methods and paths', () => {
    const routes = ['/anonymous-signin', '/create-room', path];

    test.each(
      routes.flatMap((route) => ['HEAD', 'OPTIONS', 'PUT', 'DELETE'].map((method) => [method, route])),
    )('[H7] %s %s is 405', async (method, route) => {
      const raw = method === 'HEAD' ? '' : '{"detail":"Method Not Allowed"}';
      const { status, headers, body } = await ask(Number(new URL(lab.app.addresses.http).port), {
        method,
        path: route,
      });
      expect({ status, allow: headers['allow'], body }).toEqual({ status: 405, allow: 'POST', body: raw });
    });

    test('[H11] (h50, h51) a preflight is 405 too, and no answer has a CORS header (D5: no origin is allowed)', async () => {
      const port = Number(new URL(lab.app.addresses.http).port);
      const headers = { origin: 'https://lab.example', 'access-control-request-method': 'POST' };
      for (const method of ['OPTIONS', 'POST']) {
        const answer = await ask(port, { method, path: '/create-room', headers });
        expect(answer.status).toBe(method === 'POST' ? 422 : 405);
        expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    });

    test.each([['/'], ['/nope'], ['/docs'], ['/create-room/x']])('[H7] %s is 404', async (unknown) => {
      expect(await lab.http({ method: 'GET', path: unknown })).toEqual({
        status: 404,
        'content-type': 'application/json',
        raw: '{"detail":"Not Found"}',
        json: { detail: 'Not Found' },
      });
    });

    test('[D5] /health, /healthz, /readyz and /metrics answer', async () => {
      const get = (route: string): Promise<HttpResult> => lab.http({ method: 'GET', path: route });
      expect((await get('/health')).json).toMatchObject({ status: 'healthy', version: '2.0.0' });
      expect((await get('/healthz')).json).toEqual({ status: 'ok' });
      expect((await get('/readyz')).json).toEqual({ status: 'ready' });
      expect((await get('/metrics')).raw).toContain('# TYPE signaling_joins_total counter');
      await seated();
      const asJson = { method: 'GET', path: '/metrics', headers: { accept: 'application/json' } };
      expect((await lab.http(asJson)).json).toMatchObject({
        active_connections: 1,
        peers_by_role: { peer: 1 },
      });
    });
  });

  test('[T6] plain HTTP on the WebSocket port is 426 in plain text', async () => {
    const port = Number(new URL(lab.app.addresses.ws).port);
    const { status, headers } = await ask(port, { method: 'GET', path: '/' });
    expect({ status, type: headers['content-type'] }).toMatchObject({
      status: 426,
      type: expect.stringMatching(/^text\/plain/),
    });
  });
});
