import type { Settings } from './settings.js';
import {
  Construct,
  type ITerraformDependable,
  DataAwsAvailabilityZones,
  InternetGateway,
  RouteTable,
  RouteTableAssociation,
  Subnet,
  Vpc,
  VpcEndpoint,
} from './terraform.js';

interface NetworkProps {
  readonly name: string;
  readonly region: string;
  readonly network: Settings['network'];
}

/**
 * A VPC, or one that is there. Hosts are in public subnets and have addresses of their own: with security groups that let nobody in who has no business
 * there, that is as closed as a private subnet, and spares a NAT gateway for each zone, which costs more than two small hosts. The private subnets are for what
 * needs no way out: Redis.
 */
export class Network extends Construct {
  readonly vpcId: string;
  readonly publicSubnetIds: readonly string[];
  readonly privateSubnetIds: readonly string[];
  /** Networks of the public subnets. */
  readonly publicCidrs: readonly string[];
  /** What must be there before a host in a public subnet reaches anybody: its script is run once, at once. */
  readonly wayOut: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, { name, region, network }: NetworkProps) {
    super(scope, id);
    if ('vpcId' in network) {
      this.vpcId = network.vpcId;
      this.publicSubnetIds = network.publicSubnetIds;
      this.privateSubnetIds = network.privateSubnetIds;
      this.publicCidrs = network.cidrs;
      this.wayOut = [];
      return;
    }
    const vpc = new Vpc(this, 'vpc', {
      cidrBlock: network.cidr,
      enableDnsHostnames: true,
      enableDnsSupport: true,
      tags: { Name: name },
    });
    const zones = new DataAwsAvailabilityZones(this, 'zones', {
      state: 'available',
      filter: [{ name: 'opt-in-status', values: ['opt-in-not-required'] }],
    });
    const subnets = (kind: 'public' | 'private', first: number): Subnet[] =>
      Array.from(
        { length: network.zones },
        (_, at) =>
          new Subnet(this, `${kind}-${at}`, {
            vpcId: vpc.id,
            cidrBlock: nth24(network.cidr, first + at),
            availabilityZone: `\${element(${zones.fqn}.names, ${at})}`,
            mapPublicIpOnLaunch: false,
            tags: { Name: `${name}-${kind}-${at}` },
            // A zone that is new, or not available today, moves the others in the list, and must not move us.
            lifecycle: { ignoreChanges: ['availability_zone'] },
          }),
      );
    const [open, closed] = [subnets('public', 0), subnets('private', 8)];
    const gateway = new InternetGateway(this, 'gateway', { vpcId: vpc.id, tags: { Name: name } });
    const out = new RouteTable(this, 'public', {
      vpcId: vpc.id,
      route: [{ cidrBlock: '0.0.0.0/0', gatewayId: gateway.id }],
      tags: { Name: `${name}-public` },
    });
    const inside = new RouteTable(this, 'private', { vpcId: vpc.id, tags: { Name: `${name}-private` } });
    const routes = open.map(
      (subnet, at) =>
        new RouteTableAssociation(this, `public-route-${at}`, { subnetId: subnet.id, routeTableId: out.id }),
    );
    for (const [at, subnet] of closed.entries()) {
      new RouteTableAssociation(this, `private-route-${at}`, {
        subnetId: subnet.id,
        routeTableId: inside.id,
      });
    }
    // Costs nothing, and keeps what is said to DynamoDB within the network of AWS.
    new VpcEndpoint(this, 'dynamodb', {
      vpcId: vpc.id,
      serviceName: `com.amazonaws.${region}.dynamodb`,
      vpcEndpointType: 'Gateway',
      routeTableIds: [out.id],
      tags: { Name: `${name}-dynamodb` },
    });
    this.vpcId = vpc.id;
    this.publicSubnetIds = open.map((subnet) => subnet.id);
    this.privateSubnetIds = closed.map((subnet) => subnet.id);
    this.publicCidrs = open.map((_, at) => nth24(network.cidr, at));
    this.wayOut = routes;
  }
}

/** The nth network of 256 addresses in a larger one. */
function nth24(cidr: string, nth: number): string {
  const [a = 0, b = 0, c = 0] = (cidr.split('/')[0] ?? '').split('.').map(Number);
  const bits = Number(cidr.split('/')[1]);
  const first = Math.floor((a * 65_536 + b * 256 + c) / 2 ** (24 - bits)) * 2 ** (24 - bits) + nth;
  return `${Math.floor(first / 65_536)}.${Math.floor(first / 256) % 256}.${first % 256}.0/24`;
}
