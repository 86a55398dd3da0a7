import { describe, expect, test } from '@jest/globals';
import { withServer } from './http-fixture.js';
import { ask, type RawAnswer } from './raw-request.js';

const origin = 'https://lab.example';
const preflight = {
  origin,
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization',
};
const corsOf = ({ headers }: RawAnswer): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

describe('Browsers of another origin', () => {
  test('[H11] are told nothing while no origin is allowed: h50, h51', async () => {
    await withServer({}, async ({ port }) => {
      const asked = await ask(port, { method: 'OPTIONS', path: '/create-room', headers: preflight });
      expect(asked).toMatchObject({ status: 405, headers: { allow: 'POST' } });
      expect(asked.headers).not.toHaveProperty('vary');
      expect(corsOf(asked)).toEqual([]);
      expect(corsOf(await ask(port, { path: '/anonymous-signin', headers: { origin } }))).toEqual([]);
    });
  });

  test('[H11] are told nothing when their origin is not in the list, and caches are told to mind the origin', async () => {
    await withServer({ settings: { allowedOrigins: ['https://other.example'] } }, async ({ port }) => {
      const asked = await ask(port, { method: 'OPTIONS', path: '/create-room', headers: preflight });
      expect(asked).toMatchObject({ status: 405, headers: { vary: 'Origin' } });
      const answer = await ask(port, { path: '/anonymous-signin', headers: { origin } });
      expect(answer).toMatchObject({ status: 200, headers: { vary: 'Origin' } });
      expect([...corsOf(asked), ...corsOf(answer)]).toEqual([]);
    });
  });

  test('[H11] may call when their origin is in the list', async () => {
    await withServer({ settings: { allowedOrigins: [origin] } }, async ({ port }) => {
      expect(await ask(port, { method: 'OPTIONS', path: '/create-room', headers: preflight })).toEqual({
        status: 204,
        headers: {
          vary: 'Origin',
          'access-control-allow-origin': origin,
          'access-control-allow-credentials': 'true',
          'access-control-expose-headers': 'retry-after',
          'access-control-allow-methods': 'POST',
          'access-control-allow-headers': 'authorization, content-type',
          'access-control-max-age': '600',
        },
        body: '',
      });
      for (const request of [
        { path: '/anonymous-signin' },
        { path: '/create-room' },
        { method: 'GET', path: '/health' },
      ]) {
        expect(await ask(port, { ...request, headers: { origin } })).toMatchObject({
          headers: {
            vary: 'Origin',
            'access-control-allow-origin': origin,
            'access-control-allow-credentials': 'true',
            'access-control-expose-headers': 'retry-after',
          },
        });
      }
    });
  });

  test('[H11] get the 405 of the Python server for an OPTIONS that is no preflight, and 404 off our routes', async () => {
    await withServer({ settings: { allowedOrigins: [origin] } }, async ({ port }) => {
      const bare = await ask(port, { method: 'OPTIONS', path: '/create-room', headers: { origin } });
      expect(bare).toMatchObject({ status: 405, headers: { allow: 'POST' } });
      const unknown = await ask(port, { method: 'OPTIONS', path: '/nope', headers: preflight });
      expect(unknown.status).toBe(404);
      expect(corsOf(unknown)).toEqual([]);
    });
  });

  test('[H11] [U2] may all call when the list says so, but not with the cookie of their user', async () => {
    await withServer({ settings: { allowedOrigins: ['*'] } }, async ({ port }) => {
      const answer = await ask(port, {
        path: '/anonymous-signin',
        headers: { origin: 'https://any.example' },
      });
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
      expect(corsOf(await ask(port, { path: '/anonymous-signin' }))).toEqual([]);
    });
  });
});
