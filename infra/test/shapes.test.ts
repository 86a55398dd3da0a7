import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { isArm } from '../src/machine.js';
import { large, small, smallWithAll, Synthesized } from './synthesized.js';

const outputs = [
  'public_dns',
  'http_url',
  'websocket_url',
  'user_pool_id',
  'app_client_id',
  'rooms_table',
  'users_table',
  'chat_table',
  'turn_url',
  'log_group',
  'ecr_repository_url',
];

describe('the small shape', () => {
  let one: Synthesized;
  beforeAll(() => {
    one = small();
  });

  test('[Z10] is one instance behind an Elastic IP', () => {
    expect(one.all('aws_instance')).toHaveLength(1);
    expect(one.all('aws_eip')).toHaveLength(1);
    for (const type of [
      'aws_lb',
      'aws_autoscaling_group',
      'aws_elasticache_replication_group',
      'aws_nat_gateway',
    ]) {
      expect(one.types()).not.toContain(type);
    }
  });

  test('[Z10] tells where it is', () => {
    expect(one.outputs()).toEqual(expect.arrayContaining([...outputs, 'elastic_ip', 'instance_id']));
    expect(one.output('websocket_url')).toMatch(/^ws:\/\/\$\{aws_eip\..*\.public_ip\}:8080$/);
    expect(one.output('http_url')).toMatch(/^http:\/\/\$\{aws_eip\..*\.public_ip\}:8001$/);
    const behindTls = small(smallWithAll);
    expect(behindTls.output('websocket_url')).toBe('wss://signaling.example.org');
    expect(behindTls.output('media_url')).toBe('http://127.0.0.1:8010');
  });

  test('keeps its addresses when the instance is replaced', () => {
    const { primary_network_interface: place, user_data_replace_on_change: replaces } =
      one.one('aws_instance');
    const { network_interface: of } = one.one('aws_eip');
    const name = Object.values(place as object)[0] as string;
    expect(name).toMatch(/^\$\{aws_network_interface\./);
    expect(of).toBe(name);
    expect(replaces).toBe(true);
  });

  test('[Z15] a new image, whose URI is in SSM, changes nothing of the instance', () => {
    const other = small({ image: { tag: '9.9.9' } });
    expect(other.one('aws_instance')).toEqual(one.one('aws_instance'));
    expect(String(other.one('aws_ssm_parameter')['insecure_value'])).toMatch(/:9\.9\.9$/);
  });

  test('is as it was', () => {
    expect(one.withoutScripts()).toMatchSnapshot();
  });

  test('with TLS, TURN and Media Service is as it was', () => {
    expect(small(smallWithAll).withoutScripts()).toMatchSnapshot();
  });
});

describe('the large shape', () => {
  let many: Synthesized;
  beforeAll(() => {
    many = large();
  });

  test('[Z10] is a group of servers behind a load balancer, with Redis, TURN and Media Service beside', () => {
    expect(many.one('aws_autoscaling_group')).toMatchObject({ min_size: 2, max_size: 6 });
    expect(many.one('aws_lb')).toMatchObject({ load_balancer_type: 'application', internal: false });
    expect(many.one('aws_elasticache_replication_group')).toMatchObject({
      multi_az_enabled: true,
      automatic_failover_enabled: true,
      engine_version: '7.1',
    });
    expect(many.all('aws_instance')).toHaveLength(3);
    expect(many.types()).not.toContain('aws_nat_gateway');
  });

  test('[Z10] tells where it is', () => {
    expect(many.outputs()).toEqual(expect.arrayContaining([...outputs, 'asg_name', 'media_url']));
    expect(many.output('websocket_url')).toBe('wss://signaling.example.org');
    expect(many.output('turn_url')?.split(',')).toHaveLength(2);
  });

  test('HTTP is sent on to HTTPS', () => {
    const [plain, secure] = ['HTTP', 'HTTPS'].map((protocol) =>
      many.all('aws_lb_listener').find((listener) => listener['protocol'] === protocol),
    );
    expect(plain).toMatchObject({
      port: 80,
      default_action: [{ type: 'redirect', redirect: { protocol: 'HTTPS', port: '443' } }],
    });
    expect(secure).toMatchObject({ port: 443, default_action: [{ type: 'forward' }] });
    expect(secure?.['ssl_policy']).toMatch(/TLS13-1-2/);
  });

  test('[Z15] a new image makes a new template, which the servers get one after another', () => {
    const { instance_refresh: refresh, launch_template: template } = many.one('aws_autoscaling_group');
    expect(refresh).toEqual({
      strategy: 'Rolling',
      // The provider gives the group its new template first: a rollback would go to that one, again and again.
      preferences: { min_healthy_percentage: 100, max_healthy_percentage: 150 },
    });
    expect(template).toMatchObject({ version: expect.stringMatching(/latest_version\}$/) });
    expect(
      large({ image: { tag: '9.9.9' } })
        .scripts()
        .join(),
    ).not.toBe(many.scripts().join());
    expect(many.scripts().join()).toContain('repository_url}:2.0.0');
  });

  test('who destroys the group waits until the last server has left, or its hook has given it up', () => {
    for (const deregistrationDelayS of [30, 3_600]) {
      const { timeouts, initial_lifecycle_hook: hooks } = large({ deregistrationDelayS }).one(
        'aws_autoscaling_group',
      );
      const hooksS = (hooks as readonly { readonly heartbeat_timeout: number }[]).reduce(
        (sum, { heartbeat_timeout: timeout }) => sum + timeout,
        0,
      );
      const waitS = 60 * Number(/^(\d+)m$/.exec((timeouts as { delete: string }).delete)?.[1]);
      expect(waitS).toBeGreaterThanOrEqual(deregistrationDelayS + hooksS);
    }
  });

  test('hosts start when they can reach somebody: their scripts are run once', () => {
    for (const host of [...many.all('aws_autoscaling_group'), ...many.all('aws_instance')]) {
      expect(JSON.stringify(host['depends_on'])).toMatch(/egress_rule/);
    }
    expect(JSON.stringify(many.one('aws_autoscaling_group')['depends_on'])).toMatch(
      /route_table_association/,
    );
    // AWS refuses one that faces the internet in a VPC that has no gateway yet.
    expect(JSON.stringify(many.one('aws_lb')['depends_on'])).toMatch(/route_table_association/);
    expect(JSON.stringify(many.all('aws_eip').map((eip) => eip['depends_on']))).toMatch(
      /route_table_association/,
    );
  });

  test('is as it was', () => {
    expect(many.withoutScripts()).toMatchSnapshot();
  });
});

