import type { Statement } from './permissions.js';
import { Construct, IamInstanceProfile, IamRole, IamRolePolicy } from './terraform.js';

interface HostRoleProps {
  readonly name: string;
  readonly statements: readonly Statement[];
}

/** Who a host is for AWS, and what it may do. */
export class HostRole extends Construct {
  readonly profile: string;

  constructor(scope: Construct, id: string, { name, statements }: HostRoleProps) {
    super(scope, id);
    const role = new IamRole(this, 'role', {
      name,
      assumeRolePolicy: policy([
        { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
      ]),
    });
    const rights = new IamRolePolicy(this, 'policy', { name, role: role.id, policy: policy(statements) });
    // A host starts with its rights, not before them.
    this.profile = new IamInstanceProfile(this, 'profile', {
      name,
      role: role.name,
      dependsOn: [rights],
    }).name;
  }
}

function policy(statements: readonly object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}
