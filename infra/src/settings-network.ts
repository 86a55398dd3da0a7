/** The network of an environment: one that is made, or one that is there. */
import { z } from 'zod';
import * as field from './settings-fields.js';

const made = z.strictObject({
  /** Of the VPC; each subnet has a /24 of it. */
  cidr: field.cidr
    .refine((text) => bitsOf(text) <= 20, 'must be a /20 or larger')
    .refine((text) => bitsOf(text) >= 16, 'must be a /16 or smaller: no VPC is larger'),
  /** A load balancer has one subnet in each, so no more than the account has in the region (two in us-west-1). */
  zones: field.whole(2, 3).default(2),
});

const existing = z.strictObject({
  vpcId: field.vpcId,
  /** Of the public subnets: load balancers there are believed what they say about clients. */
  cidrs: z.array(field.cidr).min(1, 'must name at least one network'),
  /** With a route to an internet gateway. */
  publicSubnetIds: z.array(field.subnetId).min(1, 'must name at least one subnet'),
  /** For Redis; needs no route anywhere. */
  privateSubnetIds: z.array(field.subnetId).default([]),
});

export const network = z.union([made, existing]).default({ cidr: '10.20.0.0/16', zones: 2 });

function bitsOf(cidr: string): number {
  return Number(cidr.split('/')[1]);
}
