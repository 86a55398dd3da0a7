/** What the health check makes of what it is answered, or not. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { askedAt, healthOf } from '../../src/healthcheck.js';

/** Ports that browsers, and `fetch` with them, do not ask; a server may well be told to listen there. */
const barred = [6000, 6665, 6666, 6667, 6668, 6669, 6697, 10_080];

async function listen(listener: RequestListener, ports: readonly number[] = [0]): Promise<Server> {
  for (const port of ports) {
    const server = createServer(listener).listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
      return server;
    } catch (error) {
      if (port === ports.at(-1)) throw error;
    }
  }
  throw new Error('no port');
}

async function asked(
  listener: RequestListener,
  withinMs: number,
  ports?: readonly number[],
): Promise<string> {
  const server = await listen(listener, ports);
  try {
    return await healthOf(askedAt('127.0.0.1', (server.address() as AddressInfo).port, '/healthz'), withinMs);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const patienceMs = 20_000;
const answer =
  (status: number, headers = {}): RequestListener =>
  (_, response) => {
    response.writeHead(status, headers).end('{}');
  };

test('[Z5] 200 is healthy, whatever the port', async () => {
  expect(await asked(answer(200), patienceMs)).toBe('healthy');
  expect(await asked(answer(200), patienceMs, barred)).toBe('healthy');
});

test('[Z5] another answer, one that leads elsewhere, none, and nobody are not', async () => {
  expect(await asked(answer(503), patienceMs)).toBe('answers 503');
  expect(await asked(answer(302, { location: '/health' }), patienceMs)).toBe('answers 302');
  expect(await asked(() => undefined, 50)).toBe('does not answer within 50 ms');
  expect(await asked((request) => request.socket.destroy(), patienceMs)).toBe('does not answer');
});

test('[Z5] a program that listens everywhere is asked by loopback', () => {
  expect(askedAt('0.0.0.0', 8001, '/healthz')).toBe('http://127.0.0.1:8001/healthz');
  expect(askedAt('::', 8001, '/healthz')).toBe('http://[::1]:8001/healthz');
  expect(askedAt('10.0.0.7', 8001, '/healthz')).toBe('http://10.0.0.7:8001/healthz');
});
