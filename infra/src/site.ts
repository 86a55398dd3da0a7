import type { Alarms } from './alarms.js';
import type { Identities } from './identities.js';
import type { Network } from './network.js';
import { adapterStatements, hostStatements, type Statement } from './permissions.js';
import type { ServerImage } from './server-image.js';
import { parameterOf } from './names.js';
import type { Settings } from './settings.js';
import type { Tables } from './tables.js';
import type { Construct } from './terraform.js';
import type { ImageSource, UserDataSettings } from './user-data/settings.js';

/** What both shapes stand on. */
export interface Site {
  readonly stack: Construct;
  readonly network: Network;
  readonly alarms: Alarms;
  /** Of the hosts' own figures. */
  readonly namespace: string;
  readonly tables: Tables;
  readonly identities: Identities;
  readonly image: ServerImage;
  readonly imageParameter: string;
  readonly logGroup: { readonly name: string; readonly arn: string };
  /** In this account and region: `arn('dynamodb', 'table/rooms')`. */
  readonly arn: (service: string, what: string) => string;
}

/** Outputs, by name; several of a kind with commas between them. */
export type Made = Readonly<Record<string, string>>;

/** What a kind of host does, as far as its rights depend on it. */
interface Duties {
  readonly secrets: readonly string[];
  readonly servesPeers: boolean;
  /** Where it finds the image of server and Media Service, when it runs one of them. */
  readonly image?: 'uri' | 'parameter';
  readonly autoScalingGroup?: string;
}

export function statementsOf(site: Site, settings: Settings, duties: Duties): readonly Statement[] {
  const { arn, tables, identities } = site;
  const { secrets, servesPeers, image, autoScalingGroup } = duties;
  const parameters = secrets.map((name) => parameterOf(settings, name));
  if (image === 'parameter') parameters.push(site.imageParameter);
  return [
    ...(servesPeers
      ? adapterStatements({
          rooms: tables.rooms.arn,
          users: tables.users.arn,
          chat: tables.chat.arn,
          userPool: identities.userPoolArn,
        })
      : []),
    ...hostStatements({
      logGroup: site.logGroup.arn,
      metricNamespace: site.namespace,
      parameters: parameters.map((name) => arn('ssm', `parameter${name}`)),
      secretsKey: settings.secretsKmsKeyArn,
      repository: image === undefined ? undefined : site.image.repositoryArn,
      autoScalingGroup:
        autoScalingGroup === undefined
          ? undefined
          : arn('autoscaling', `autoScalingGroup:*:autoScalingGroupName/${autoScalingGroup}`),
    }),
  ];
}

/** What every host's script is told. */
export function hostBasics(
  site: Site,
  { region }: Settings,
  name: string,
): Pick<UserDataSettings, 'name' | 'region' | 'logGroup' | 'metrics'> {
  return {
    name,
    region,
    logGroup: site.logGroup.name,
    metrics: { namespace: site.namespace, group: name },
  };
}

/** A single host reads its image at each start, and so need not be replaced for a new one. */
export function imageByParameter({ imageParameter }: Site): ImageSource {
  return { parameter: imageParameter };
}
