import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { InternalHttp, pathPart, UnreadableAnswer } from '../../src/adapters/http/internal-http.js';
import { ChatService } from '../support/chat-service.js';

/** Any server that does what it is told will do; this one is at hand. */
describe('InternalHttp', () => {
  let service: ChatService;
  let http: InternalHttp;

  beforeAll(async () => {
    service = await ChatService.start();
  });
  beforeEach(() => {
    service.mood = undefined;
    service.requests.splice(0);
    const settings = { key: service.key, timeoutMs: 2000, maxAnswerBytes: 1000 };
    http = new InternalHttp({ baseUrl: `${service.url}/`, ...settings });
  });
  afterAll(async () => {
    await service.stop();
  });

  test('asks with the internal key, and answers status and body whatever the status', async () => {
    service.mood = () => ({ status: 418, text: '{"error":"teapot"}' });
    const query = { some: 'a b&c', none: undefined, count: 7 };
    const answer = await http.request('POST', '/a/b', {
      body: { x: '\ud800' },
      query,
      headers: { 'idempotency-key': 'k' },
    });
    expect(answer).toEqual({ status: 418, body: { error: 'teapot' } });
    const [asked] = service.requests;
    expect(asked).toMatchObject({
      method: 'POST',
      url: '/a/b?some=a+b%26c&count=7',
      body: '{"x":"\\ud800"}',
    });
    expect(asked?.headers).toMatchObject({
      'x-internal-service-key': service.key,
      'idempotency-key': 'k',
      'content-type': 'application/json',
      accept: 'application/json',
    });
  });

  test('a base with a path keeps it; without a body nothing is said about one', async () => {
    service.mood = () => ({ status: 204 });
    const deeper = new InternalHttp({ baseUrl: `${service.url}/chat/v1//`, key: 'k', timeoutMs: 2000 });
    await expect(deeper.request('GET', '/rooms')).resolves.toEqual({ status: 204, body: undefined });
    expect(service.requests[0]).toMatchObject({ url: '/chat/v1/rooms', body: '' });
    expect(service.requests[0]?.headers).not.toHaveProperty('content-type');
  });

  test('one connection serves requests that follow one another', async () => {
    service.mood = () => ({ status: 200, text: '{}' });
    const before = service.connections;
    for (let at = 0; at < 5; at++) await http.request('GET', '/');
    expect(service.connections - before).toBeLessThanOrEqual(1);
  });

  test('an answer that is not JSON, or is too big, is an error that knows its status and tells nothing of it', async () => {
    for (const text of ['<html>secret', '{"secret":']) {
      service.mood = () => ({ status: 502, text });
      const error = await http.request('GET', '/').catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(UnreadableAnswer);
      expect(error).toMatchObject({ status: 502 });
      expect(inspect(error)).not.toContain('secret');
    }
    service.mood = () => ({ status: 200, text: JSON.stringify('x'.repeat(998)) });
    await expect(http.request('GET', '/')).resolves.toMatchObject({ status: 200 });
    service.mood = () => ({ status: 200, text: JSON.stringify('x'.repeat(999)) });
    await expect(http.request('GET', '/')).rejects.toMatchObject({ status: 200, name: 'UnreadableAnswer' });
  });

  test('no answer in time is an error, and so is a connection that ends', async () => {
    service.mood = () => 'silent';
    await expect(http.request('GET', '/', { timeoutMs: 100 })).rejects.toThrow('no answer within 100 ms');
    service.mood = () => 'hangs up';
    await expect(http.request('GET', '/')).rejects.toThrow('socket hang up');
  });

  test('an answer whose end does not come in time is an error', async () => {
    service.mood = () => 'stalls';
    await expect(http.request('GET', '/', { timeoutMs: 200 })).rejects.toThrow('no answer within 200 ms');
  });

  test('a redirect is not followed: the key is not for others', async () => {
    service.mood = ({ url }) => (url === '/elsewhere' ? undefined : { status: 302 });
    await expect(http.request('GET', '/')).resolves.toEqual({ status: 302, body: undefined });
    expect(service.requests.map(({ url }) => url)).toEqual(['/']);
  });

  test('nothing is asked twice', async () => {
    service.mood = () => ({ status: 503, text: '{}' });
    await http.request('POST', '/', { body: {} });
    service.mood = () => 'hangs up';
    await expect(http.request('POST', '/', { body: {} })).rejects.toThrow('socket hang up');
    expect(service.requests).toHaveLength(2);
  });

  test('the key is not shown when it is printed', () => {
    expect(inspect(http, { depth: 5, showHidden: true })).not.toContain(service.key);
  });
});

test('a part of a path is encoded, and what leads elsewhere is none', () => {
  expect(pathPart('a/b?c#d %2e ö')).toBe('a%2Fb%3Fc%23d%20%252e%20%C3%B6');
  expect(pathPart('half \ud800')).toBe('half%20%EF%BF%BD');
  for (const id of ['.', '..', '']) expect(() => pathPart(id)).toThrow(Error);
});
