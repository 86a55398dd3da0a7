/** The kinds of values that an environment's settings have. What is wrong is said in words that fit behind a field's name. */
import { isIPv4 } from 'node:net';
import { z } from 'zod';

export function whole(least: number, most: number): z.ZodNumber {
  const text = `must be a whole number from ${least} to ${most}`;
  return z.number({ error: text }).int(text).min(least, text).max(most, text);
}

function matching(pattern: RegExp, text: string): z.ZodString {
  return z.string({ error: `must be ${text}` }).regex(pattern, `must be ${text}`);
}

export const cidr = z
  .string({ error: 'must be a network such as 10.20.0.0/16' })
  .refine(isCidr, 'must be a network such as 10.20.0.0/16');

/** The network itself, not an address in it: security groups take nothing else. */
function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  if (rest.length > 0 || !isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return false;
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return number % 2 ** (32 - Number(bits)) === 0;
}

/**
 * So short that a load balancer may be called `webrtc-signaling-` and this: it has at most 32 characters. ECR and ElastiCache take no two hyphens in a row.
 */
export const environmentName = matching(
  /^(?!.*--)[a-z](?:[a-z0-9-]{0,13}[a-z0-9])?$/,
  '1 to 15 lower-case letters, digits and single hyphens, a letter first',
);
export const region = matching(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'a region such as us-west-1');
export const accountId = matching(/^\d{12}$/, 'an account number of twelve digits');
export const domainName = matching(
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
  'a domain such as signaling.example.org',
);
export const instanceType = matching(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'an instance type such as t4g.small');
export const cacheNodeType = matching(/^cache\.[a-z0-9]+\.[a-z0-9]+$/, 'a node type such as cache.t4g.small');
export const tableName = matching(/^[\w.-]{3,255}$/, 'the name of a table');
export const userPoolId = matching(/^[a-z]{2}(?:-[a-z]+)+-\d_[A-Za-z0-9]+$/, 'such as us-west-1_AbCdEfGhI');
export const appClientId = matching(/^[a-z0-9]{1,128}$/, 'the id of an app client');
export const vpcId = matching(/^vpc-[0-9a-f]+$/, 'the id of a VPC, vpc-…');
export const subnetId = matching(/^subnet-[0-9a-f]+$/, 'the id of a subnet, subnet-…');
export const hostedZoneId = matching(/^Z[A-Z0-9]+$/, 'the id of a hosted zone, Z…');
export const certificateArn = matching(
  /^arn:aws[\w-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
  'the ARN of an ACM certificate',
);
export const kmsKeyArn = matching(
  /^arn:aws[\w-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/,
  'the ARN of a KMS key',
);
export const imageTag = matching(/^[\w][\w.-]{0,127}$/, 'the tag of an image');
export const imageUri = matching(/^[a-z0-9][\w./:@-]{3,254}$/, 'the URI of an image, with its tag');
export const cacheUserId = matching(/^[a-z][a-z0-9-]{0,39}$/, 'the id of an ElastiCache user');
export const email = z.email('must be an e-mail address');
export const variableName = matching(/^[A-Z][A-Z0-9_]*$/, 'the name of an environment variable');
/** Goes into the host's script between single quotes. */
export const variableValue = matching(/^[\x20-\x7e]*$/, 'plain text on one line').regex(
  /^[^'\\$`"]*$/,
  'must hold no quotes, backslashes or dollar signs',
);
