import { generateKeyPairSync } from 'node:crypto';
import os from 'node:os';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { ConfigError, loadConfig } from '../src/config.js';

const cognito = {
  COGNITO_REGION: 'us-west-1',
  COGNITO_USER_POOL_ID: 'us-west-1_Pool',
  COGNITO_APP_CLIENT_ID: 'client',
};

const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString();

const turn = { TURN_URLS: 'turn:relay.example.org', TURN_SHARED_SECRET: 'sixteen letters!' };

function problems(environment: Record<string, string>): string {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

describe('[B5] settings', () => {
  test('nothing set: everything embedded, on the Python server’s ports', () => {
    expect(loadConfig({})).toMatchObject({
      httpPort: 8001,
      wsPort: 8080,
      identities: { kind: 'embedded' },
      dynamo: undefined,
      roomTtlMs: 7_200_000,
    });
  });

  test('the Python server’s three variables: Cognito and DynamoDB', () => {
    expect(loadConfig(cognito)).toMatchObject({
      identities: { kind: 'cognito', region: 'us-west-1', userPoolId: 'us-west-1_Pool', clientId: 'client' },
      dynamo: { region: 'us-west-1', table: 'rooms' },
    });
  });

  test('an empty variable is one that is not set', () => {
    expect(loadConfig({ COGNITO_REGION: '', HTTP_PORT: '', ROOMS_TABLE: '' })).toEqual(loadConfig({}));
  });

  test('any RS256 issuer by PEM or by JWKS', () => {
    const issuer = { JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'us' };
    expect(loadConfig({ ...issuer, JWT_PUBLIC_KEY: pem.replaceAll('\n', '\\n') })).toMatchObject({
      identities: { kind: 'issuer', keys: { pem } },
    });
    expect(loadConfig({ ...issuer, JWT_JWKS_URI: 'https://issuer.example/jwks' })).toMatchObject({
      identities: { kind: 'issuer', keys: { jwksUri: 'https://issuer.example/jwks' } },
    });
  });

  test('all that is wrong is said at once, each by its name', () => {
    const text = problems({
      HTTP_PORT: 'eight',
      WS_PORT: '70000',
      COGNITO_REGION: 'us-west-1',
      REQUIRE_DELETE_AUTH: 'yes',
      LOG_LEVEL: 'loud',
    });
    for (const name of ['HTTP_PORT', 'WS_PORT', 'REQUIRE_DELETE_AUTH', 'LOG_LEVEL'])
      expect(text).toContain(name);
  });

  test.each([
    ['HTTP_PORT', { HTTP_PORT: ' ' }],
    ['HTTP_PORT', { HTTP_PORT: '0x50' }],
    ['WS_PORT', { HTTP_PORT: '9000', WS_PORT: '9000' }],
    ['PRE_JOIN_MS', { PRE_JOIN_MS: '2147483648' }],
    ['PING_MS', { PING_MS: '1' }],
    ['MAX_OUTBOX_BYTES', { MAX_OUTBOX_BYTES: '65536' }],
    ['JWT_PUBLIC_KEY', { JWT_PUBLIC_KEY: 'no pem', JWT_ISSUER: 'i', JWT_AUDIENCE: 'a' }],
    ['LOCAL_SIGNING_KEY', { LOCAL_SIGNING_KEY: 'no pem' }],
    ['JWT_JWKS_URI', { JWT_ISSUER: 'i', JWT_AUDIENCE: 'a' }],
    ['REDIS_URL', { REDIS_URL: 'localhost:6379' }],
    ['REDIS_URL', { REDIS_URL: 'http://localhost:6379' }],
    ['REDIS_URL', { REDIS_URL: 'redis://:100%@localhost' }],
    ['REDIS_URL', { REDIS_URL: 'redis://localhost/0?family=6' }],
    ['REDIS_CLUSTER_NODES', { REDIS_CLUSTER_NODES: 'one:6379,,two:6379' }],
    ['REDIS_CLUSTER_NODES', { REDIS_CLUSTER_NODES: 'redis://one/1' }],
    ['REDIS_CLUSTER_NODES', { REDIS_URL: 'redis://one', REDIS_CLUSTER_NODES: 'one:6379' }],
    ['REDIS_SENTINEL_NAME', { REDIS_SENTINELS: 'one:26379' }],
    ['REDIS_SENTINELS', { REDIS_SENTINEL_NAME: 'main' }],
    ['ALLOWED_ORIGINS', { ALLOWED_ORIGINS: 'https://a.example, nonsense' }],
    ['USERS_TABLE', { USERS_TABLE: 'ab' }],
    ['COGNITO_TOKEN_USE', { COGNITO_TOKEN_USE: 'any' }],
    ['MAX_CONNECTIONS_PER_IP', { MAX_CONNECTIONS_PER_IP: '-1' }],
    ['RATE_MESSAGES_PER_SESSION', { RATE_MESSAGES_PER_SESSION: '1000001' }],
    ['RATE_MESSAGES_PER_USER', { RATE_MESSAGES_PER_USER: 'many' }],
    ['RATE_SIGNINS_PER_IP', { RATE_SIGNINS_PER_IP: '1.5' }],
    ['RATE_ROOMS_PER_IP', { RATE_ROOMS_PER_IP: '10/min' }],
    ['RATE_ICE_PER_IP', { RATE_ICE_PER_IP: '-10' }],
    ['RATE_BAD_TOKENS_PER_IP', { RATE_BAD_TOKENS_PER_IP: 'none' }],
    ['KICK_BAN_S', { KICK_BAN_S: '31536001' }],
    ['CLOSE_AT_EXPIRY', { CLOSE_AT_EXPIRY: 'true' }],
    ['ALLOW_QUERY_TOKEN', { ALLOW_QUERY_TOKEN: 'no' }],
    ['ALLOW_ANONYMOUS_GATEWAY', { ALLOW_ANONYMOUS_GATEWAY: '2' }],
    ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '10.0.0.0/8, my-proxy' }],
    ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '1' }],
    ['STUN_URLS', { STUN_URLS: 'stun.example.org:3478' }],
    ['STUN_URLS', { STUN_URLS: 'turn:relay.example.org' }],
    ['TURN_URLS', { ...turn, TURN_URLS: 'turn:relay.example.org, stun:stun.example.org' }],
    ['TURN_URLS', { ...turn, TURN_URLS: 'turn:relay.example.org?transport=sctp' }],
    ['TURN_URLS', { TURN_SHARED_SECRET: turn.TURN_SHARED_SECRET }],
    ['TURN_SHARED_SECRET', { TURN_URLS: turn.TURN_URLS }],
    ['TURN_SHARED_SECRET', { ...turn, TURN_SHARED_SECRET: 'fifteen letters' }],
    ['TURN_TTL_S', { TURN_TTL_S: '59' }],
    ['TURN_TTL_S', { TURN_TTL_S: '86401' }],
    ['ICE_TRANSPORT_POLICY', { ICE_TRANSPORT_POLICY: 'none' }],
    ['ICE_TRANSPORT_POLICY', { ICE_TRANSPORT_POLICY: 'relay', STUN_URLS: 'stun:stun.example.org' }],
    ['INTERNAL_SERVICE_KEY', { INTERNAL_SERVICE_KEY: 'fifteen letters' }],
  ])('%s is named when it is %j', (name, environment) => {
    expect(problems(environment)).toContain(`  ${name}`);
  });

  test('nothing set: limits that a person does not meet, no ICE servers, no internal paths', () => {
    expect(loadConfig({})).toMatchObject({
      maxConnectionsPerIp: 1_000,
      messagesPerSecond: 300,
      userMessagesPerSecond: 1_000,
      signInsPerMinute: 120,
      roomsPerMinute: 120,
      iceRequestsPerMinute: 10,
      badTokensPerMinute: 20,
      kickBanMs: 300_000,
      closeAtExpiry: false,
      allowQueryToken: true,
      trustedProxies: [],
      stunUrls: [],
      turnUrls: [],
      turnSharedSecret: undefined,
      turnTtlS: 3_600,
      iceTransportPolicy: 'all',
      internalServiceKey: undefined,
    });
  });

  test('each of them can be set, and a limit switched off by 0', () => {
    const limits = {
      MAX_CONNECTIONS_PER_IP: '0',
      RATE_MESSAGES_PER_SESSION: '0',
      RATE_MESSAGES_PER_USER: '0',
      RATE_SIGNINS_PER_IP: '0',
      RATE_ROOMS_PER_IP: '0',
      RATE_ICE_PER_IP: '0',
      RATE_BAD_TOKENS_PER_IP: '0',
      KICK_BAN_S: '0',
    };
    const others = {
      CLOSE_AT_EXPIRY: '1',
      ALLOW_QUERY_TOKEN: '0',
      TRUSTED_PROXIES: 'loopback, 10.0.0.0/8, 2001:db8::1',
      STUN_URLS: 'stun:stun.example.org, stuns:[2001:db8::1]:5349',
      TURN_URLS: 'turn:relay.example.org:3478?transport=udp,turns:relay.example.org',
      TURN_SHARED_SECRET: turn.TURN_SHARED_SECRET,
      TURN_TTL_S: '60',
      ICE_TRANSPORT_POLICY: 'relay',
      INTERNAL_SERVICE_KEY: 'sixteen letters?',
    };
    expect(loadConfig({ ...limits, ...others })).toMatchObject({
      maxConnectionsPerIp: 0,
      messagesPerSecond: 0,
      userMessagesPerSecond: 0,
      signInsPerMinute: 0,
      roomsPerMinute: 0,
      iceRequestsPerMinute: 0,
      badTokensPerMinute: 0,
      kickBanMs: 0,
      closeAtExpiry: true,
      allowQueryToken: false,
      trustedProxies: ['loopback', '10.0.0.0/8', '2001:db8::1'],
      stunUrls: ['stun:stun.example.org', 'stuns:[2001:db8::1]:5349'],
      turnUrls: ['turn:relay.example.org:3478?transport=udp', 'turns:relay.example.org'],
      turnSharedSecret: turn.TURN_SHARED_SECRET,
      turnTtlS: 60,
      iceTransportPolicy: 'relay',
      internalServiceKey: 'sixteen letters?',
    });
  });

  test('[G6] who proves nothing is let in on embedded identities only, unless it is said', () => {
    const issuer = { JWT_ISSUER: 'i', JWT_AUDIENCE: 'a', JWT_PUBLIC_KEY: pem };
    for (const [environment, allowAnonymous] of [
      [{}, true],
      [{ REDIS_URL: 'redis://localhost' }, true],
      [{ ALLOW_ANONYMOUS_GATEWAY: '0' }, false],
      [cognito, false],
      [issuer, false],
      [{ ...issuer, ALLOW_ANONYMOUS_GATEWAY: '1' }, true],
    ] as const)
      expect(loadConfig(environment)).toMatchObject({ allowAnonymous });
  });

  test('[U5] [Y8] Cognito by ID tokens and a table for users, unless it is said otherwise', () => {
    expect(loadConfig(cognito)).toMatchObject({
      identities: { tokenUse: 'id' },
      dynamo: { usersTable: 'users' },
    });
    expect(
      loadConfig({ ...cognito, COGNITO_TOKEN_USE: 'both', USERS_TABLE: 'people', ROOMS_TABLE: 'halls' }),
    ).toMatchObject({
      identities: { tokenUse: 'both' },
      dynamo: { table: 'halls', usersTable: 'people' },
    });
  });

  test('[I7] a secret that is too short is not repeated', () => {
    const text = problems({ ...turn, TURN_SHARED_SECRET: 'hush', INTERNAL_SERVICE_KEY: 'hush too' });
    expect(text).toContain('  TURN_SHARED_SECRET ');
    expect(text).toContain('  INTERNAL_SERVICE_KEY ');
    expect(text).not.toContain('hush');
  });

  test('origins are compared as browsers spell them', () => {
    const { allowedOrigins } = loadConfig({
      ALLOWED_ORIGINS: 'HTTPS://A.Example:443/, http://b.example:8080',
    });
    expect(allowedOrigins).toEqual(['https://a.example', 'http://b.example:8080']);
  });

  test('two of the three Cognito variables, or two kinds of identities, are told apart from a working set', () => {
    expect(problems({ ...cognito, COGNITO_REGION: '' })).toMatch(/COGNITO_REGION is missing/);
    expect(problems({ JWT_PUBLIC_KEY: pem })).toMatch(/JWT_ISSUER is missing[^]*JWT_AUDIENCE is missing/);
    expect(problems({ ...cognito, JWT_PUBLIC_KEY: pem, JWT_ISSUER: 'i', JWT_AUDIENCE: 'a' })).toMatch(
      /COGNITO_ variables/,
    );
  });

  test('[R1] Redis by URL, with a login, TLS and a database', () => {
    expect(loadConfig({}).redis).toBeUndefined();
    expect(loadConfig({ REDIS_URL: 'redis://localhost' }).redis).toMatchObject({
      kind: 'standalone',
      server: { host: 'localhost', port: 6379 },
      login: { username: undefined, password: undefined, tls: false },
      db: 0,
    });
    expect(loadConfig({ REDIS_URL: 'rediss://me:p%40ss%25@[::1]:6380/3' }).redis).toMatchObject({
      server: { host: '::1', port: 6380 },
      login: { username: 'me', password: 'p@ss%', tls: true },
      db: 3,
    });
  });

  test('Redis Cluster and Sentinel, as host:port or as URLs that carry the login', () => {
    expect(loadConfig({ REDIS_CLUSTER_NODES: 'one:7000, rediss://:secret@two' }).redis).toMatchObject({
      kind: 'cluster',
      servers: [
        { host: 'one', port: 7000 },
        { host: 'two', port: 6379 },
      ],
      login: { password: 'secret', tls: true },
    });
    const sentinels = 'one,redis://:watch@two:26380';
    expect(
      loadConfig({ REDIS_SENTINELS: sentinels, REDIS_SENTINEL_NAME: 'redis://me:secret@main/2' }).redis,
    ).toMatchObject({
      kind: 'sentinel',
      sentinels: [
        { host: 'one', port: 26_379 },
        { host: 'two', port: 26_380 },
      ],
      sentinelLogin: { password: 'watch' },
      name: 'main',
      login: { username: 'me', password: 'secret', tls: false },
      db: 2,
    });
    expect(loadConfig({ REDIS_SENTINELS: 'one', REDIS_SENTINEL_NAME: 'main' }).redis).toMatchObject({
      name: 'main',
      login: { password: undefined },
    });
  });

  test('[R5] what is wrong with Redis’s settings is said at once, and without a password', () => {
    const text = problems({
      REDIS_URL: 'redis://:hush@one/x',
      REDIS_CLUSTER_NODES: 'http://:hush@one',
      REDIS_SENTINELS: 'redis://:hush@one/1',
    });
    for (const name of ['REDIS_URL', 'REDIS_CLUSTER_NODES', 'REDIS_SENTINELS', 'REDIS_SENTINEL_NAME'])
      expect(text).toContain(`  ${name} `);
    expect(text).not.toContain('hush');
  });

  test('our other services are addresses without a login, and need the key that they know us by', () => {
    const key = { INTERNAL_SERVICE_KEY: 'sixteen letters!' };
    expect(problems({ MEDIA_SERVICE_URL: 'http://one:8010' })).toMatch(
      /INTERNAL_SERVICE_KEY is missing: MEDIA_/,
    );
    expect(problems({ ...key, CHAT_SERVICE_URL: 'chat.example.org' })).toMatch(
      /CHAT_SERVICE_URL must be an address/,
    );
    const text = problems({ ...key, ROOM_SERVICE_URL: 'http://me:hush@rooms.example.org' });
    expect(text).toMatch(/ROOM_SERVICE_URL must carry no login/);
    expect(text).not.toContain('hush');
    const services = {
      MEDIA_SERVICE_URL: 'http://one:8010/, https://two',
      ROOM_SERVICE_URL: 'http://rooms/',
    };
    expect(loadConfig({ ...key, ...services })).toMatchObject({
      mediaServiceUrls: ['http://one:8010', 'https://two'],
      roomServiceUrl: 'http://rooms',
    });
  });

  test('production refuses what lives in one process, unless it is meant', () => {
    expect(problems({ NODE_ENV: 'production' })).toMatch(/ALLOW_EMBEDDED=1/);
    expect(problems({ NODE_ENV: 'production', ALLOW_EMBEDDED: '1' })).toBe('');
    expect(problems({ NODE_ENV: 'production', ...cognito })).toBe('');
  });

  test('production with Redis: its rooms are shared, but anybody may sign in to embedded identities', () => {
    const shared = { NODE_ENV: 'production', REDIS_URL: 'redis://localhost' };
    const issuer = { JWT_ISSUER: 'i', JWT_AUDIENCE: 'a', JWT_PUBLIC_KEY: pem };
    expect(problems(shared)).toMatch(/JWT_ISSUER is not set[^]*ALLOW_EMBEDDED=1/);
    expect(problems(shared)).not.toMatch(/rooms/);
    expect(problems({ ...shared, ALLOW_EMBEDDED: '1' })).toBe('');
    expect(problems({ ...shared, ...issuer })).toBe('');
    expect(problems({ NODE_ENV: 'production', ...issuer })).toMatch(/rooms that live in one process/);
  });
});

describe('[V20] how many connections there may be', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test.each([
    [256, 4_096],
    [512, 8_192],
    [2_048, 20_000],
  ])('in a container of %i MiB: %i a port', (mebibytes, connections) => {
    jest.spyOn(process, 'constrainedMemory').mockReturnValue(mebibytes * 1_048_576);
    jest.spyOn(os, 'totalmem').mockReturnValue(64 * 1_073_741_824);
    expect(loadConfig({}).maxConnections).toBe(connections);
    expect(loadConfig({ MAX_CONNECTIONS: '30000' }).maxConnections).toBe(30_000);
    expect(loadConfig({ MAX_CONNECTIONS: '0' }).maxConnections).toBe(0);
  });
});
