/**
 * Our server as `npm run build` left it, with what the harness needs to ask it: on its embedded default, or as one of
 * several nodes.
 *
 * node serve-ours.mjs [REDIS_URL] [DIST_FOLDER]
 */
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { oneAddress } from '../one-address.mjs';
import { report } from './report.mjs';

const [redisUrl = '', folder = fileURLToPath(new URL('../../dist', import.meta.url))] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(resolve(folder, name)).href);
const { createApp } = await load('app.js');
const { loadConfig } = await load('config.js');

const app = await createApp(
  loadConfig({
    HOST: '127.0.0.1',
    HTTP_PORT: '0',
    WS_PORT: '0',
    LOG_LEVEL: 'info',
    AUDIT_LOG: 'none',
    MAX_PEERS_PER_ROOM: '256',
    REDIS_URL: redisUrl,
    ...oneAddress,
  }),
);
await app.listen();
report(app.addresses, () => app.close());
