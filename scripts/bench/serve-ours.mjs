/** Our server as `npm run build` left it, on its embedded default, with what the harness needs to ask it. */
import { createApp } from '../../dist/app.js';
import { loadConfig } from '../../dist/config.js';

import { report } from './report.mjs';

const app = await createApp(
  loadConfig({
    HOST: '127.0.0.1',
    HTTP_PORT: '0',
    WS_PORT: '0',
    LOG_LEVEL: 'info',
    MAX_PEERS_PER_ROOM: '256',
  }),
);
await app.listen();
report(app.addresses, () => app.close());
