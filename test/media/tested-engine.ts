import process from 'node:process';
import { loadEngine, type Engine } from '../../src/media/mediasoup-engine.js';
import { testedMediasoup } from '../support/mediasoup-worker.js';

/** mediasoup in this process, with the worker of its version: the library reads where that is while it is imported. */
export function testedEngine(): Promise<Engine> {
  const { MEDIASOUP_WORKER_BIN: worker, MEDIA_LIBRARY: library } = testedMediasoup();
  process.env['MEDIASOUP_WORKER_BIN'] = worker;
  return loadEngine(library);
}
