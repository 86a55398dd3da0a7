/**
 * Our server as `npm run build` left it, with the limits of production; but for those by address, unless settings are
 * given. node serve.mjs [DIST_FOLDER [NAME=VALUE ...]]
 */
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { report } from '../bench/report.mjs';
import { oneAddress } from '../one-address.mjs';

const [folder = fileURLToPath(new URL('../../dist', import.meta.url)), ...given] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(resolve(folder, name)).href);
const { createApp } = await load('app.js');
const { loadConfig } = await load('config.js');

const { RATE_MESSAGES_PER_SESSION, RATE_MESSAGES_PER_USER, ...byAddress } = oneAddress;
const settings = given.length === 0 ? byAddress : Object.fromEntries(given.map(splitOnce));
const app = await createApp(
  loadConfig({
    HOST: '127.0.0.1',
    HTTP_PORT: '0',
    WS_PORT: '0',
    LOG_LEVEL: 'info',
    AUDIT_LOG: 'none',
    ...settings,
  }),
);
await app.listen();
report(app.addresses, () => app.close());

function splitOnce(assignment) {
  const at = assignment.indexOf('=');
  return [assignment.slice(0, at), assignment.slice(at + 1)];
}
