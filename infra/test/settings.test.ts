import { expect, test } from '@jest/globals';
import { dev } from '../environments/dev.js';
import { production } from '../environments/production.js';
import { SettingsError } from '../src/settings-error.js';
import { readSettings } from '../src/settings.js';

function problems(input: unknown): readonly string[] {
  try {
    readSettings(input);
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
}

test.each([
  ['a shape that there is not', { ...dev, shape: 'medium' }, /^shape /],
  ['no region', { ...dev, region: undefined }, /^region must be a region/],
  ['an unknown field', { ...dev, instanceType: 't3.small' }, /^instanceType is no setting$/],
  [
    'an unknown field below',
    { ...dev, server: { instanceType: 't3.small', memory: 1 } },
    /^server\.memory is no setting$/,
  ],
  ['a field of the other shape', { ...dev, hosts: { min: 2 } }, /^hosts is no setting$/],
  ['a bad network', { ...dev, allowedCidrs: ['10.0.0.0'] }, /^allowedCidrs\.0 must be a network/],
  [
    'a network that is too small',
    { ...dev, network: { cidr: '10.0.0.0/24' } },
    /^network\.cidr must be a \/20 or larger/,
  ],
  [
    'a network that is larger than a VPC',
    { ...dev, network: { cidr: '10.0.0.0/8' } },
    /^network\.cidr must be a \/16 or smaller/,
  ],
  [
    'an address in a network for the network',
    { ...dev, allowedCidrs: ['192.0.2.7/24'] },
    /^allowedCidrs\.0 must be a network/,
  ],
  [
    'a bad VPC',
    { ...dev, network: { vpcId: 'mine', cidrs: ['10.0.0.0/16'], publicSubnetIds: ['subnet-1'] } },
    /^network\.vpcId must be the id of a VPC/,
  ],
  [
    'figures for everybody',
    { ...production, scraperCidrs: ['0.0.0.0/0'] },
    /^scraperCidrs\.0 must not be everybody/,
  ],
  ['half an image', { ...dev, image: { tag: '' } }, /^image\.tag must be/],
  ['a long name', { ...dev, environment: 'a-name-that-is-too-long' }, /^environment must be 1 to 15/],
  ['two hyphens', { ...dev, environment: 'a--b' }, /^environment must be 1 to 15/],
  [
    'a user pool of another region',
    { ...dev, identities: { userPoolId: 'eu-west-1_AbCdEfGhI', appClientId: '1example23456789' } },
    /^identities\.userPoolId is not in us-west-1/,
  ],
  [
    'a bad instance type',
    { ...dev, server: { instanceType: 'small' } },
    /^server\.instanceType must be an instance type/,
  ],
  [
    'retention that CloudWatch does not know',
    { ...dev, logRetentionDays: 8 },
    /^logRetentionDays must be 1, 3, 5/,
  ],
  ['a bad mail address', { ...dev, alarmEmail: 'operator' }, /^alarmEmail must be an e-mail address/],
  ['one server', { ...production, hosts: { min: 1 } }, /^hosts\.min must be a whole number from 2/],
  ['fewer than the least', { ...production, hosts: { min: 4, max: 2 } }, /^hosts\.max is below/],
  [
    'no certificate',
    { ...production, tls: { domain: 'signaling.example.org' } },
    /^tls needs a certificateArn/,
  ],
  [
    'one zone',
    {
      ...production,
      network: {
        vpcId: 'vpc-1',
        cidrs: ['10.0.0.0/16'],
        publicSubnetIds: ['subnet-1'],
        privateSubnetIds: ['subnet-2', 'subnet-3'],
      },
    },
    /^network\.publicSubnetIds must name subnets in two zones/,
  ],
] as const)('[Z10] %s is refused by the name of the field', (_what, input, message) => {
  const found = problems(input);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(message);
});

test('[Z10] all that is wrong is said at once', () => {
  expect(problems({ ...dev, region: 'here', alarmEmail: 'operator', tokenMinutes: 1 })).toHaveLength(3);
});

test('[Z18] an idle time-out within four pings, or a delay within the drain, is refused', () => {
  expect(problems({ ...production, idleTimeoutS: 80 })).toEqual([
    expect.stringMatching(/^idleTimeoutS must be above four pings of the server, 80/),
  ]);
  const slow = { ...production.server, environment: { PING_MS: '60000', DRAIN_MS: '45000' } };
  expect(problems({ ...production, server: slow })).toEqual([
    expect.stringMatching(/^idleTimeoutS must be above .* 240/),
    expect.stringMatching(/^deregistrationDelayS must be longer .* 45/),
  ]);
});

test('[Z18] a drain that outlasts the hook is refused', () => {
  const slow = { ...production.server, environment: { DRAIN_MS: '700000' } };
  expect(problems({ ...production, server: slow, deregistrationDelayS: 800 })).toEqual([
    expect.stringMatching(/^server\.environment\.DRAIN_MS must be at most 600000/),
  ]);
});

test('[Z13] a secret is not taken as a setting', () => {
  const server = { ...dev.server, environment: { ADMIN_TOKEN: 'not here, please' } };
  expect(problems({ ...dev, server })).toEqual([
    expect.stringMatching(/^server\.environment\.ADMIN_TOKEN is a secret: put it into SSM/),
  ]);
});

test('ports of TURN and media on one host are kept apart', () => {
  const turn = { realm: 'turn.example.org', relayMinPort: 45_000 };
  expect(problems({ ...dev, turn, media: {} })).toEqual([expect.stringMatching(/^media\.minPort overlaps/)]);
});

test('ports of TURN are not those of the web on one host', () => {
  const realm = 'turn.example.org';
  const tls = { domain: 'signaling.example.org' };
  expect(problems({ ...dev, tls, turn: { realm, tlsPort: 443 } })).toEqual([
    'turn.tlsPort is 443, which the server on the same host has',
  ]);
  expect(problems({ ...dev, turn: { realm, port: 8080 } })).toEqual([
    'turn.port is 8080, which the server on the same host has',
  ]);
  expect(problems({ ...production, turn: { ...production.turn, tlsPort: 443 } })).toEqual([]);
  expect(problems({ ...production, turn: { ...production.turn, tlsPort: 3478 } })).toEqual([
    'turn.tlsPort equals turn.port',
  ]);
});

test('what goes into a script holds nothing that a shell would read', () => {
  for (const value of ["a'b", 'a`b', 'a$b', 'a\nb', 'a"b', 'a\\b']) {
    const server = { ...dev.server, environment: { LOG_LEVEL: value } };
    expect(problems({ ...dev, server })).toEqual([
      expect.stringMatching(/^server\.environment\.LOG_LEVEL must/),
    ]);
  }
});

test('the environments that are shipped are right', () => {
  expect(problems(dev)).toEqual([]);
  expect(problems(production)).toEqual([]);
});
