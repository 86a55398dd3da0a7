/** Constructs by themselves. */
import { describe, expect, test } from '@jest/globals';
import { Firewall } from '../src/firewall.js';
import { HostRole } from '../src/host-role.js';
import { escapeForTerraform } from '../src/machine.js';
import { Network } from '../src/network.js';
import { type Construct, TerraformStack, Testing, Token } from '../src/terraform.js';
import { testApp } from './synthesized.js';

type Resources = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;

function resources(build: (stack: Construct) => void): Resources {
  const stack = new TerraformStack(testApp(), 'alone');
  build(stack);
  return (JSON.parse(Testing.synth(stack)) as { resource?: Resources }).resource ?? {};
}

describe('a network', () => {
  test.each([
    ['10.20.0.0/16', 2, ['10.20.0.0/24', '10.20.1.0/24', '10.20.8.0/24', '10.20.9.0/24']],
    [
      '172.16.240.0/20',
      3,
      [
        '172.16.240.0/24',
        '172.16.241.0/24',
        '172.16.242.0/24',
        '172.16.248.0/24',
        '172.16.249.0/24',
        '172.16.250.0/24',
      ],
    ],
    ['10.255.254.7/16', 2, ['10.255.0.0/24', '10.255.1.0/24', '10.255.8.0/24', '10.255.9.0/24']],
  ])('of %s has subnets in %d zones, each within it and apart from the others', (cidr, zones, subnets) => {
    const made = resources(
      (stack) => new Network(stack, 'network', { name: 'n', region: 'us-west-1', network: { cidr, zones } }),
    );
    expect(
      Object.values(made['aws_subnet'] ?? {})
        .map((subnet) => subnet['cidr_block'])
        .sort(),
    ).toEqual(subnets);
    // The list of zones is another one on a day when a zone is away: no reason to make the network anew.
    for (const { lifecycle } of Object.values(made['aws_subnet'] ?? {}))
      expect(lifecycle).toEqual({ ignore_changes: ['availability_zone'] });
  });

  test('only the public subnets have a way out', () => {
    const made = resources(
      (stack) =>
        new Network(stack, 'network', {
          name: 'n',
          region: 'us-west-1',
          network: { cidr: '10.20.0.0/16', zones: 2 },
        }),
    );
    const routed = Object.values(made['aws_route_table'] ?? {}).filter((table) => 'route' in table);
    expect(routed).toHaveLength(1);
    expect(JSON.stringify(routed)).toContain('aws_internet_gateway');
  });
});

test('a firewall lets in whom it was told, and out only who may call out', () => {
  const made = resources((stack) => {
    new Firewall(stack, 'firewall', {
      name: 'f',
      description: 'f',
      vpcId: 'vpc-1',
      mayCallOut: false,
      openings: [
        { what: 'web', protocol: 'tcp', from: 443, peers: ['192.0.2.0/24'] },
        { what: 'media', protocol: 'udp', from: 40_000, to: 40_100, peers: { group: 'sg-1' } },
      ],
    });
  });
  expect(made['aws_vpc_security_group_egress_rule']).toBeUndefined();
  expect(Object.values(made['aws_vpc_security_group_ingress_rule'] ?? {})).toEqual([
    expect.objectContaining({
      from_port: 40_000,
      to_port: 40_100,
      ip_protocol: 'udp',
      referenced_security_group_id: 'sg-1',
    }),
    expect.objectContaining({ from_port: 443, to_port: 443, ip_protocol: 'tcp', cidr_ipv4: '192.0.2.0/24' }),
  ]);
});

test('a network that is taken from the list of those let in changes no other rule; one that is named twice is one', () => {
  const rules = (peers: readonly string[]): readonly string[] => {
    const made = resources((stack) => {
      const openings = [{ what: 'web', protocol: 'tcp' as const, from: 443, peers }];
      new Firewall(stack, 'f', { name: 'f', description: 'f', vpcId: 'vpc-1', mayCallOut: false, openings });
    });
    return Object.keys(made['aws_vpc_security_group_ingress_rule'] ?? {});
  };
  const both = rules(['192.0.2.0/24', '198.51.100.0/24', '192.0.2.0/24']);
  expect(both).toHaveLength(2);
  expect(both).toContain(rules(['198.51.100.0/24'])[0]);
});

test('a role is taken by EC2 only, and a host does not start before it has its rights', () => {
  const made = resources((stack) => {
    new HostRole(stack, 'role', { name: 'r', statements: [] });
  });
  const [role] = Object.values(made['aws_iam_role'] ?? {});
  expect(JSON.parse(String(role?.['assume_role_policy']))).toEqual({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  });
  const [profile] = Object.values(made['aws_iam_instance_profile'] ?? {});
  expect(JSON.stringify(profile?.['depends_on'])).toMatch(/aws_iam_role_policy\./);
});

test('what a shell and Terraform both know is the shell’s, but for tokens', () => {
  const token = Token.asString({ resolve: () => 'value' });
  expect(escapeForTerraform('${A:-b} $B ${#C[@]} %{http_code} 100% ' + token)).toBe(
    '$${A:-b} $B $${#C[@]} %%{http_code} 100% ' + token,
  );
});
