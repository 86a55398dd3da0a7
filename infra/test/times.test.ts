/** Times and settings that must fit together, against the server's own code. */
import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config.js';
import { loadMediaConfig } from '../../src/media/config.js';
import { mediaContainer, serverContainer, type Surroundings } from '../src/containers.js';
import { production } from '../environments/production.js';
import { dev } from '../environments/dev.js';
import { autoScalingOf } from '../src/server-group.js';
import {
  maxDrainS,
  readSettings,
  serverDefaults,
  type LargeSettings,
  type SettingsInput,
} from '../src/settings.js';
import { large, smallWithAll } from './synthesized.js';

const around: Surroundings = {
  userPoolId: 'us-west-2_AbCdEfGhI',
  appClientId: '1example23456789',
  tables: { rooms: 'rooms', users: 'users', chat: 'chat' },
  turnIps: ['54.0.0.1', '54.0.0.2'],
  mediaUrls: ['http://10.20.0.9:8010'],
  cache: { host: 'redis.example.org', port: 6379, user: 'default' },
  frontCidrs: ['10.20.0.0/24', '10.20.1.0/24'],
};
const key = 'a key of more than sixteen characters';

function configOf(input: SettingsInput): ReturnType<typeof loadConfig> {
  const settings = readSettings(input);
  const { cache, mediaUrls, ...rest } = around;
  const { environment, secrets, redis } = serverContainer(settings, {
    ...rest,
    mediaUrls: settings.media === undefined ? [] : mediaUrls,
    ...(settings.shape === 'large' && cache && { cache }),
  });
  const kept = Object.fromEntries(Object.keys(secrets).map((name) => [name, key]));
  const url = redis && { REDIS_URL: `rediss://${redis.user}:password@${redis.host}:${redis.port}` };
  return loadConfig({ ...environment, ...kept, ...url, NODE_ID: 'i-0123456789abcdef0' });
}

describe('the server takes what it is told', () => {
  test('[Z18] in the large shape', () => {
    const config = configOf(production);
    expect(config).toMatchObject({
      host: '0.0.0.0',
      httpPort: 8001,
      wsPort: 8080,
      identities: { kind: 'cognito', userPoolId: around.userPoolId },
      dynamo: { table: 'rooms', usersTable: 'users', chatTable: 'chat' },
      trustedProxies: around.frontCidrs,
      mediaServiceUrls: around.mediaUrls,
      stunUrls: ['stun:54.0.0.1:3478', 'stun:54.0.0.2:3478'],
      serveDemo: false,
      operatorNetworks: [],
    });
    expect(config.turnUrls).toHaveLength(4);
    expect(config.redis).toMatchObject({
      kind: 'standalone',
      server: { host: 'redis.example.org', tls: true },
    });
  });

  test('[Z18] in the small shape, and behind Caddy only this host reaches it', () => {
    expect(configOf(dev)).toMatchObject({ host: '0.0.0.0', trustedProxies: [] });
    const config = configOf({ ...dev, ...smallWithAll } as SettingsInput);
    expect(config).toMatchObject({ host: '127.0.0.1', trustedProxies: ['loopback'] });
    expect(config.turnUrls).toContain('turns:turn.example.org:5349?transport=tcp');
  });

  test('[Z18] and so does the Media Service', () => {
    const settings = readSettings(production);
    const { environment } = mediaContainer(
      settings,
      settings.media ?? fail(),
      { publicIp: '54.0.0.3', privateIp: '10.20.0.9' },
      true,
    );
    expect(loadMediaConfig({ ...environment, INTERNAL_SERVICE_KEY: key })).toMatchObject({
      host: '0.0.0.0',
      port: 8010,
      listenIp: '0.0.0.0',
      announcedAddress: '54.0.0.3',
      rtcMinPort: 40_000,
      rtcMaxPort: 49_999,
    });
  });

  test('[Z18] scrapers whom the port is opened for are answered by the Media Service', () => {
    const scraperCidrs = ['10.20.9.0/24', '10.30.0.0/16'];
    const settings = readSettings({ ...production, scraperCidrs });
    const { environment } = mediaContainer(
      settings,
      settings.media ?? fail(),
      { publicIp: '54.0.0.3', privateIp: '10.20.0.9' },
      true,
    );
    expect(loadMediaConfig({ ...environment, INTERNAL_SERVICE_KEY: key }).metricsNetworks).toEqual([
      'loopback',
      ...scraperCidrs,
    ]);
  });

  test('what an environment sets itself holds', () => {
    const { server } = production;
    const config = configOf({
      ...production,
      server: { ...server, environment: { LOG_LEVEL: 'warn', KEEP_ALIVE_MS: '200000' } },
    });
    expect(config).toMatchObject({ logLevel: 'warn', keepAliveMs: 200_000 });
  });
});

describe('the load balancer', () => {
  test('[Z18] waits longer than four pings before it cuts a silent socket, and less than the server does', () => {
    const { pingMs, keepAliveMs } = configOf(production);
    const idleS = Number(large().one('aws_lb')['idle_timeout']);
    expect(idleS * 1000).toBeGreaterThan(4 * pingMs);
    expect(keepAliveMs).toBeGreaterThan(idleS * 1000);
  });

  test('[Z18] leaves a server that goes its sockets for longer than its drain takes', () => {
    const { drainMs } = configOf(production);
    const { deregistration_delay: delayS } = large().one('aws_lb_target_group');
    expect(Number(delayS) * 1000).toBeGreaterThan(drainMs);
  });

  test('[Z18] asks who is ready, but the group replaces nobody for it', () => {
    const shape = large();
    expect(shape.one('aws_lb_target_group')).toMatchObject({
      health_check: { path: '/readyz', matcher: '200' },
    });
    expect(shape.one('aws_autoscaling_group')).toMatchObject({ health_check_type: 'EC2' });
  });

  test('[Z18] a server is in service when it said so, and goes when its peers have gone', () => {
    const shape = large();
    const { drainMs } = configOf(production);
    const settings = readSettings(production) as LargeSettings;
    const { launchHook, launchTimeoutS, terminateHook, group } = autoScalingOf(settings);
    const { initial_lifecycle_hook: hooks, name } = shape.one('aws_autoscaling_group');
    expect(name).toBe(group);
    expect(hooks).toEqual([
      {
        name: launchHook,
        lifecycle_transition: 'autoscaling:EC2_INSTANCE_LAUNCHING',
        default_result: 'ABANDON',
        heartbeat_timeout: launchTimeoutS,
      },
      {
        name: terminateHook,
        lifecycle_transition: 'autoscaling:EC2_INSTANCE_TERMINATING',
        default_result: 'CONTINUE',
        heartbeat_timeout: expect.any(Number),
      },
    ]);
    const timeoutS = Number((hooks as { heartbeat_timeout: number }[])[1]?.heartbeat_timeout);
    expect(timeoutS).toBeGreaterThan(maxDrainS + 60);
    expect(drainMs).toBeLessThan(maxDrainS * 1000);
  });
});

test('the stack knows the server’s own defaults', () => {
  const { pingMs, drainMs } = loadConfig({});
  expect({ pingMs, drainMs }).toEqual(serverDefaults);
});

function fail(): never {
  throw new Error('production has a Media Service');
}
