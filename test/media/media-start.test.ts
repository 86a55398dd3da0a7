import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadMediaConfig, MediaConfigError } from '../../src/media/config.js';
import { mediaKey, MediaProcess, startMedia } from '../support/media-service.js';
import { ProcessBuild } from '../support/process-build.js';
import { testedMediasoup } from '../support/mediasoup-worker.js';

const key = 'a key of sixteen characters';
let build: ProcessBuild;

beforeAll(async () => {
  build = await ProcessBuild.make('src/media/main.ts');
});
afterAll(() => {
  build.remove();
});

/** What a start that fails says, on one line or more. */
async function failure(entry: string, settings: Record<string, string>): Promise<string> {
  const program = startMedia(entry, settings);
  try {
    const { code } = await program.exited;
    expect(code).toBe(1);
    // Its log may have told of a worker by then.
    expect(program.lines.filter((line) => !line.startsWith('{'))).toEqual([]);
    return program.complaints.join('\n');
  } finally {
    await program.stop();
  }
}

test('[M1] all that is wrong with the settings is said at once, by name', async () => {
  const told = await failure(build.entry, {
    INTERNAL_SERVICE_KEY: 'short',
    MEDIA_PORT: '70000',
    MEDIA_WORKERS: '0',
    MEDIA_LISTEN_IP: 'everywhere',
    MEDIA_RTC_MIN_PORT: 'x',
  });
  for (const name of [
    'INTERNAL_SERVICE_KEY must be set',
    'MEDIA_PORT must be a whole number from 0 to 65535',
    'MEDIA_WORKERS must be',
    'MEDIA_LISTEN_IP must be an IP address',
    'MEDIA_RTC_MIN_PORT must be',
  ]) {
    expect(told).toContain(name);
  }
  expect(told).not.toContain('short');
});

test('[M1] an address that peers could not reach is no setting', () => {
  const load = (settings: Record<string, string>) =>
    loadMediaConfig({ INTERNAL_SERVICE_KEY: key, ...settings });
  expect(() => load({ MEDIA_LISTEN_IP: '0.0.0.0' })).toThrow(/MEDIA_ANNOUNCED_ADDRESS is missing/);
  expect(() => load({ MEDIA_LISTEN_IP: '::' })).toThrow(MediaConfigError);
  expect(() => load({ MEDIA_RTC_MIN_PORT: '50000', MEDIA_RTC_MAX_PORT: '40000' })).toThrow(
    /MEDIA_RTC_MAX_PORT is below/,
  );
  expect(() => loadMediaConfig({})).toThrow(/INTERNAL_SERVICE_KEY must be set/);
  expect(load({ MEDIA_LISTEN_IP: '0.0.0.0', MEDIA_ANNOUNCED_ADDRESS: 'sfu.example.org' })).toMatchObject({
    port: 8010,
    host: '127.0.0.1',
    listenIp: '0.0.0.0',
    announcedAddress: 'sfu.example.org',
    consumersPerWorker: 500,
    logLevel: 'info',
  });
});

test('[M1] a start that cannot be says why and what helps, on one line', async () => {
  const bin = testedMediasoup();
  // An address of the range for documentation, RFC 5737: no machine has it.
  expect(await failure(build.entry, { ...bin, MEDIA_LISTEN_IP: '192.0.2.1' })).toMatch(
    /MEDIA_LISTEN_IP 192\.0\.2\.1 is no address of this machine$/,
  );
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const port = String(typeof address === 'object' ? address?.port : '');
  expect(await failure(build.entry, { ...bin, MEDIA_PORT: port })).toMatch(
    /EADDRINUSE.* stop it, or set MEDIA_PORT\.$/,
  );
  other.close();
});

test('[M1] without a worker, or with one of another version, the remedy is named', async () => {
  const nowhere = { MEDIASOUP_WORKER_BIN: '/nonexistent/mediasoup-worker' };
  for (const told of [
    await failure(build.entry, { ...testedMediasoup(), ...nowhere }),
    // The library that users install, whose worker is not installed here.
    await failure(build.entry, nowhere),
    await failure(build.entry, { MEDIASOUP_WORKER_BIN: testedMediasoup().MEDIASOUP_WORKER_BIN }),
  ]) {
    expect(told).toMatch(
      /^mediasoup's worker does not start: `npm rebuild mediasoup --ignore-scripts=false` .*MEDIASOUP_WORKER_BIN/,
    );
    expect(told.split('\n')).toHaveLength(1);
  }
});

test('[M1] without the library the remedy is named', async () => {
  const told = await failure(build.entry, { MEDIA_LIBRARY: 'mediasoup-that-is-not-there' });
  expect(told).toMatch(/^mediasoup-that-is-not-there cannot be loaded: `npm install mediasoup`/);
});

test('[M1] workers are not given the internal key', async () => {
  const media = await MediaProcess.start(build.entry);
  try {
    const [pid] = await media.workerPids();
    const environment = readFileSync(`/proc/${String(pid)}/environ`, 'utf8');
    expect(environment).toContain('MEDIASOUP_VERSION=');
    expect(environment).not.toContain(mediaKey);
  } finally {
    await media.stop();
  }
});
