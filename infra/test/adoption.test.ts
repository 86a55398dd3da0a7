import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { large, small } from './synthesized.js';

describe('what is there can be adopted', () => {
  test('[Z19] a table is used, and may be, but is not made', () => {
    const shape = small({ tables: { rooms: 'rooms' } });
    expect(shape.all('aws_dynamodb_table').map((table) => table['hash_key'])).toEqual(['room_id', 'uid']);
    expect(shape.all('aws_dynamodb_table').map((table) => table['range_key'])).toEqual(['seq', undefined]);
    expect(shape.output('rooms_table')).toBe('rooms');
    expect(shape.scripts().join()).toContain('ROOMS_TABLE=rooms');
    const arn = 'arn:aws:dynamodb:us-west-1:${data.aws_caller_identity.account.account_id}:table/rooms';
    const policy = String(shape.one('aws_iam_role_policy')['policy']);
    expect(policy).toContain(`"Resource":"${arn}"`);
    expect(policy).toContain(`"Resource":"${arn}/index/by_status"`);
  });

  test('[Z19] a user pool is used, and may be, but is not made', () => {
    const shape = small({
      identities: { userPoolId: 'us-west-1_AbCdEfGhI', appClientId: '1example23456789' },
    });
    expect(shape.types().filter((type) => type.startsWith('aws_cognito'))).toEqual([]);
    expect(shape.output('user_pool_id')).toBe('us-west-1_AbCdEfGhI');
    expect(shape.output('app_client_id')).toBe('1example23456789');
    expect(String(shape.one('aws_iam_role_policy')['policy'])).toContain('userpool/us-west-1_AbCdEfGhI"');
    expect(shape.scripts().join()).toContain('COGNITO_USER_POOL_ID=us-west-1_AbCdEfGhI');
  });

  test('[Z19] a VPC is used, but nothing in it is made', () => {
    const shape = large({
      network: {
        vpcId: 'vpc-0a1b2c3d',
        cidrs: ['10.9.0.0/24', '10.9.1.0/24'],
        publicSubnetIds: ['subnet-01', 'subnet-02'],
        privateSubnetIds: ['subnet-03', 'subnet-04'],
      },
    });
    for (const type of [
      'aws_vpc',
      'aws_subnet',
      'aws_internet_gateway',
      'aws_route_table',
      'aws_vpc_endpoint',
    ]) {
      expect(shape.types()).not.toContain(type);
    }
    expect(shape.one('aws_lb')['subnets']).toEqual(['subnet-01', 'subnet-02']);
    expect(shape.one('aws_elasticache_subnet_group')['subnet_ids']).toEqual(['subnet-03', 'subnet-04']);
    expect(shape.scripts().join()).toContain('TRUSTED_PROXIES=10.9.0.0/24,10.9.1.0/24');
    for (const group of shape.all('aws_security_group')) expect(group['vpc_id']).toBe('vpc-0a1b2c3d');
  });

  test('a certificate is used, or made and proven in the zone', () => {
    const certificateArn = 'arn:aws:acm:us-west-2:123456789012:certificate/0a1b2c3d';
    const adopted = large({ tls: { domain: 'signaling.example.org', certificateArn } });
    expect(adopted.types()).not.toContain('aws_acm_certificate');
    expect(adopted.text).toContain(certificateArn);
    expect(large().one('aws_acm_certificate')).toMatchObject({ validation_method: 'DNS' });
    expect(large().all('aws_route53_record')).toHaveLength(2);
  });
});

describe('what is made is what the code needs', () => {
  test('[Z19] tables have the keys that the adapters use', () => {
    // In the order of their names: chat, rooms, users.
    const [chat, rooms, users] = small().all('aws_dynamodb_table');
    expect(rooms).toMatchObject({
      hash_key: 'room_id',
      attribute: [
        { name: 'room_id', type: 'S' },
        { name: 'status', type: 'S' },
        { name: 'created_at', type: 'N' },
      ],
      global_secondary_index: [
        { name: 'by_status', hash_key: 'status', range_key: 'created_at', projection_type: 'ALL' },
      ],
    });
    expect(users).toMatchObject({ hash_key: 'uid', attribute: [{ name: 'uid', type: 'S' }] });
    expect(chat).toMatchObject({
      hash_key: 'room_id',
      range_key: 'seq',
      attribute: [
        { name: 'room_id', type: 'S' },
        { name: 'seq', type: 'N' },
      ],
    });
    // The adapters say the same of themselves.
    const text = readFileSync('../src/adapters/dynamodb/dynamo-room-store.ts', 'utf8');
    expect(text).toContain("INDEX = 'by_status'");
    expect(text).toContain('hash `status` S, range `created_at` N, all attributes');
  });

  test('[Z19] the pool takes the users that the server makes', () => {
    const shape = small();
    const { password_policy: policy, admin_create_user_config: admin } = shape.one('aws_cognito_user_pool');
    expect(admin).toEqual({ allow_admin_create_user_only: false });
    // Neither e-mail nor telephone: a name and a password are enough.
    expect(shape.one('aws_cognito_user_pool')).not.toHaveProperty('username_attributes');
    const text = readFileSync('../src/adapters/cognito/cognito-identity-provider.ts', 'utf8');
    const [, prefix = '', bytes = '', suffix = ''] =
      /const password = `(\w+)\$\{randomBytes\((\d+)\)\.toString\('hex'\)\}(.)`/.exec(text) ?? [];
    const password = `${prefix}${'0f'.repeat(Number(bytes))}${suffix}`;
    const { minimum_length: least, ...wanted } = policy as Record<string, unknown>;
    expect(password.length).toBeGreaterThanOrEqual(Number(least));
    expect(wanted).toMatchObject({
      require_lowercase: true,
      require_uppercase: true,
      require_numbers: true,
      require_symbols: true,
    });
    expect(password).toMatch(/(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[^\w])/);
  });

  test('[Z19] the app client has no secret and lets users in by password', () => {
    expect(small({ tokenMinutes: 30 }).one('aws_cognito_user_pool_client')).toMatchObject({
      generate_secret: false,
      explicit_auth_flows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      id_token_validity: 30,
      token_validity_units: [{ id_token: 'minutes' }],
    });
  });
});
