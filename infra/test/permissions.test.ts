/** What hosts may do against what the code and their scripts do, both ways: nothing is missing, nothing is too much. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { large, small, smallWithAll, type Synthesized } from './synthesized.js';

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: object;
}

const adapters = path.resolve('../src/adapters');

/** Calls that nobody signs: whoever knows the app client may make them. */
const unsigned = new Set(['SignUp', 'InitiateAuth', 'ConfirmSignUp']);
/** `lib-dynamodb`'s names for calls. */
const documentNames: Readonly<Record<string, string>> = {
  Get: 'GetItem',
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  BatchWrite: 'BatchWriteItem',
  BatchGet: 'BatchGetItem',
};

/** The actions of a file's commands: each `new NameCommand(…)`. */
function actionsOf(service: string, file: string): readonly string[] {
  const text = readFileSync(path.join(adapters, file), 'utf8');
  const commands = [...text.matchAll(/new (\w+)Command\(/g)].map(([, name]) => name ?? '');
  const calls = commands.filter((name) => !unsigned.has(name)).map((name) => documentNames[name] ?? name);
  return [...new Set(calls)].sort().map((name) => `${service}:${name}`);
}

const used: Readonly<Record<string, readonly string[]>> = {
  Rooms: actionsOf('dynamodb', 'dynamodb/dynamo-room-store.ts').filter(
    (action) => action !== 'dynamodb:Query',
  ),
  // The only queries for rooms go to the index.
  RoomsByStatus: actionsOf('dynamodb', 'dynamodb/dynamo-room-store.ts').filter(
    (action) => action === 'dynamodb:Query',
  ),
  Users: actionsOf('dynamodb', 'dynamodb/dynamo-user-store.ts'),
  Chat: actionsOf('dynamodb', 'dynamodb/dynamo-chat-archive.ts'),
  Identities: actionsOf('cognito-idp', 'cognito/cognito-identity-provider.ts'),
};

function policies(shape: Synthesized): readonly (readonly Statement[])[] {
  return shape
    .all('aws_iam_role_policy')
    .map(({ policy }) => (JSON.parse(String(policy)) as { Statement: readonly Statement[] }).Statement);
}

function statement(statements: readonly Statement[], sid: string): Statement | undefined {
  return statements.find(({ Sid }) => Sid === sid);
}

describe.each([
  ['small', small(smallWithAll)],
  ['large', large()],
] as const)('%s', (_name, shape) => {
  const servers = policies(shape).find((statements) => statement(statements, 'Rooms')) ?? [];

  test('[Z17] the server may do what its adapters do on each table and the pool, and nothing else there', () => {
    const granted = Object.keys(used).map((sid) => [sid, statement(servers, sid)?.Action]);
    expect(granted).toEqual(Object.entries(used));
    const others = servers.filter(({ Sid }) => !(Sid in used)).flatMap(({ Action }) => Action);
    expect(others.filter((action) => /^(dynamodb|cognito)/.test(action))).toEqual([]);
  });

  test('[Z17] each right is for its own table, index or pool', () => {
    const resources = Object.fromEntries(
      Object.keys(used).map((sid) => [sid, statement(servers, sid)?.Resource]),
    );
    expect(resources).toEqual({
      Rooms: expect.stringMatching(/^\$\{aws_dynamodb_table\.tables_rooms_\w+\.arn\}$/),
      RoomsByStatus: expect.stringMatching(
        /^\$\{aws_dynamodb_table\.tables_rooms_\w+\.arn\}\/index\/by_status$/,
      ),
      Users: expect.stringMatching(/^\$\{aws_dynamodb_table\.tables_users_\w+\.arn\}$/),
      Chat: expect.stringMatching(/^\$\{aws_dynamodb_table\.tables_chat_\w+\.arn\}$/),
      Identities: expect.stringMatching(/^\$\{aws_cognito_user_pool\.identities_pool_\w+\.arn\}$/),
    });
  });

  test('[Z17] only what has no resource is allowed on all of them, and no wildcard stands for actions', () => {
    for (const { Effect, Action, Resource, Condition } of policies(shape).flat()) {
      expect(Effect).toBe('Allow');
      expect(Action.filter((action) => action.includes('*'))).toEqual([]);
      if (Resource !== '*') continue;
      for (const action of Action) {
        expect(action).toMatch(
          /^(ssmmessages:|ssm:UpdateInstanceInformation$|ecr:GetAuthorizationToken$|cloudwatch:PutMetricData$)/,
        );
      }
      if (Action.includes('cloudwatch:PutMetricData')) {
        expect(Condition).toEqual({
          StringEquals: { 'cloudwatch:namespace': expect.stringMatching(/^WebrtcSignaling\//) },
        });
      }
    }
    expect(shape.types()).not.toContain('aws_iam_role_policy_attachment');
  });

  test('[Z13] each host reads the parameters that its script names, and no other', () => {
    const scripts = shape.scripts();
    for (const [at, statements] of policies(shape).entries()) {
      const read = [statement(statements, 'Parameters')?.Resource ?? []]
        .flat()
        .map((arn) => arn.replace(/^.*:parameter/, ''));
      const name = String(shape.all('aws_iam_role_policy')[at]?.['name']);
      const script = scripts.find((text) => text.includes(`User data of ${name}.`)) ?? '';
      const named = [
        ...script.matchAll(/\/webrtc-signaling\/[\w-]+\/[A-Z][A-Z_]+\b|\$\{aws_ssm_parameter\.[^}]*\}/g),
      ].map(([text]) => text);
      expect([...new Set(named)].sort()).toEqual([...read].sort());
    }
  });
});

test('every adapter that speaks to AWS is known to the comparison', () => {
  const files = ['dynamodb', 'cognito'].flatMap((folder) =>
    readdirSync(path.join(adapters, folder)).map((file) => `${folder}/${file}`),
  );
  const speaking = files.filter((file) =>
    /new \w+Command\(/.test(readFileSync(path.join(adapters, file), 'utf8')),
  );
  expect(speaking.sort()).toEqual([
    'cognito/cognito-identity-provider.ts',
    'dynamodb/dynamo-chat-archive.ts',
    'dynamodb/dynamo-room-store.ts',
    'dynamodb/dynamo-user-store.ts',
  ]);
  const elsewhere = readdirSync('../src', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter(
      (file) =>
        readFileSync(file, 'utf8').includes("from '@aws-sdk/") &&
        !/adapters\/(dynamodb|cognito)\//.test(file),
    );
  expect(elsewhere).toEqual([]);
});

test('[Z17] what the scripts ask of AWS is allowed, and what is allowed beside the adapters is asked', () => {
  const actions: Readonly<Record<string, string>> = {
    'ssm get-parameter': 'ssm:GetParameter',
    'cloudwatch put-metric-data': 'cloudwatch:PutMetricData',
    'ecr get-login-password': 'ecr:GetAuthorizationToken',
    'autoscaling complete-lifecycle-action': 'autoscaling:CompleteLifecycleAction',
    'autoscaling set-instance-health': 'autoscaling:SetInstanceHealth',
  };
  const shape = large();
  const calls = shape
    .scripts()
    .flatMap((script) => [
      ...script.matchAll(
        /\b(ssm|cloudwatch|ecr|autoscaling|ec2|elbv2|s3|sts|secretsmanager) ([a-z]+(?:-[a-z]+)+)/g,
      ),
    ])
    .map(([, service, call]) => `${service ?? ''} ${call ?? ''}`);
  const asked = [...new Set(calls)].map((call) => actions[call] ?? call).sort();
  expect(asked).toEqual(Object.values(actions).sort());
  const granted = policies(shape)
    .flat()
    .filter(({ Sid }) => !(Sid in used));
  // Docker pulls and logs, and the agent of Session Manager calls, with the host's rights.
  const byOthers = /^(logs|ssmmessages):|^ssm:UpdateInstanceInformation$|^ecr:(Batch|GetDownload)/;
  const rest = [...new Set(granted.flatMap(({ Action }) => Action))].filter(
    (action) => !byOthers.test(action),
  );
  expect(rest.sort()).toEqual(asked);
});

test('an image from another account’s repository can be pulled, one from elsewhere needs no right', () => {
  const uri = '123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/signaling:2.0.0';
  const [theirs = []] = policies(small({ image: { uri } }));
  expect(statement(theirs, 'Image')?.Resource).toBe(
    'arn:aws:ecr:eu-central-1:123456789012:repository/team/signaling',
  );
  const [official = []] = policies(small({ image: { uri: uri.replace('eu-central-1', 'us-gov-west-1') } }));
  expect(statement(official, 'Image')?.Resource).toMatch(/^arn:aws-us-gov:ecr:us-gov-west-1:/);
  const [everybodys = []] = policies(small({ image: { uri: 'ghcr.io/example/signaling:2.0.0' } }));
  expect(statement(everybodys, 'Image')).toBeUndefined();
  expect(statement(everybodys, 'Registry')).toBeUndefined();
});

test('a key of the operator’s own may be used, and for nothing else is there a right to keys', () => {
  const secretsKmsKeyArn = 'arn:aws:kms:us-west-1:123456789012:key/0a1b2c3d-0000-0000-0000-000000000000';
  const [own = []] = policies(small({ secretsKmsKeyArn }));
  expect(statement(own, 'SecretsKey')).toMatchObject({ Action: ['kms:Decrypt'], Resource: secretsKmsKeyArn });
  expect(small().text).not.toContain('kms:');
});
