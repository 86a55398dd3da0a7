import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { testedMediasoup } from '../support/mediasoup-worker.js';

const script = fileURLToPath(new URL('../../scripts/mediasoup-worker.mjs', import.meta.url));

describe('scripts/mediasoup-worker.mjs', () => {
  test('finds a worker that the library of the tests can talk to', async () => {
    const { MEDIA_LIBRARY: library, MEDIASOUP_WORKER_BIN: bin } = testedMediasoup();
    // The library reads it once, while it is imported.
    process.env['MEDIASOUP_WORKER_BIN'] = bin;
    const mediasoup = (await import(library)) as typeof import('mediasoup');
    expect(mediasoup.version).toBe('3.8.4');
    const worker = await mediasoup.createWorker({ logLevel: 'error' });
    const ended = new Promise<void>((resolve) => {
      worker.observer.once('close', resolve);
    });
    const router = await worker.createRouter({
      mediaCodecs: [{ kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2 }],
    });
    expect(router.rtpCapabilities.codecs?.[0]?.mimeType).toBe('audio/opus');
    worker.close();
    await ended;
  });

  test('is kept outside the tree', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    for (const file of Object.values(testedMediasoup())) expect(path.relative(root, file)).toMatch(/^\.\./);
  });

  test('without one says what is missing and how to get it', () => {
    const empty = mkdtempSync(path.join(os.tmpdir(), 'no-worker-'));
    const { status, stdout } = spawnSync(process.execPath, [script], {
      encoding: 'utf8',
      env: { ...process.env, XDG_CACHE_HOME: empty },
    });
    rmSync(empty, { recursive: true });
    expect(status).toBe(1);
    expect(stdout).toMatch(/mediasoup 3\.8\.4 is not there.+npm test/);
  });
});
