/** The mediasoup that `npm test` fetched: a worker, and the library of its version. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../scripts/mediasoup-worker.mjs', import.meta.url));

/** Settings of a Media Service that uses them. Throws what is missing and how to get it. */
export function testedMediasoup(): { readonly MEDIASOUP_WORKER_BIN: string; readonly MEDIA_LIBRARY: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  const [worker, library] = stdout.trim().split('\n');
  if (status !== 0 || worker === undefined || library === undefined)
    throw new Error(stdout.trim() || stderr.trim());
  return { MEDIASOUP_WORKER_BIN: worker, MEDIA_LIBRARY: library };
}
