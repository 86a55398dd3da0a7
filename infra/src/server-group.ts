import { Firewall } from './firewall.js';
import { HostRole } from './host-role.js';
import { amazonLinux, escapeForTerraform, isBurstable, metadataOptions } from './machine.js';
import type { Network } from './network.js';
import type { Statement } from './permissions.js';
import { nameOf, tagsOf } from './names.js';
import { maxDrainS, type LargeSettings } from './settings.js';
import {
  AutoscalingGroup,
  AutoscalingPolicy,
  Construct,
  LaunchTemplate,
  TerraformLocal,
  Token,
} from './terraform.js';
import type { AutoScaling } from './user-data/settings.js';

/**
 * How long a new server may take until it is ready: packages and the image come over the network. Whoever changes this or the next one replaces
 * the groups that are there, servers and all: the provider makes hooks with the group only.
 */
const launchTimeoutS = 600;
/** How long a server may take to leave: the longest drain, and what is around it. */
const leaveTimeoutS = maxDrainS + 300;

/** The group's name, its hooks and their times; the instances' script is told the same. */
export function autoScalingOf(settings: LargeSettings): AutoScaling {
  return {
    group: nameOf(settings, 'server'),
    launchHook: 'ready',
    launchTimeoutS,
    terminateHook: 'drained',
    unhealthyAfterS: 300,
  };
}

interface ServerGroupProps {
  readonly settings: LargeSettings;
  readonly network: Network;
  readonly targetGroupArn: string;
  /** Security group of the load balancer. */
  readonly front: string;
  readonly serverPort: number;
  readonly statements: readonly Statement[];
}

/**
 * Servers behind the load balancer. One is in service when it has said that it is ready, and is terminated when its peers have gone to others. The group does
 * not judge by the load balancer's health checks: they fail on all servers when Redis is away, and to replace them would drop every call for nothing.
 */
export class ServerGroup extends Construct {
  readonly name: string;
  readonly groupId: string;

  /** The script is asked for when the security group, which others let in, is known. */
  constructor(scope: Construct, id: string, props: ServerGroupProps, script: (groupId: string) => string) {
    super(scope, id);
    const { settings, network, serverPort } = props;
    const { instanceType, volumeGb } = settings.server;
    const names = autoScalingOf(settings);
    this.name = names.group;
    const firewall = new Firewall(this, 'firewall', {
      name: this.name,
      description: 'Signaling servers behind their load balancer',
      vpcId: network.vpcId,
      openings: [
        { what: 'front', protocol: 'tcp', from: serverPort, peers: { group: props.front } },
        { what: 'scraper', protocol: 'tcp', from: serverPort, peers: settings.scraperCidrs },
      ],
      mayCallOut: true,
    });
    this.groupId = firewall.groupId;
    const { profile } = new HostRole(this, 'role', { name: this.name, statements: props.statements });
    const tags = { ...tagsOf(settings), Name: this.name };
    const start = new TerraformLocal(this, 'start', escapeForTerraform(script(firewall.groupId)));
    const template = new LaunchTemplate(this, 'template', {
      // Another one takes its place before it goes.
      namePrefix: `${this.name}-`,
      imageId: amazonLinux(scope, instanceType),
      instanceType,
      iamInstanceProfile: { name: profile },
      metadataOptions,
      networkInterfaces: [
        { deviceIndex: 0, associatePublicIpAddress: 'true', securityGroups: [firewall.groupId] },
      ],
      blockDeviceMappings: [
        {
          deviceName: '/dev/xvda',
          ebs: { volumeType: 'gp3', volumeSize: volumeGb, encrypted: 'true', deleteOnTermination: 'true' },
        },
      ],
      ...(isBurstable(instanceType) && { creditSpecification: { cpuCredits: 'unlimited' } }),
      // Encoded by Terraform, when the tokens in it are known.
      userData: `\${base64encode(${start.fqn})}`,
      tagSpecifications: ['instance', 'volume', 'network-interface'].map((resourceType) => ({
        resourceType,
        tags,
      })),
      lifecycle: { ignoreChanges: ['image_id'], createBeforeDestroy: true },
    });
    const group = new AutoscalingGroup(this, 'group', {
      name: this.name,
      minSize: settings.hosts.min,
      maxSize: settings.hosts.max,
      vpcZoneIdentifier: [...network.publicSubnetIds],
      launchTemplate: { id: template.id, version: Token.asString(template.latestVersion) },
      trafficSource: [{ identifier: props.targetGroupArn, type: 'elbv2' }],
      healthCheckType: 'EC2',
      healthCheckGracePeriod: launchTimeoutS,
      defaultInstanceWarmup: 60,
      waitForCapacityTimeout: '20m',
      initialLifecycleHook: [
        {
          name: names.launchHook,
          lifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING',
          heartbeatTimeout: launchTimeoutS,
          defaultResult: 'ABANDON',
        },
        {
          name: names.terminateHook,
          lifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
          heartbeatTimeout: leaveTimeoutS,
          defaultResult: 'CONTINUE',
        },
      ],
      instanceRefresh: {
        strategy: 'Rolling',
        // A new server first, then one less. Not `autoRollback`: the provider gives the group its new template before the
        // refresh begins, and that is what AWS would go back to (terraform-provider-aws, issue 34189).
        preferences: { minHealthyPercentage: 100, maxHealthyPercentage: 150 },
      },
      enabledMetrics: ['GroupInServiceInstances', 'GroupDesiredCapacity'],
      tag: Object.entries(tags).map(([key, value]) => ({
        key,
        value,
        // The template tags instances.
        propagateAtLaunch: false,
      })),
      dependsOn: [...network.wayOut, ...firewall.wayOut],
      // Who destroys the group waits for each hook: for a server that just starts, and for one that cannot say that it left.
      timeouts: {
        delete: `${Math.ceil((launchTimeoutS + settings.deregistrationDelayS + leaveTimeoutS) / 60)}m`,
      },
      // How many there are is the scaling policy's to say.
      lifecycle: { ignoreChanges: ['desired_capacity'] },
    });
    new AutoscalingPolicy(this, 'by-cpu', {
      name: `${this.name}-by-cpu`,
      autoscalingGroupName: group.name,
      policyType: 'TargetTrackingScaling',
      targetTrackingConfiguration: {
        predefinedMetricSpecification: { predefinedMetricType: 'ASGAverageCPUUtilization' },
        targetValue: 50,
      },
    });
  }
}
