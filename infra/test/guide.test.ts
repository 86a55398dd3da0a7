/** The operator's guide names what is there: each command is read by bash, each name in it is looked up. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { dev } from '../environments/dev.js';
import { production } from '../environments/production.js';
import { redisPassword, turnCertificate } from '../src/containers.js';
import { secretVariables } from '../src/settings.js';
import { synthesize } from '../src/synthesize.js';

interface Stack {
  readonly output: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>>;
}

const guide = readFileSync('README.md', 'utf8');
const blocks = new Map(
  [...guide.matchAll(/^```sh (\S+)\n([^]*?)^```$/gm)].map(([, name = '', body = '']) => [name, body]),
);
const commands = [...blocks.values()].join('\n');
const prose = guide.replaceAll(/^```[^]*?^```$/gm, '');
const quoted = [...prose.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);

/** What runs here. The others need an account, an image or hosts. */
const runHere = ['install', 'develop'];

const folder = mkdtempSync(path.join(os.tmpdir(), 'guide-'));
let small: Stack;
let large: Stack;

beforeAll(() => {
  const stacks = synthesize({ dev, production }, { outdir: folder });
  [small, large] = stacks.map(
    (stack) => JSON.parse(readFileSync(path.join(stack, 'cdk.tf.json'), 'utf8')) as Stack,
  ) as [Stack, Stack];
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function scripts(): Record<string, string> {
  return (JSON.parse(readFileSync('package.json', 'utf8')) as { readonly scripts: Record<string, string> })
    .scripts;
}

test('bash reads every block', () => {
  expect(blocks.size).toBeGreaterThan(15);
  for (const [name, body] of blocks) {
    const { stderr } = spawnSync('bash', ['-n'], { input: body, encoding: 'utf8' });
    expect(`${name}: ${stderr}`).toBe(`${name}: `);
  }
});

test('what needs no account runs: the packages, the two environments', () => {
  for (const name of runHere) {
    for (const line of (blocks.get(name) ?? '').trim().split('\n')) {
      expect(line).toMatch(/^npm (?:ci|test|run \w+)$/);
      const script = /^npm run (\w+)$/.exec(line)?.[1];
      if (script !== undefined) expect(Object.keys(scripts())).toContain(script);
    }
  }
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'synth'], { encoding: 'utf8' });
  expect(`${status ?? 'none'} ${stderr}`).not.toMatch(/^(?!0 )|[Ee]rror/);
  expect(stdout).toBe(
    'cdktf.out/stacks/webrtc-signaling-dev\ncdktf.out/stacks/webrtc-signaling-production\n',
  );
});

test('every output, resource and group that a command names is made', () => {
  const outputs = [...commands.matchAll(/output -raw (\w+)/g)].map(([, name]) => name ?? '');
  expect(outputs.length).toBeGreaterThan(5);
  const made = new Set([...Object.keys(small.output), ...Object.keys(large.output)]);
  expect(outputs.filter((name) => !made.has(name))).toEqual([]);
  for (const [, type = '', name = ''] of commands.matchAll(/\b(aws_\w+)\.([\w-]+)/g)) {
    expect(Object.keys(small.resource[type] ?? {})).toContain(name);
  }
  for (const [stack, environment] of [
    [small, 'dev'],
    [large, 'production'],
  ] as const) {
    const groups = Object.values(stack.resource['aws_security_group'] ?? {}).map(({ name }) => name);
    expect(groups).toContain(`webrtc-signaling-${environment}-server`);
    const repositories = Object.values(stack.resource['aws_ecr_repository'] ?? {}).map(({ name }) => name);
    expect(repositories).toEqual([`webrtc-signaling-${environment}`]);
  }
  expect(commands).toContain('webrtc-signaling-ENVIRONMENT-server');
  // Hosts are asked for by their tag: those of a group have no output.
  const named = (stack: Stack): string =>
    JSON.stringify(stack.resource).replaceAll(/dev|production/g, 'ENVIRONMENT');
  for (const [, name = ''] of guide.matchAll(/\b(webrtc-signaling-ENVIRONMENT-(?:server|media-1))\b/g)) {
    expect(named(large)).toContain(`"Name":"${name}"`);
    if (name.endsWith('server')) expect(named(small)).toContain(`"Name":"${name}"`);
  }
  const once = (block: string): string => blocks.get(block) ?? '';
  for (const block of ['update', 'rotate', 'linux'])
    expect(once(block)).not.toContain('output -raw instance_id');
  expect(commands).toContain('repository-name webrtc-signaling-ENVIRONMENT ');
});

test('what AWS answers before it has done it is waited for', () => {
  const steps = ['restore-table-to-point-in-time ', 'wait table-exists ', 'update-time-to-live '];
  const places = steps.map((step) => (blocks.get('restore') ?? '').indexOf(`aws dynamodb ${step}`));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((one, other) => one - other));
});

