/** What ends because nobody names it any more, with time in the test's hand. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { loadMediaConfig } from '../../src/media/config.js';
import { createMediaApp, type MediaApp } from '../../src/media/media-app.js';
import { FakeClock } from '../support/fake-clock.js';
import { testedEngine } from './tested-engine.js';
import { mediaKey } from '../support/media-service.js';
import { MediaCaller } from './media-caller.js';
import { audioParameters } from './media-parameters.js';
import { testMediaLog } from '../support/test-logs.js';

const config = loadMediaConfig({
  INTERNAL_SERVICE_KEY: mediaKey,
  MEDIA_PORT: '0',
  MEDIA_WORKERS: '1',
  LOG_LEVEL: 'silent',
});

let clock: FakeClock;
let app: MediaApp;
let caller: MediaCaller;

beforeEach(async () => {
  clock = new FakeClock();
  app = createMediaApp(config, await testedEngine(), clock, testMediaLog());
  caller = new MediaCaller(await app.listen());
  await caller.openRouter('r');
});
afterEach(async () => {
  await app.close();
});

/** A second after the other, with time for the worker to answer that it is alive. */
async function pass(seconds: number): Promise<void> {
  for (let n = 0; n < seconds; n += 1) {
    clock.advance(1_000);
    await caller.stats();
  }
}

async function ownersIn(roomId: string): Promise<number | undefined> {
  return (await caller.stats()).rooms.find((room) => room.roomId === roomId)?.owners;
}

test('[M3] a room is kept whatever it is called', async () => {
  const room = '__proto__';
  await caller.openRouter(room);
  await caller.member(room, 'a').transport('send');
  const named = JSON.parse(`{"${room}": ["a"]}`) as Record<string, string[]>;
  for (let second = 0; second < 20; second += 1) {
    clock.advance(1_000);
    expect(Object.keys((await caller.keep(named)).rooms)).toEqual([room]);
  }
  expect(await ownersIn(room)).toBe(1);
});

test('[M3] what a session has is closed when nobody has named it for 15 seconds', async () => {
  const [a, b] = [caller.member('r', 'a'), caller.member('r', 'b')];
  const { id } = await a.transport('send');
  await a.produce(id, audioParameters());
  await b.transport('recv');
  const { epoch, version } = await caller.producers('r');
  for (let second = 0; second < 30; second += 1) {
    clock.advance(1_000);
    expect((await caller.keep({ r: ['b', 'nobody'], elsewhere: ['a'] })).rooms).toEqual({
      r: { epoch, version: second < 14 ? version : version + 1 },
    });
    if (second === 13) expect(await ownersIn('r')).toBe(2);
    if (second === 14) expect(await ownersIn('r')).toBe(1);
  }
  expect((await caller.producers('r')).producers).toEqual([]);
  expect(await ownersIn('r')).toBe(1);
});

test('[M3] who calls is there, whether anybody names it or not', async () => {
  const a = caller.member('r', 'a');
  await a.transport('send');
  for (let n = 0; n < 4; n += 1) {
    await pass(14);
    await a.refusal('/consumers/resume', { consumerId: 'none' });
  }
  expect(await ownersIn('r')).toBe(1);
  await pass(15);
  expect(await ownersIn('r')).toBe(undefined);
});

test('[M3] a room that nobody keeps is closed after a minute when it has no owners', async () => {
  await pass(59);
  expect(await caller.keep({ r: [] })).toMatchObject({ rooms: { r: { version: 0 } } });
  await pass(59);
  const { epoch } = await caller.openRouter('r');
  await pass(59);
  expect((await caller.openRouter('r')).epoch).toBe(epoch);
  await pass(60);
  expect((await caller.keep({ r: [] })).rooms).toEqual({});
  expect((await caller.openRouter('r')).epoch).not.toBe(epoch);
});

test('[M3] names of rooms and owners are only names', async () => {
  const roomId = '__proto__';
  await caller.openRouter(roomId);
  await caller.member(roomId, 'constructor').transport('send');
  const text = `{"rooms":{"__proto__":["constructor"],"toString":[]}}`;
  const { outcome } = await caller.send('/keep', text);
  expect(outcome).toBe('ok');
  expect(await ownersIn(roomId)).toBe(1);
});

test('[M1] names of all sessions of a big node fit into one call', async () => {
  const names = Array.from({ length: 10_000 }, (_, n) => `session-${n}-with-a-name-as-long-as-they-are`);
  expect(await caller.keep({ r: names, s: names })).toMatchObject({ workers: 1 });
});
