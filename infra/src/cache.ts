import { Firewall } from './firewall.js';
import { nameOf } from './names.js';
import type { LargeSettings } from './settings.js';
import {
  Construct,
  ElasticacheParameterGroup,
  ElasticacheReplicationGroup,
  ElasticacheSubnetGroup,
  ElasticacheUserGroup,
} from './terraform.js';

interface CacheProps {
  readonly settings: LargeSettings;
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  /** Security group of those who may come in. */
  readonly clients: string;
}

/**
 * Redis in two zones at least: TLS, encrypted at rest, one login. The login is an ElastiCache user named `default` that the operator
 * makes: a password given here would lie in Terraform's state, and a user may have two at a time, so that it can be changed while all runs.
 */
export class Cache extends Construct {
  readonly host: string;
  readonly port = 6379;
  readonly user = 'default';
  /** CloudWatch's names of the nodes. */
  readonly nodeIds: readonly string[];

  constructor(scope: Construct, id: string, { settings, vpcId, subnetIds, clients }: CacheProps) {
    super(scope, id);
    const name = nameOf(settings);
    const { nodeType, replicas, userId } = settings.redis;
    const firewall = new Firewall(this, 'firewall', {
      name: nameOf(settings, 'redis'),
      description: 'Redis, for the signaling servers',
      vpcId,
      openings: [{ what: 'redis', protocol: 'tcp', from: this.port, peers: { group: clients } }],
      mayCallOut: false,
    });
    const subnets = new ElasticacheSubnetGroup(this, 'subnets', { name, subnetIds: [...subnetIds] });
    const parameters = new ElasticacheParameterGroup(this, 'parameters', {
      name,
      family: 'redis7',
      description: 'Nothing is evicted: seats and chat that wait for the archive are no cache',
      parameter: [{ name: 'maxmemory-policy', value: 'noeviction' }],
    });
    const users = new ElasticacheUserGroup(this, 'users', {
      engine: 'redis',
      userGroupId: name,
      userIds: [userId],
    });
    const group = new ElasticacheReplicationGroup(this, 'group', {
      replicationGroupId: name,
      description: 'Seats, letters and chat of the signaling servers',
      engine: 'redis',
      engineVersion: '7.1',
      nodeType,
      port: this.port,
      parameterGroupName: parameters.name,
      subnetGroupName: subnets.name,
      securityGroupIds: [firewall.groupId],
      numCacheClusters: 1 + replicas,
      automaticFailoverEnabled: true,
      multiAzEnabled: true,
      transitEncryptionEnabled: true,
      transitEncryptionMode: 'required',
      // Terraform wants this one as text.
      atRestEncryptionEnabled: 'true',
      userGroupIds: [users.userGroupId],
      // What is in it is remade by the servers, but for chat of the last second and, without DynamoDB, rooms.
      snapshotRetentionLimit: settings.protect ? 3 : 0,
      snapshotWindow: '03:00-04:00',
      maintenanceWindow: 'sun:04:30-sun:05:30',
      autoMinorVersionUpgrade: 'true',
      // Who applies a larger node needs it now, not on Sunday; until then each plan would show it again.
      applyImmediately: true,
    });
    this.host = group.primaryEndpointAddress;
    this.nodeIds = Array.from(
      { length: 1 + replicas },
      (_, at) => `${name}-${String(at + 1).padStart(3, '0')}`,
    );
  }
}