test('the repository keeps images by their tags: an attestation, which has none, is not counted', () => {
  const { policy } = small().one('aws_ecr_lifecycle_policy');
  expect(JSON.parse(String(policy))).toEqual({
    rules: [
      expect.objectContaining({
        selection: {
          tagStatus: 'tagged',
          tagPatternList: ['*'],
          countType: 'imageCountMoreThan',
          countNumber: 20,
        },
      }),
    ],
  });
});

test('[Z15] a new Amazon Linux replaces no host unasked', () => {
  const shapes = [small(), large()];
  for (const { lifecycle } of shapes.flatMap((shape) => shape.all('aws_instance'))) {
    expect(lifecycle).toMatchObject({ ignore_changes: ['ami'] });
  }
  expect(shapes[1]?.one('aws_launch_template')['lifecycle']).toMatchObject({ ignore_changes: ['image_id'] });
});

test('the image of the system fits the processor', () => {
  expect(['t4g.small', 'c7gn.large', 'im4gn.large', 'a1.medium', 'm8g.large'].map(isArm)).not.toContain(
    false,
  );
  expect(['t3.small', 'c7i.large', 'g5.xlarge', 'm5zn.large', 'g4dn.xlarge'].map(isArm)).not.toContain(true);
  expect(small({ server: { instanceType: 't4g.small' } }).text).toContain('kernel-default-arm64');
  expect(small().text).toContain('kernel-default-x86_64');
});

test('state is locked in S3, or lies beside the folder that may be thrown away', () => {
  expect(large().terraform()).toMatchObject({
    backend: { s3: { encrypt: true, use_lockfile: true, key: 'webrtc-signaling-production.tfstate' } },
    required_version: '>= 1.10',
  });
  expect(small().terraform()).toMatchObject({
    backend: { local: { path: '../../../webrtc-signaling-dev.tfstate' } },
  });
});

test('only one file names CDKTF and the provider, each binding by its own path', () => {
  const text = readFileSync('src/terraform.ts', 'utf8');
  const sources = [...text.matchAll(/from '([^']+)'/g)].map(([, source]) => source ?? '');
  expect(
    sources.filter(
      (source) => !/^(cdktf|constructs|@cdktf\/provider-aws\/lib\/[\w-]+\/index\.js)$/.test(source),
    ),
  ).toEqual([]);
});
