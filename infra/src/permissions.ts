/** What hosts may do: the calls that the code and the host's script make, and no other. A test compares with both. */

export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** By what the adapters of the server send (`src/adapters/dynamodb`, `src/adapters/cognito`). */
export const adapterActions = {
  rooms: ['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
  roomsByStatus: ['dynamodb:Query'],
  users: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
  chat: ['dynamodb:BatchWriteItem', 'dynamodb:Query'],
  // SignUp and InitiateAuth are calls that nobody signs: a policy has nothing to say about them.
  userPool: ['cognito-idp:AdminConfirmSignUp', 'cognito-idp:AdminDeleteUser'],
} as const;

/** ARNs of what the server's adapters use. */
interface AdapterResources {
  readonly rooms: string;
  readonly users: string;
  readonly chat: string;
  readonly userPool: string;
}

export function adapterStatements(arns: AdapterResources): readonly Statement[] {
  return [
    allow('Rooms', adapterActions.rooms, arns.rooms),
    allow('RoomsByStatus', adapterActions.roomsByStatus, `${arns.rooms}/index/by_status`),
    allow('Users', adapterActions.users, arns.users),
    allow('Chat', adapterActions.chat, arns.chat),
    allow('Identities', adapterActions.userPool, arns.userPool),
  ];
}

interface HostResources {
  readonly logGroup: string;
  readonly metricNamespace: string;
  /** SSM parameters that this host reads. */
  readonly parameters: readonly string[];
  /** Of a key of the operator's own, which the parameters are encrypted with. */
  readonly secretsKey?: string | undefined;
  /** The repository in ECR, when the image comes from one. */
  readonly repository?: string | undefined;
  readonly autoScalingGroup?: string | undefined;
}

export function hostStatements(arns: HostResources): readonly Statement[] {
  const { logGroup, metricNamespace, parameters, secretsKey, repository, autoScalingGroup } = arns;
  return [
    allow('Logs', ['logs:CreateLogStream', 'logs:PutLogEvents'], `${logGroup}:*`),
    {
      // A metric has no ARN.
      ...allow('Metrics', ['cloudwatch:PutMetricData'], '*'),
      Condition: { StringEquals: { 'cloudwatch:namespace': metricNamespace } },
    },
    ...sessionManager,
    ...(parameters.length === 0 ? [] : [allow('Parameters', ['ssm:GetParameter'], parameters)]),
    ...(secretsKey === undefined ? [] : [allow('SecretsKey', ['kms:Decrypt'], secretsKey)]),
    ...(repository === undefined
      ? []
      : [
          // A login is for a registry as a whole, and is no right to any image.
          allow('Registry', ['ecr:GetAuthorizationToken'], '*'),
          allow(
            'Image',
            ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
            repository,
          ),
        ]),
    ...(autoScalingGroup === undefined
      ? []
      : [
          allow(
            'Lifecycle',
            ['autoscaling:CompleteLifecycleAction', 'autoscaling:SetInstanceHealth'],
            autoScalingGroup,
          ),
        ]),
  ];
}

/**
 * For Session Manager and Run Command. Not the managed policy `AmazonSSMManagedInstanceCore`, which lets a host read every
 * parameter of the account. These calls take no resource.
 */
const sessionManager: readonly Statement[] = [
  allow(
    'SessionManager',
    [
      'ssm:UpdateInstanceInformation',
      'ssmmessages:CreateControlChannel',
      'ssmmessages:CreateDataChannel',
      'ssmmessages:OpenControlChannel',
      'ssmmessages:OpenDataChannel',
    ],
    '*',
  ),
];

function allow(Sid: string, Action: readonly string[], Resource: string | readonly string[]): Statement {
  return { Sid, Effect: 'Allow', Action, Resource };
}
