/** What the operator's guide says to Prometheus and to Redis. Its commands are looked at in infra/test. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { runTool } from '../metrics/reading.js';
import { RedisServer } from '../support/redis.js';
import { RoamingPeer } from '../support/roaming-peer.js';
import { TestNode } from '../support/test-node.js';
import { TestServer } from '../support/server.js';

interface Shipped {
  readonly scrape_configs: readonly Readonly<Record<string, unknown>>[];
}

test('Prometheus takes the way of finding servers that the guide gives in place of static_configs', () => {
  const [, block = ''] = /^```yaml\n([^]*?)^```$/m.exec(readFileSync('infra/README.md', 'utf8')) ?? [];
  const found = parse(block) as object;
  expect(Object.keys(found)).toEqual(['ec2_sd_configs']);
  const shipped = parse(readFileSync('infra/monitoring/prometheus.yml', 'utf8')) as Shipped;
  const jobs = shipped.scrape_configs.map((job) => ({ ...job, static_configs: [], ...found }));
  const folder = mkdtempSync(path.join(os.tmpdir(), 'guide-'));
  try {
    const file = path.join(folder, 'prometheus.yml');
    writeFileSync(file, stringify({ ...shipped, rule_files: [], scrape_configs: jobs }));
    writeFileSync(path.join(folder, 'admin-token'), 'a token');
    expect(runTool('promtool', ['check', 'config', file])).toMatchObject({ status: 0 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what the guide lets the user of Redis do is all that servers ask of it', async () => {
  const [, rights = ''] = /AccessString: "on ([^"]+)"/.exec(readFileSync('infra/README.md', 'utf8')) ?? [];
  expect(rights).toContain('-@dangerous');
  const redis = await RedisServer.start('--user', 'default', 'on', 'nopass', ...rights.split(' '));
  const servers: TestServer[] = [];
  try {
    for (const NODE_ID of ['a', 'b']) servers.push(await TestServer.start({ REDIS_URL: redis.url, NODE_ID }));
    const [left, right] = servers.map(({ http, ws }) => new TestNode(http, ws));
    if (left === undefined || right === undefined) throw new Error('there are two');
    const user = await left.signIn();
    const room = await left.createRoom(user);
    const [ada, bea] = [new RoamingPeer(room, 'ada', user), new RoamingPeer(room, 'bea', user)];
    await ada.join(left);
    await bea.join(right);
    await ada.until({ type: 'user_joined', peer_id: 'bea' });
    bea.socket.send({ type: 'chat_message', id: '1', content: 'hello' });
    await ada.until({ type: 'chat_message' });
    for (const node of [left, right]) node.hangUp();
    expect(await redis.ask((asked) => asked.info('errorstats'))).not.toContain('NOPERM');
  } finally {
    for (const server of servers) await server.stop();
    await redis.stop();
  }
});
