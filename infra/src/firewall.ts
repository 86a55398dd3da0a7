import {
  Construct,
  type ITerraformDependable,
  SecurityGroup,
  VpcSecurityGroupEgressRule,
  VpcSecurityGroupIngressRule,
} from './terraform.js';

/** Who may come in where. */
export interface Opening {
  /** Of the rule, in one word. */
  readonly what: string;
  readonly protocol: 'tcp' | 'udp';
  readonly from: number;
  readonly to?: number;
  /** Networks, or another security group. */
  readonly peers: readonly string[] | { readonly group: string };
}

interface FirewallProps {
  readonly name: string;
  readonly description: string;
  readonly vpcId: string;
  readonly openings: readonly Opening[];
  /** Whether what is behind it may begin to speak to others. */
  readonly mayCallOut: boolean;
}

/** A security group. Nobody opens port 22: a shell on a host is had by Session Manager. */
export class Firewall extends Construct {
  readonly groupId: string;
  /** What must be there before a host behind it reaches anybody. */
  readonly wayOut: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: FirewallProps) {
    super(scope, id);
    const { name, description, vpcId, openings, mayCallOut } = props;
    const group = new SecurityGroup(this, 'group', {
      name,
      description,
      vpcId,
      // Its rules are beside it: rules inside and beside undo each other.
      tags: { Name: name },
    });
    this.groupId = group.id;
    for (const { what, protocol, from, to = from, peers } of openings) {
      const rule = { securityGroupId: group.id, ipProtocol: protocol, fromPort: from, toPort: to };
      if ('group' in peers) {
        new VpcSecurityGroupIngressRule(this, `${what}-${protocol}`, {
          ...rule,
          description: what,
          referencedSecurityGroupId: peers.group,
        });
        continue;
      }
      // Called by its network, not by its place in the list: who takes the first one out moves no other rule, which AWS
      // would refuse as there already.
      for (const cidrIpv4 of new Set(peers)) {
        new VpcSecurityGroupIngressRule(this, `${what}-${protocol}-${cidrIpv4.replace('/', '-')}`, {
          ...rule,
          description: what,
          cidrIpv4,
        });
      }
    }
    this.wayOut = mayCallOut ? [this.egress()] : [];
  }

  private egress(): VpcSecurityGroupEgressRule {
    return new VpcSecurityGroupEgressRule(this, 'out', {
      securityGroupId: this.groupId,
      description: 'out',
      ipProtocol: '-1',
      cidrIpv4: '0.0.0.0/0',
    });
  }
}
