import process from 'node:process';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { loadMediaConfig } from '../../src/media/config.js';
import { createMediaApp, type MediaApp } from '../../src/media/media-app.js';
import { FakeClock } from '../support/fake-clock.js';
import { mediaKey, MediaProcess } from '../support/media-service.js';
import { ProcessBuild } from '../support/process-build.js';
import { testedEngine } from './tested-engine.js';
import { MediaCaller } from './media-caller.js';
import { audioParameters, dtlsParameters } from './media-parameters.js';
import { testMediaLog } from '../support/test-logs.js';

let build: ProcessBuild;
const running: MediaProcess[] = [];

beforeAll(async () => {
  build = await ProcessBuild.make('src/media/main.ts');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.stop()));
});
afterAll(() => {
  build.remove();
});

async function start(settings: Record<string, string>): Promise<[MediaProcess, MediaCaller]> {
  const service = await MediaProcess.start(build.entry, settings);
  running.push(service);
  return [service, new MediaCaller(service.url)];
}

async function eventually(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Which worker each room is on. */
async function placement(caller: MediaCaller): Promise<Record<string, number>> {
  const { rooms } = await caller.stats();
  return Object.fromEntries(rooms.map(({ roomId, workerPid }) => [roomId, workerPid]));
}

async function speak(caller: MediaCaller, roomId: string): Promise<void> {
  const member = caller.member(roomId, `speaker of ${roomId}`);
  const { id } = await member.transport('send');
  await member.produce(id, audioParameters());
}

test('[M1] a room is opened on the least loaded worker: by media first, then by rooms', async () => {
  const [, caller] = await start({ MEDIA_WORKERS: '2', MEDIA_CONSUMERS_PER_WORKER: '10' });
  await Promise.all([caller.openRouter('a'), caller.openRouter('b')]);
  const { a, b } = await placement(caller);
  expect(a).not.toBe(b);
  await speak(caller, 'a');
  expect(await caller.health()).toMatchObject({ workers: 2, load: 0.1 });
  for (const roomId of ['c', 'd', 'e']) await caller.openRouter(roomId);
  expect(await placement(caller)).toMatchObject({ c: b, d: b, e: b });
  await speak(caller, 'c');
  await caller.member('a', 'speaker of a').ask('/owners/close');
  await caller.openRouter('f');
  expect(await placement(caller)).toMatchObject({ f: a });
});

test('[M4] the rooms of a dead worker have no router until somebody asks, the others go on', async () => {
  const [service, caller] = await start({ MEDIA_WORKERS: '2' });
  const before = { a: await caller.openRouter('a'), b: await caller.openRouter('b') };
  await speak(caller, 'a');
  await speak(caller, 'b');
  const member = caller.member('a', 'speaker of a');
  const { id: transportId } = await member.transport('recv');
  const { a: dead = 0, b: survivor = 0 } = await placement(caller);
  process.kill(dead, 'SIGKILL');
  await eventually(async () => !('a' in (await caller.keep({ a: [], b: [] })).rooms));

  expect(
    await member.refusal('/transports/connect', { transportId, dtlsParameters: dtlsParameters() }),
  ).toMatch(/^NO_ROUTER /);
  expect((await caller.keep({ b: [] })).rooms).toEqual({ b: { epoch: before.b.epoch, version: 1 } });
  const { id } = await caller.member('b', 'another').transport('send');
  await caller.member('b', 'another').produce(id, audioParameters());
  expect((await caller.producers('b')).producers).toHaveLength(2);

  const again = await caller.openRouter('a');
  expect(again.epoch).not.toBe(before.a.epoch);
  expect(again.version).toBe(0);
  await speak(caller, 'a');
  await eventually(async () => (await service.workerPids()).length === 2);
  const pids = await service.workerPids();
  expect(pids).toContain(survivor);
  expect(pids).not.toContain(dead);
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  expect(metrics).toMatch(/^media_worker_deaths_total 1$/m);
  expect(metrics).toMatch(/^media_workers 2$/m);
  expect(metrics).toMatch(/^media_requests_total\{path="\/routers",outcome="ok"\} 3$/m);
});

test('[M4] a room that asks while the only worker is dead gets its router from the next one', async () => {
  const [service, caller] = await start({ MEDIA_WORKERS: '1' });
  const { epoch } = await caller.health();
  for (let n = 0; n < 3; n += 1) {
    const router = await caller.openRouter('a');
    await service.killWorkers();
    await eventually(async () => !('a' in (await caller.keep({ a: [] })).rooms));
    await eventually(async () => (await caller.call('/routers', { roomId: 'a' })).outcome === 'ok');
    expect((await caller.openRouter('a')).epoch).not.toBe(router.epoch);
  }
  expect((await caller.health()).epoch).toBe(epoch);
});

/** A Media Service in this process, with one worker and a clock that stands. */
async function oneWorker(): Promise<{ readonly app: MediaApp; readonly clock: FakeClock }> {
  const clock = new FakeClock();
  const config = loadMediaConfig({
    INTERNAL_SERVICE_KEY: mediaKey,
    MEDIA_PORT: '0',
    MEDIA_WORKERS: '1',
    LOG_LEVEL: 'silent',
  });
  const app = createMediaApp(config, await testedEngine(), clock, testMediaLog());
  return { app, clock };
}

test('[M4] a worker that hangs is taken for dead', async () => {
  const { app, clock } = await oneWorker();
  const caller = new MediaCaller(await app.listen());
  try {
    await caller.openRouter('a');
    const [{ pid } = { pid: 0 }] = (await caller.stats()).workers;
    process.kill(pid, 'SIGSTOP');
    // It is asked, and asked again in vain, while a peer waits for it.
    const waiting = caller.member('a', 'x').refusal('/transports', { peerId: 'p', direction: 'send' });
    await eventually(async () => (await caller.stats()).rooms[0]?.owners === 1);
    clock.advance(5_000);
    await caller.keep({ a: ['x'] });
    clock.advance(5_000);
    await caller.keep({ a: ['x'] });
    clock.advance(5_000);
    expect(await waiting).toMatch(/^NO_ROUTER /);
    await eventually(async () => (await caller.call('/routers', { roomId: 'a' })).outcome === 'ok');
    const [replaced] = (await caller.stats()).workers;
    expect(replaced?.pid).not.toBe(pid);
  } finally {
    await app.close();
  }
});

test('[J1] the CPU time of a worker that died is counted on: a counter that falls would look like a start', async () => {
  const { app, clock } = await oneWorker();
  const url = await app.listen();
  const caller = new MediaCaller(url);
  const figure = async (name: string): Promise<number> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
  };
  try {
    // Nobody has looked at it yet; it is looked at every five seconds.
    await eventually(async () => {
      clock.advance(5_000);
      return (await figure('media_worker_cpu_seconds_total')) > 0;
    });
    const [{ pid } = { pid: 0 }] = (await caller.stats()).workers;
    const before = await figure('media_worker_cpu_seconds_total');
    process.kill(pid, 'SIGKILL');
    await eventually(async () => (await figure('media_worker_deaths_total')) === 1);
    expect(await figure('media_worker_cpu_seconds_total')).toBeGreaterThanOrEqual(before);
  } finally {
    await app.close();
  }
});

test('[M4] the service told to end takes its workers with it and exits with 0; one that is killed leaves none either', async () => {
  for (const end of ['terminate', 'kill'] as const) {
    const [service, caller] = await start({ MEDIA_WORKERS: '2' });
    await caller.openRouter('a');
    await speak(caller, 'a');
    const pids = await service.workerPids();
    expect(pids).toHaveLength(2);
    const exit = await service[end]();
    if (end === 'terminate') expect(exit).toEqual({ code: 0, signal: null });
    await eventually(() => !pids.some(isRunning));
  }
});
