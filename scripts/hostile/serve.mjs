/** Our server as `npm run build` left it, with the limits of production but for those by address. node serve.mjs [DIST_FOLDER] */
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { report } from '../bench/report.mjs';
import { oneAddress } from '../one-address.mjs';

const [folder = fileURLToPath(new URL('../../dist', import.meta.url))] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(resolve(folder, name)).href);
const { createApp } = await load('app.js');
const { loadConfig } = await load('config.js');

const { RATE_MESSAGES_PER_SESSION, RATE_MESSAGES_PER_USER, ...byAddress } = oneAddress;
const app = await createApp(
  loadConfig({ HOST: '127.0.0.1', HTTP_PORT: '0', WS_PORT: '0', LOG_LEVEL: 'info', ...byAddress }),
);
await app.listen();
report(app.addresses, () => app.close());
