import { describe, expect, test } from '@jest/globals';
import { deniedPeers } from '../src/denied-peers.js';
import { secretVariables } from '../src/settings.js';
import { large, small, smallWithAll, type Synthesized } from './synthesized.js';

const shapes: readonly (readonly [string, Synthesized])[] = [
  ['small', small()],
  ['small with TLS', small(smallWithAll)],
  ['large', large()],
];

interface Rule {
  readonly description?: string;
  readonly from_port: number;
  readonly to_port: number;
  readonly ip_protocol: string;
  readonly cidr_ipv4?: string;
  readonly referenced_security_group_id?: string;
}

function openings(shape: Synthesized): readonly Rule[] {
  return shape.all('aws_vpc_security_group_ingress_rule') as unknown as Rule[];
}

function toEverybody(shape: Synthesized): readonly string[] {
  return openings(shape)
    .filter(({ cidr_ipv4: cidr }) => cidr === '0.0.0.0/0')
    .map(({ from_port: from, to_port: to, ip_protocol: protocol }) => `${protocol} ${from}-${to}`)
    .sort();
}

describe.each(shapes)('%s', (_name, shape) => {
  test('[Z11] nothing opens port 22, and no host has a key', () => {
    expect(openings(shape).length).toBeGreaterThan(2);
    expect(openings(shape).filter(({ from_port: from, to_port: to }) => from <= 22 && to >= 22)).toEqual([]);
    expect(shape.text).not.toMatch(/key_name|ssh/i);
    // Rules within a group would not be seen by the line above.
    expect(shape.all('aws_security_group').filter((group) => 'ingress' in group)).toEqual([]);
  });

  test('[Z12] the metadata service wants sessions, one hop away at most', () => {
    const hosts = [...shape.all('aws_instance'), ...shape.all('aws_launch_template')];
    expect(hosts.length).toBeGreaterThan(0);
    for (const { metadata_options: options } of hosts) {
      expect(options).toMatchObject({ http_tokens: 'required', http_put_response_hop_limit: 1 });
    }
  });

  test('[Z12] volumes are encrypted', () => {
    for (const { root_block_device: volume } of shape.all('aws_instance')) {
      expect(volume).toMatchObject({ encrypted: true, volume_type: 'gp3' });
    }
    for (const { block_device_mappings: volumes } of shape.all('aws_launch_template')) {
      expect(volumes).toMatchObject([{ ebs: { encrypted: 'true', volume_type: 'gp3' } }]);
    }
  });

  test('[Z12] tables forget what has expired, can be brought back to any moment, and are encrypted', () => {
    const tables = shape.all('aws_dynamodb_table');
    expect(tables).toHaveLength(3);
    for (const table of tables) {
      expect(table).toMatchObject({
        billing_mode: 'PAY_PER_REQUEST',
        point_in_time_recovery: { enabled: true },
        server_side_encryption: { enabled: true },
      });
      if (table['hash_key'] === 'uid') continue;
      expect(table).toMatchObject({ ttl: { attribute_name: 'expires_at', enabled: true } });
    }
  });

  test('there is no bucket, and nothing is open to the world that should not be', () => {
    expect(shape.types().filter((type) => type.startsWith('aws_s3'))).toEqual([]);
    expect(openings(shape).some(({ from_port: port }) => port === 6379 || port === 8010)).toBe(
      shape.types().includes('aws_lb'),
    );
    for (const { from_port: port, referenced_security_group_id: group } of openings(shape)) {
      if (port === 6379 || port === 8010) expect(group).toMatch(/^\$\{aws_security_group\.servers_/);
    }
  });

  test('[Z13] no secret is in what Terraform reads, only where it is', () => {
    // What would be set if a secret were a setting.
    for (const name of [...secretVariables, 'REDIS_PASSWORD']) {
      const values = [...shape.text.matchAll(new RegExp(`${name}=([^\\\\" ]*)`, 'g'))].map(
        ([, value]) => value,
      );
      expect(
        values.filter(
          (value) =>
            !/^('?(redis:\/\/127\.0\.0\.1:6379|rediss:\/\/default:)?'?|\/webrtc-signaling\/.*)$/.test(
              value ?? '',
            ),
        ),
      ).toEqual([]);
    }
    expect(shape.text).not.toMatch(/auth_token|random_password|"passwords?"|SecureString/);
    for (const parameter of shape.all('aws_ssm_parameter')) expect(parameter['type']).toBe('String');
  });

  test('scripts are shell, not Terraform: its marks in them are escaped', () => {
    for (const script of shape.scripts()) {
      const marks = [...script.matchAll(/\$\{([^}]*)\}/g)].filter(({ index }) => script[index - 1] !== '$');
      expect(
        marks.map(([, inside]) => inside).filter((inside) => !/^(aws|data)[\w.-]+$/.test(inside ?? '')),
      ).toEqual([]);
      expect(script).not.toMatch(/(?<!%)%\{/);
      expect(script).not.toContain('TfToken');
      expect(Buffer.byteLength(script)).toBeLessThan(16_384);
    }
  });
});

test('[Z11] without TLS the server’s own ports are open, with it only those of the web', () => {
  const relay = ['tcp 3478-3478', 'udp 3478-3478', 'udp 50000-59999'];
  expect(toEverybody(small())).toEqual(['tcp 8001-8001', 'tcp 8080-8080', ...relay].sort());
  const media = ['tcp 40000-49999', 'udp 40000-49999'];
  const relayTls = ['tcp 5349-5349', 'udp 5349-5349'];
  expect(toEverybody(small(smallWithAll))).toEqual(
    ['tcp 80-80', 'tcp 443-443', ...relay, ...relayTls, ...media].sort(),
  );
  expect(toEverybody(large())).toEqual(['tcp 80-80', 'tcp 443-443', ...relay, ...relay, ...media].sort());
});

test('[Z11] allowedCidrs says who may reach the server', () => {
  const shape = small({ allowedCidrs: ['192.0.2.0/24', '198.51.100.0/24'] });
  const peers = openings(shape).filter(({ from_port: port }) => port === 8001 || port === 8080);
  expect(peers.map(({ cidr_ipv4: cidr }) => cidr)).toEqual([
    '192.0.2.0/24',
    '198.51.100.0/24',
    '192.0.2.0/24',
    '198.51.100.0/24',
  ]);
});

test('[Z11] scrapers reach servers and Media Services from where it was said, and nobody else does', () => {
  const scraped = openings(large({ scraperCidrs: ['10.20.9.0/24'] })).filter(
    ({ description }) => description === 'scraper',
  );
  expect(scraped.map(({ from_port: port, cidr_ipv4: cidr }) => `${cidr ?? ''} ${port}`).sort()).toEqual([
    '10.20.9.0/24 8001',
    '10.20.9.0/24 8010',
  ]);
});

test('Redis speaks TLS only, keeps what it has encrypted, and evicts nothing', () => {
  const shape = large();
  expect(shape.one('aws_elasticache_replication_group')).toMatchObject({
    transit_encryption_enabled: true,
    transit_encryption_mode: 'required',
    at_rest_encryption_enabled: 'true',
    // The runbook's larger node is there when it is applied.
    apply_immediately: true,
  });
  expect(shape.one('aws_elasticache_user_group')).toMatchObject({
    user_ids: ['webrtc-signaling-production'],
  });
  expect(shape.one('aws_elasticache_parameter_group')).toMatchObject({
    parameter: [{ name: 'maxmemory-policy', value: 'noeviction' }],
  });
});

test('[Z12] what is protected cannot be deleted', () => {
  const shape = large();
  for (const table of shape.all('aws_dynamodb_table')) {
    expect(table).toMatchObject({ deletion_protection_enabled: true, lifecycle: { prevent_destroy: true } });
  }
  expect(shape.one('aws_cognito_user_pool')).toMatchObject({ deletion_protection: 'ACTIVE' });
  expect(shape.one('aws_lb')).toMatchObject({ enable_deletion_protection: true });
  for (const host of shape.all('aws_instance')) expect(host['disable_api_termination']).toBe(true);
});

test('[Z14] TURN relays nobody to private and reserved ranges', () => {
  const number = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const isDenied = (ip: string): boolean =>
    deniedPeers.some(
      ([first, last]) => !first.includes(':') && number(ip) >= number(first) && number(ip) <= number(last),
    );
  const closed = [
    '10.20.0.5',
    '127.0.0.1',
    '169.254.169.254',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
  ];
  const open = ['8.8.8.8', '172.32.0.1', '11.0.0.1', '100.128.0.1', '192.0.1.1', '198.20.0.1', '54.0.0.1'];
  expect(closed.filter((ip) => !isDenied(ip))).toEqual([]);
  expect(open.filter(isDenied)).toEqual([]);
  for (const ip of ['fd00::', 'fe80::', '::1', '::ffff:0:0'])
    expect(JSON.stringify(deniedPeers)).toContain(ip.replace('fd', 'fc'));
  const scripts = [...small().scripts(), ...large().scripts()].filter((script) => script.includes('turn'));
  const relays = scripts.filter((script) => script.includes('denied-peer-ip'));
  expect(relays).toHaveLength(3);
  for (const script of relays) {
    for (const range of deniedPeers) expect(script).toContain(`denied-peer-ip=${range.join('-')}`);
    expect(script).toMatch(/user-quota=12\b/);
  }
});

test('[Z22] TURN may take a port below 1024, as a user that is not root and has no other rights', () => {
  const unitOf = (changes: object): string =>
    /^unit turn .*$/m.exec(
      small({ turn: { realm: 'turn.example.org', ...changes } })
        .scripts()
        .join('\n'),
    )?.[0] ?? '';
  const without = /--security-opt no-new-privileges=false/;
  for (const unit of [unitOf({ tlsPort: 443 }), unitOf({ port: 80 })]) {
    expect(unit).toMatch(without);
    expect(unit).toContain('--user 10478:10478 --cap-add NET_BIND_SERVICE');
  }
  expect(unitOf({ tlsPort: 5_349 })).toContain('--user 10478:10478');
  expect(unitOf({ tlsPort: 5_349 })).not.toMatch(without);
});
