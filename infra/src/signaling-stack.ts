import { Alarms } from './alarms.js';
import { Identities } from './identities.js';
import { largeShape } from './large-shape.js';
import { Network } from './network.js';
import { ServerImage } from './server-image.js';
import { nameOf, parameterOf, partitionOf, tagsOf } from './names.js';
import type { Settings } from './settings.js';
import { smallShape } from './small-shape.js';
import type { Site } from './site.js';
import { Tables } from './tables.js';
import {
  AwsProvider,
  CloudwatchLogGroup,
  type Construct,
  DataAwsCallerIdentity,
  LocalBackend,
  S3Backend,
  SsmParameter,
  TerraformOutput,
  TerraformStack,
} from './terraform.js';

/** Everything that one environment has in AWS. */
export class SignalingStack extends TerraformStack {
  constructor(scope: Construct, settings: Settings) {
    const name = nameOf(settings);
    super(scope, name);
    const { region, accountId, state } = settings;
    // `use_lockfile` came with 1.10.
    this.addOverride('terraform.required_version', '>= 1.10');
    new AwsProvider(this, 'aws', {
      region,
      ...(accountId !== undefined && { allowedAccountIds: [accountId] }),
      defaultTags: [{ tags: tagsOf(settings) }],
    });
    if (state.kind === 's3') {
      const { bucket, region: at } = state;
      new S3Backend(this, { bucket, region: at, key: `${name}.tfstate`, encrypt: true });
      this.addOverride('terraform.backend.s3.use_lockfile', true);
    } else {
      // Beside `cdktf.out`, which may be thrown away.
      new LocalBackend(this, { path: `../../../${name}.tfstate` });
    }
    const account = new DataAwsCallerIdentity(this, 'account').accountId;
    const arn = (service: string, what: string): string =>
      `arn:${partitionOf(region)}:${service}:${region}:${account}:${what}`;

    const network = new Network(this, 'network', { name, region, network: settings.network });
    const tables = new Tables(this, 'tables', { settings, arnPrefix: arn('dynamodb', 'table/') });
    const identities = new Identities(this, 'identities', {
      settings,
      arnPrefix: arn('cognito-idp', 'userpool/'),
    });
    const image = new ServerImage(this, 'image', settings);
    const imageParameter = new SsmParameter(this, 'image-parameter', {
      name: parameterOf(settings, 'image'),
      description: 'What single hosts run from their next start on',
      type: 'String',
      insecureValue: image.uri,
    });
    const log = new CloudwatchLogGroup(this, 'log', {
      name: `/webrtc-signaling/${settings.environment}`,
      retentionInDays: settings.logRetentionDays,
    });
    const alarms = new Alarms(this, 'alarms', settings);
    const namespace = `WebrtcSignaling/${settings.environment}`;
    alarms.watchLog(log.name, namespace);
    for (const kind of ['rooms', 'users', 'chat'] as const) alarms.watchTable(kind, tables[kind].name);

    const site: Site = {
      stack: this,
      network,
      alarms,
      namespace,
      tables,
      identities,
      image,
      imageParameter: imageParameter.name,
      logGroup: { name: log.name, arn: log.arn },
      arn,
    };
    const made = settings.shape === 'small' ? smallShape(site, settings) : largeShape(site, settings);
    this.output({
      ...made,
      user_pool_id: identities.userPoolId,
      app_client_id: identities.appClientId,
      rooms_table: tables.rooms.name,
      users_table: tables.users.name,
      chat_table: tables.chat.name,
      log_group: log.name,
      alarm_topic: alarms.topicArn,
      image: image.uri,
      ...(image.repositoryUrl !== undefined && { ecr_repository_url: image.repositoryUrl }),
    });
  }

  private output(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) {
      new TerraformOutput(this, `output-${name}`, { value }).overrideLogicalId(name);
    }
  }
}
