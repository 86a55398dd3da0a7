/**
 * All that we take from CDKTF and from the AWS provider's bindings, and the only file that names them: their makers archived CDKTF in December 2025,
 * and who moves to the fork (`cdktn`) or to a newer provider does it here. Each binding by its own path: the package's root costs 25 s and 890 MB.
 */
export {
  App,
  DefaultTokenResolver,
  type ITerraformDependable,
  LocalBackend,
  S3Backend,
  StringConcat,
  TerraformElement,
  TerraformLocal,
  TerraformOutput,
  TerraformStack,
  Testing,
  Token,
  Tokenization,
} from 'cdktf';
export { Construct } from 'constructs';
export { AcmCertificateValidation } from '@cdktf/provider-aws/lib/acm-certificate-validation/index.js';
export { AcmCertificate } from '@cdktf/provider-aws/lib/acm-certificate/index.js';
export { AutoscalingGroup } from '@cdktf/provider-aws/lib/autoscaling-group/index.js';
export { AutoscalingPolicy } from '@cdktf/provider-aws/lib/autoscaling-policy/index.js';
export { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
export { CloudwatchLogMetricFilter } from '@cdktf/provider-aws/lib/cloudwatch-log-metric-filter/index.js';
export {
  CloudwatchMetricAlarm,
  type CloudwatchMetricAlarmConfig,
} from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js';
export { CognitoUserPoolClient } from '@cdktf/provider-aws/lib/cognito-user-pool-client/index.js';
export { CognitoUserPool } from '@cdktf/provider-aws/lib/cognito-user-pool/index.js';
export { DataAwsAvailabilityZones } from '@cdktf/provider-aws/lib/data-aws-availability-zones/index.js';
export { DataAwsCallerIdentity } from '@cdktf/provider-aws/lib/data-aws-caller-identity/index.js';
export { DataAwsSsmParameter } from '@cdktf/provider-aws/lib/data-aws-ssm-parameter/index.js';
export { DynamodbTable, type DynamodbTableConfig } from '@cdktf/provider-aws/lib/dynamodb-table/index.js';
export { EcrLifecyclePolicy } from '@cdktf/provider-aws/lib/ecr-lifecycle-policy/index.js';
export { EcrRepository } from '@cdktf/provider-aws/lib/ecr-repository/index.js';
export { Eip } from '@cdktf/provider-aws/lib/eip/index.js';
export { ElasticacheReplicationGroup } from '@cdktf/provider-aws/lib/elasticache-replication-group/index.js';
export { ElasticacheSubnetGroup } from '@cdktf/provider-aws/lib/elasticache-subnet-group/index.js';
export { ElasticacheUserGroup } from '@cdktf/provider-aws/lib/elasticache-user-group/index.js';
export { ElasticacheParameterGroup } from '@cdktf/provider-aws/lib/elasticache-parameter-group/index.js';
export { IamInstanceProfile } from '@cdktf/provider-aws/lib/iam-instance-profile/index.js';
export { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
export { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
export { Instance } from '@cdktf/provider-aws/lib/instance/index.js';
export { InternetGateway } from '@cdktf/provider-aws/lib/internet-gateway/index.js';
export { LaunchTemplate } from '@cdktf/provider-aws/lib/launch-template/index.js';
export { LbListener } from '@cdktf/provider-aws/lib/lb-listener/index.js';
export { LbTargetGroup } from '@cdktf/provider-aws/lib/lb-target-group/index.js';
export { Lb } from '@cdktf/provider-aws/lib/lb/index.js';
export { NetworkInterface } from '@cdktf/provider-aws/lib/network-interface/index.js';
export { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
export { Route53Record } from '@cdktf/provider-aws/lib/route53-record/index.js';
export { RouteTableAssociation } from '@cdktf/provider-aws/lib/route-table-association/index.js';
export { RouteTable } from '@cdktf/provider-aws/lib/route-table/index.js';
export { SecurityGroup } from '@cdktf/provider-aws/lib/security-group/index.js';
export { SnsTopicSubscription } from '@cdktf/provider-aws/lib/sns-topic-subscription/index.js';
export { SnsTopic } from '@cdktf/provider-aws/lib/sns-topic/index.js';
export { SsmParameter } from '@cdktf/provider-aws/lib/ssm-parameter/index.js';
export { Subnet } from '@cdktf/provider-aws/lib/subnet/index.js';
export { VpcEndpoint } from '@cdktf/provider-aws/lib/vpc-endpoint/index.js';
export { VpcSecurityGroupEgressRule } from '@cdktf/provider-aws/lib/vpc-security-group-egress-rule/index.js';
export { VpcSecurityGroupIngressRule } from '@cdktf/provider-aws/lib/vpc-security-group-ingress-rule/index.js';
export { Vpc } from '@cdktf/provider-aws/lib/vpc/index.js';
