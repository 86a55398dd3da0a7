import { describe, expect, test } from '@jest/globals';
import { withServer } from './http-fixture.js';
import { ask } from './raw-request.js';

const pythonTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}$/;
describe('What operators ask', () => {
  test('[H8] /health answers as version 2.0', async () => {
    await withServer({}, async ({ port }) => {
      const answer = await ask(port, { method: 'GET', path: '/health' });
      const body = JSON.parse(answer.body) as Record<string, string>;
      expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
      expect(Object.entries(body)).toEqual([
        ['status', 'healthy'],
        ['timestamp', expect.stringMatching(pythonTime)],
        ['version', '2.0.0'],
      ]);
    });
  });

  test('[H9] /healthz is 200 as long as the process answers', async () => {
    await withServer({ desk: { notReady: () => Promise.resolve(['room store']) } }, async ({ port }) => {
      expect(await ask(port, { method: 'GET', path: '/healthz' })).toMatchObject({
        status: 200,
        body: '{"status":"ok"}',
      });
    });
  });

  test('[H9] /readyz is 200 when nothing is missing, else 503 with what is', async () => {
    const reasons: string[] = [];
    await withServer({ desk: { notReady: () => Promise.resolve(reasons) } }, async ({ port }) => {
      expect(await ask(port, { method: 'GET', path: '/readyz' })).toMatchObject({
        status: 200,
        body: '{"status":"ready"}',
      });
      reasons.push('draining', 'room store');
      expect(await ask(port, { method: 'GET', path: '/readyz' })).toMatchObject({
        status: 503,
        headers: { 'content-type': 'application/json' },
        body: '{"status":"not ready","reasons":["draining","room store"]}',
      });
    });
  });

  test.each([[undefined], ['*/*'], ['text/plain;version=0.0.4;q=0.5,*/*;q=0.1'], ['image/png']])(
    '[D5] /metrics is Prometheus text for `Accept: %s`',
    async (accept) => {
      await withServer({}, async ({ port }) => {
        const headers = accept === undefined ? {} : { accept };
        expect(await ask(port, { method: 'GET', path: '/metrics', headers })).toEqual({
          status: 200,
          headers: {
            'content-length': '14',
            'content-type': 'text/plain; version=0.0.4',
            vary: 'Accept, Origin',
          },
          body: 'some_metric 1\n',
        });
      });
    },
  );

  test('[D5] /metrics is the JSON of version 2.0 for who asks for JSON', async () => {
    await withServer({}, async ({ port, tally }) => {
      Object.assign(tally, { connections_opened: 9, frames_received: 80, rooms_created: 4 });
      const headers = { accept: 'application/json' };
      const answer = await ask(port, { method: 'GET', path: '/metrics', headers });
      expect(answer).toMatchObject({
        status: 200,
        headers: { 'content-type': 'application/json', vary: 'Accept, Origin' },
      });
      expect(Object.entries(JSON.parse(answer.body) as object)).toEqual([
        ['timestamp', expect.stringMatching(pythonTime)],
        ['active_rooms', 2],
        ['active_connections', 5],
        ['peers_by_role', { worker: 3, peer: 2 }],
        ['total_connections', 9],
        ['total_messages', 80],
        ['rooms_created', 4],
      ]);
    });
  });

  test('[H12] a failure is a 500 without its reason, logged once', async () => {
    const error = new Error('secret');
    const desk = { notReady: () => Promise.reject(error) };
    await withServer({ desk }, async ({ port, log }) => {
      expect(await ask(port, { method: 'GET', path: '/readyz' })).toMatchObject({
        status: 500,
        body: 'Internal Server Error',
      });
      expect(log.map(({ event, fields }) => [event, fields.error])).toEqual([['http_failed', error]]);
    });
  });
});
