import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { HttpChatArchive } from '../../src/adapters/http/http-chat-archive.js';
import type { ChatMessage } from '../../src/protocol/chat.js';
import { asPeerId, asRoomId } from '../../src/protocol/ids.js';
import { chatArchiveContract } from '../contracts/chat-archive-contract.js';
import { freshRoom, spoken } from '../support/chat-fixture.js';
import { ChatService } from '../support/chat-service.js';

const END = Number.MAX_SAFE_INTEGER;

chatArchiveContract('HttpChatArchive', async () => {
  const service = await ChatService.start();
  return {
    archive: new HttpChatArchive({ url: service.url, key: service.key }),
    stop: () => service.stop(),
  };
});

describe('HttpChatArchive', () => {
  let service: ChatService;
  let archive: HttpChatArchive;
  const refused: { readonly id: string; readonly status: number }[] = [];

  beforeEach(async () => {
    service = await ChatService.start();
    refused.splice(0);
    const onRefused = ({ id }: ChatMessage, status: number): void => void refused.push({ id, status });
    archive = new HttpChatArchive({ url: `${service.url}/`, key: service.key, onRefused });
  });
  afterEach(async () => {
    await service.stop();
  });

  const impatient = (): HttpChatArchive =>
    new HttpChatArchive({ url: service.url, key: service.key, callTimeoutMs: 200 });
  const cause: unknown = expect.objectContaining({ message: expect.any(String) });
  const unavailable = { code: 'STORE_UNAVAILABLE', retryable: true, cause };

  test('[Q12] each message is posted with the internal key and an idempotency key', async () => {
    const message: ChatMessage = {
      roomId: asRoomId('a room/ö'),
      id: 'c1',
      from: asPeerId('anna'),
      sub: 'subject',
      content: 'Good morning',
      seq: 1_700_000_000_123_456,
    };
    await archive.store([message]);
    const [posted] = service.requests;
    expect(posted).toMatchObject({ method: 'POST', url: '/internal/chats' });
    expect(posted?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-internal-service-key': service.key,
      'idempotency-key': 'a%20room%2F%C3%B6/1700000000123456',
    });
    expect(JSON.parse(posted?.body ?? '')).toEqual({
      id: 'c1',
      roomId: 'a room/ö',
      senderId: 'anna',
      userId: 'subject',
      content: 'Good morning',
      createdAt: '2023-11-14T22:13:20.123Z',
      seq: 1_700_000_000_123_456,
    });
    await expect(archive.before(message.roomId, message.seq + 1, 10)).resolves.toEqual([message]);
    await archive.forget(message.roomId, END - 1);
    expect(service.chats.size).toBe(0);
  });

  test('[Q12] [Q6] what was taken although its answer was lost is posted again, and there once', async () => {
    const said = spoken(freshRoom(), 20);
    const [{ roomId }] = said as [ChatMessage];
    let count = 0;
    service.mood = () => (count++ % 5 === 3 ? { status: 500, isDone: true } : undefined);
    let failures = 0;
    for (;;) {
      try {
        await archive.store(said);
        break;
      } catch (error) {
        expect(error).toMatchObject(unavailable);
        failures += 1;
      }
    }
    expect(failures).toBeGreaterThan(0);
    service.mood = undefined;
    await expect(archive.before(roomId, END, 100)).resolves.toEqual(said);
    expect(service.of(roomId)).toHaveLength(20);
  });

  test('[Q12] what was taken of a call that failed is not posted again, so that a slow service gets on', async () => {
    const said = spoken(freshRoom(), 40);
    service.mood = ({ body }) => (body.includes('"m39"') ? { status: 503 } : undefined);
    await expect(archive.store(said)).rejects.toMatchObject(unavailable);
    service.mood = undefined;
    await archive.store(said);
    const posts = service.requests.filter(({ body }) => body.includes('"m0"'));
    expect(posts).toHaveLength(1);
    // Of a call that has succeeded nothing is remembered.
    await archive.store(said.slice(0, 1));
    expect(service.requests.filter(({ body }) => body.includes('"m0"'))).toHaveLength(2);
    expect(service.mostOpen).toBeLessThanOrEqual(8);
    expect(service.chats.size).toBe(40);
  });

  test.each([400, 413, 422])(
    '[Q12] a message that is refused for good by %d holds nobody up, and is told',
    async (status) => {
      const said = spoken(freshRoom(), 5);
      service.mood = ({ body }) => (body.includes('"m2"') ? { status } : undefined);
      await archive.store(said);
      expect(refused).toEqual([{ id: 'm2', status }]);
      expect(service.chats.size).toBe(4);
    },
  );

  test.each([401, 403, 404, 429, 500, 502, 503])(
    '[Q12] %d is no word on the message: it is not taken, and posted again later',
    async (status) => {
      const said = spoken(freshRoom(), 3);
      service.mood = () => ({ status });
      await expect(archive.store(said)).rejects.toMatchObject(unavailable);
      expect(refused).toEqual([]);
      service.mood = undefined;
      await archive.store(said);
      expect(service.chats.size).toBe(3);
    },
  );

  test.each([
    ['200 with nothing', { status: 200, isDone: true }],
    ['202 with a text that is not JSON', { status: 202, text: 'Thank you', isDone: true }],
    ['409', { status: 409, isDone: true }],
  ])('[Q12] %s means that the service has it', async (_name, mood) => {
    service.mood = () => mood;
    await archive.store(spoken(freshRoom(), 3));
    expect(service.chats.size).toBe(3);
  });

  test('[Q7] a service that is silent, hangs up or is gone is unavailable in time, and works again later', async () => {
    const said = spoken(freshRoom(), 20);
    const [{ roomId }] = said as [ChatMessage];
    const slow = impatient();
    for (const mood of ['silent', 'hangs up'] as const) {
      service.mood = () => mood;
      await expect(slow.store(said)).rejects.toMatchObject(unavailable);
      await expect(slow.before(roomId, END, 10)).rejects.toMatchObject(unavailable);
      await expect(slow.forget(roomId, END - 1)).rejects.toMatchObject(unavailable);
    }
    service.mood = undefined;
    await archive.store(said);
    await expect(archive.before(roomId, END, 100)).resolves.toEqual(said);
    await service.stop();
    await expect(archive.store(spoken(freshRoom(), 1))).rejects.toMatchObject(unavailable);
  });

  test.each([
    ['not JSON', '<html>'],
    ['without messages', '{}'],
    [
      'with a message that lacks a field',
      '{"messages":[{"id":"a","senderId":"b","userId":"c","content":"d"}]}',
    ],
    [
      'with a place that is none',
      '{"messages":[{"id":"a","senderId":"b","userId":"c","content":"d","seq":1.5}]}',
    ],
  ])('[Q12] a history that is %s is no history', async (_name, text) => {
    service.mood = () => ({ status: 200, text });
    await expect(archive.before(freshRoom(), END, 10)).rejects.toMatchObject(unavailable);
  });

  test('[Q12] whatever order and number the service answers in, the newest come oldest first', async () => {
    const roomId = freshRoom();
    const served = [3, 1, 9, 2, 8].map((seq) => {
      return { id: String(seq), roomId: 'another', senderId: 'b', userId: 'c', content: '', seq, more: true };
    });
    service.mood = () => ({ status: 200, text: JSON.stringify({ messages: served, more: true }) });
    const found = await archive.before(roomId, 9, 2);
    expect(found.map((message) => [message.roomId, message.seq])).toEqual([
      [roomId, 3],
      [roomId, 8],
    ]);
    expect(service.requests.at(-1)?.url).toBe(`/internal/chats/${roomId}?limit=2&before=9`);
  });

  test('a service that knows no such room has nothing of it', async () => {
    service.mood = () => ({ status: 404, text: '{"error":"no such room"}' });
    await expect(archive.before(freshRoom(), END, 10)).resolves.toEqual([]);
    await expect(archive.forget(freshRoom(), END - 1)).resolves.toBeUndefined();
  });

  test('a room whose name would lead elsewhere is not asked for', async () => {
    for (const name of ['.', '..']) {
      await expect(archive.before(asRoomId(name), END, 10)).rejects.toMatchObject(unavailable);
      await expect(archive.forget(asRoomId(name), END - 1)).rejects.toMatchObject(unavailable);
    }
    await archive.forget(asRoomId('../rooms?x=#'), 5);
    expect(service.requests.map(({ url }) => url)).toEqual(['/internal/chats/..%2Frooms%3Fx%3D%23?before=6']);
  });
});
