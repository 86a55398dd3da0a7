import { Firewall } from './firewall.js';
import { nameOf } from './names.js';
import type { LargeSettings } from './settings.js';
import {
  AcmCertificate,
  AcmCertificateValidation,
  Construct,
  type ITerraformDependable,
  Lb,
  LbListener,
  LbTargetGroup,
  Route53Record,
} from './terraform.js';

interface LoadBalancerProps {
  readonly settings: LargeSettings;
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  /** What must be there before AWS makes a load balancer that faces the internet: the subnets' way to it. */
  readonly wayOut: readonly ITerraformDependable[];
  /** Where the servers take HTTP and upgrades. */
  readonly serverPort: number;
}

/** HTTPS for all servers. No sticky sessions: peers of a room meet whatever server each came to. */
export class LoadBalancer extends Construct {
  readonly publicDns: string;
  readonly groupId: string;
  readonly targetGroupArn: string;
  /** CloudWatch's names for the two. */
  readonly dimension: string;
  readonly targetDimension: string;
  readonly certificateArn: string;

  constructor(scope: Construct, id: string, props: LoadBalancerProps) {
    super(scope, id);
    const { settings, vpcId, subnetIds, serverPort } = props;
    const name = nameOf(settings);
    const firewall = new Firewall(this, 'firewall', {
      name: nameOf(settings, 'front'),
      description: 'The load balancer of the signaling servers',
      vpcId,
      openings: [
        { what: 'https', protocol: 'tcp', from: 443, peers: settings.allowedCidrs },
        { what: 'http', protocol: 'tcp', from: 80, peers: settings.allowedCidrs },
      ],
      mayCallOut: true,
    });
    const balancer = new Lb(this, 'balancer', {
      name,
      loadBalancerType: 'application',
      internal: false,
      subnets: [...subnetIds],
      securityGroups: [firewall.groupId],
      idleTimeout: settings.idleTimeoutS,
      enableHttp2: true,
      dropInvalidHeaderFields: true,
      desyncMitigationMode: 'defensive',
      xffHeaderProcessingMode: 'append',
      enableDeletionProtection: settings.protect,
      dependsOn: [...props.wayOut],
    });
    const servers = new LbTargetGroup(this, 'servers', {
      name,
      vpcId,
      targetType: 'instance',
      port: serverPort,
      protocol: 'HTTP',
      deregistrationDelay: String(settings.deregistrationDelayS),
      // Sockets stay for hours: who has the fewest gets the next.
      loadBalancingAlgorithmType: 'least_outstanding_requests',
      healthCheck: {
        // A server that cannot serve newcomers gets none. When that is all of them, the load balancer asks all.
        path: '/readyz',
        matcher: '200',
        interval: 10,
        timeout: 5,
        healthyThreshold: 2,
        unhealthyThreshold: 3,
      },
    });
    this.certificateArn = this.certificate(settings);
    new LbListener(this, 'https', {
      loadBalancerArn: balancer.arn,
      port: 443,
      protocol: 'HTTPS',
      sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
      certificateArn: this.certificateArn,
      defaultAction: [{ type: 'forward', targetGroupArn: servers.arn }],
    });
    new LbListener(this, 'http', {
      loadBalancerArn: balancer.arn,
      port: 80,
      protocol: 'HTTP',
      defaultAction: [
        { type: 'redirect', redirect: { protocol: 'HTTPS', port: '443', statusCode: 'HTTP_301' } },
      ],
    });
    const { hostedZoneId, domain } = settings.tls;
    if (hostedZoneId !== undefined) {
      new Route53Record(this, 'record', {
        zoneId: hostedZoneId,
        name: domain,
        type: 'A',
        alias: { name: balancer.dnsName, zoneId: balancer.zoneId, evaluateTargetHealth: false },
      });
    }
    this.publicDns = balancer.dnsName;
    this.groupId = firewall.groupId;
    this.targetGroupArn = servers.arn;
    this.dimension = balancer.arnSuffix;
    this.targetDimension = servers.arnSuffix;
  }

  private certificate({ tls: { domain, hostedZoneId, certificateArn } }: LargeSettings): string {
    if (certificateArn !== undefined || hostedZoneId === undefined) return certificateArn ?? '';
    const certificate = new AcmCertificate(this, 'certificate', {
      domainName: domain,
      validationMethod: 'DNS',
      lifecycle: { createBeforeDestroy: true },
    });
    // One domain, one record that proves it.
    const proof = (field: string): string => `\${one(${certificate.fqn}.domain_validation_options).${field}}`;
    const record = new Route53Record(this, 'proof', {
      zoneId: hostedZoneId,
      name: proof('resource_record_name'),
      type: proof('resource_record_type'),
      records: [proof('resource_record_value')],
      ttl: 300,
      allowOverwrite: true,
    });
    return new AcmCertificateValidation(this, 'proven', {
      certificateArn: certificate.arn,
      validationRecordFqdns: [record.fqdn],
    }).certificateArn;
  }
}
