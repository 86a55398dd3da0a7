import { Firewall, type Opening } from './firewall.js';
import { HostRole } from './host-role.js';
import { amazonLinux, escapeForTerraform, isBurstable, metadataOptions } from './machine.js';
import type { Network } from './network.js';
import type { Statement } from './permissions.js';
import { Construct, Eip, Instance, NetworkInterface } from './terraform.js';

export interface SingleHostProps {
  readonly name: string;
  readonly description: string;
  readonly network: Network;
  readonly subnetId: string;
  readonly instanceType: string;
  readonly volumeGb: number;
  readonly protect: boolean;
  readonly openings: readonly Opening[];
  readonly statements: readonly Statement[];
}

/** Where a host is, known before it is there. */
export interface HostAddress {
  readonly publicIp: string;
  readonly privateIp: string;
}

/**
 * An instance whose addresses, public and private, belong to a network interface: they stay when the instance is replaced.
 */
export class SingleHost extends Construct {
  readonly instanceId: string;
  readonly address: HostAddress;
  readonly publicDns: string;
  readonly groupId: string;

  /** The script is asked for when the addresses are known. */
  constructor(
    scope: Construct,
    id: string,
    props: SingleHostProps,
    script: (address: HostAddress) => string,
  ) {
    super(scope, id);
    const { name, description, network, instanceType, protect } = props;
    const tags = { Name: name };
    const firewall = new Firewall(this, 'firewall', {
      name,
      description,
      vpcId: network.vpcId,
      openings: props.openings,
      mayCallOut: true,
    });
    const place = new NetworkInterface(this, 'interface', {
      description: name,
      subnetId: props.subnetId,
      securityGroups: [firewall.groupId],
      tags,
    });
    const eip = new Eip(this, 'address', {
      domain: 'vpc',
      networkInterface: place.id,
      tags,
      dependsOn: [...network.wayOut],
    });
    const { profile } = new HostRole(this, 'role', { name, statements: props.statements });
    this.address = { publicIp: eip.publicIp, privateIp: place.privateIp };
    const instance = new Instance(this, 'instance', {
      ami: amazonLinux(scope, instanceType),
      instanceType,
      iamInstanceProfile: profile,
      primaryNetworkInterface: { networkInterfaceId: place.id },
      userData: escapeForTerraform(script(this.address)),
      // It is run once, when an instance is new: another script needs another instance.
      userDataReplaceOnChange: true,
      metadataOptions,
      rootBlockDevice: { volumeType: 'gp3', volumeSize: props.volumeGb, encrypted: true, tags },
      ...(isBurstable(instanceType) && { creditSpecification: { cpuCredits: 'unlimited' } }),
      // By hand. Terraform may: a host holds nothing that is not elsewhere.
      disableApiTermination: protect,
      forceDestroy: true,
      tags,
      dependsOn: [eip, ...firewall.wayOut],
      lifecycle: { ignoreChanges: ['ami'] },
    });
    this.instanceId = instance.id;
    this.publicDns = eip.publicDns;
    this.groupId = firewall.groupId;
  }
}