test('an address that is taken over has no instance any more when Terraform gives it the new interface', () => {
  const steps = (blocks.get('address') ?? '').split('\n');
  const place = (step: RegExp): number => steps.findIndex((line) => step.test(line));
  for (const address of ['own', 'old']) {
    const letGo = place(new RegExp(`disassociate-address .*AssociationId <<<"\\$${address}"`));
    expect(letGo).toBeGreaterThan(place(/ import aws_eip\./));
    expect(letGo).toBeLessThan(place(/ apply$/));
  }
});

test('its secrets are those that hosts read, and its verbs those of their script', () => {
  const secrets = [...secretVariables, redisPassword, ...turnCertificate] as readonly string[];
  const put = /for name in ([A-Z_ ]+);/.exec(blocks.get('secrets') ?? '')?.[1]?.split(' ') ?? [];
  const told = [...commands.matchAll(/webrtc-signaling\/ENVIRONMENT\/([A-Z_]+)/g)].map(
    ([, name]) => name ?? '',
  );
  expect([...put, ...told].filter((name) => !secrets.includes(name))).toEqual([]);
  expect(put.sort()).toEqual(['ADMIN_TOKEN', 'INTERNAL_SERVICE_KEY', 'REDIS_PASSWORD', 'TURN_SHARED_SECRET']);
  const script = readFileSync('src/user-data/signaling.sh', 'utf8');
  for (const [, verb = ''] of guide.matchAll(/sbin\/signaling (\w+)|`signaling (\w+)/g)) {
    if (verb !== '') expect(script).toContain(`${verb}()`);
  }
});

test('every setting, variable, output and file that it names is there', () => {
  const fields = ['settings', 'settings-network']
    .map((name) => readFileSync(`src/${name}.ts`, 'utf8'))
    .join('\n');
  const paths = quoted.filter((word) =>
    /^(?:server|image|identities|network|tls|turn|redis|media)\.\w+$/.test(word),
  );
  expect(paths.length).toBeGreaterThan(8);
  expect(paths.filter((word) => !new RegExp(`\\b${word.split('.')[1] ?? ''}[:,]`).test(fields))).toEqual([]);
  const known = [...readFileSync('../src/config-schema.ts', 'utf8').matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(
    ([, name]) => name ?? '',
  );
  const variables = quoted.filter((word) => /^[A-Z]+(?:_[A-Z]+)+$/.test(word));
  const others = [redisPassword, ...turnCertificate, 'MEDIA_UNAVAILABLE'] as readonly string[];
  expect(variables.filter((name) => !known.includes(name) && !others.includes(name))).toEqual([]);
  const files = [...guide.matchAll(/\]\(([^):]+)\)/g)].map(([, file = '']) => file.split('#')[0] ?? '');
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
});

test('what is paid by the hour is what the two stacks have', () => {
  const table = /^\| instances [^]*?\n\n/m.exec(guide)?.[0] ?? '';
  const cells = (row: string): string[] =>
    new RegExp(`^\\| ${row}[^|]*\\|([^|]*)\\|([^|]*)\\|`, 'm')
      .exec(table)
      ?.slice(1)
      .map((cell) => cell.trim()) ?? [];
  const all = (stack: Stack, type: string): Record<string, unknown>[] =>
    Object.values(stack.resource[type] ?? {});
  const types = (stack: Stack): string => {
    const counted = new Map<string, number>();
    const groups = all(stack, 'aws_autoscaling_group').flatMap(({ min_size }) =>
      all(stack, 'aws_launch_template').flatMap((one) =>
        Array<unknown>(Number(min_size)).fill(one['instance_type']),
      ),
    );
    for (const type of [...groups, ...all(stack, 'aws_instance').map((one) => one['instance_type'])]) {
      counted.set(String(type), (counted.get(String(type)) ?? 0) + 1);
    }
    return [...counted]
      .map(([type, count]) => `${count} × ${type}`)
      .sort()
      .join(', ');
  };
  const sorted = (cell = ''): string => cell.split(', ').sort().join(', ');
  expect([small, large].map(types)).toEqual(cells('instances').map(sorted));
  const hosts = (stack: Stack): number =>
    types(stack)
      .split(', ')
      .reduce((sum, one) => sum + parseInt(one), 0);
  expect(cells('disks')).toEqual([small, large].map((stack) => `${20 * hosts(stack)} GB`));
  // A load balancer has an address in each of its zones.
  const zones = all(large, 'aws_subnet').length / 2;
  expect(cells('public')).toEqual([String(hosts(small)), expect.stringMatching(`^${hosts(large) + zones}:`)]);
  const addresses = all(large, 'aws_eip').length;
  expect(guide).toContain(
    `as it is shipped takes ${addresses}\naddresses (one for each TURN and media host)`,
  );
  expect(cells('Redis')[1]).toBe(
    `2 × ${String(all(large, 'aws_elasticache_replication_group')[0]?.['node_type'])}`,
  );
  expect(guide).toContain(`$${(730 * 0.005 * (hosts(large) + zones)).toFixed(2)} for the large one`);
});
