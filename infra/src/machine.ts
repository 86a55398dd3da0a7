/** What all hosts have in common, single ones and those of a group. */
import { Construct, DataAwsSsmParameter } from './terraform.js';

/** Sessions with the metadata service only, and no further than the host itself: containers use its network. */
export const metadataOptions = {
  httpEndpoint: 'enabled',
  httpTokens: 'required',
  httpPutResponseHopLimit: 1,
  instanceMetadataTags: 'disabled',
} as const;

/** The newest Amazon Linux 2023 for such an instance. Whoever uses it ignores its changes: a new image must not replace a host unasked. */
export function amazonLinux(scope: Construct, instanceType: string): string {
  const architecture = isArm(instanceType) ? 'arm64' : 'x86_64';
  const id = `amazon-linux-${architecture}`;
  const known = scope.node.tryFindChild(id);
  const parameter =
    known instanceof DataAwsSsmParameter
      ? known
      : new DataAwsSsmParameter(scope, id, {
          name: `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`,
        });
  return parameter.insecureValue;
}

/** Graviton: the first letter behind the generation is a `g` (`t4g`, `c7gn`, `im4gn`), and the first generation, `a1`. */
export function isArm(instanceType: string): boolean {
  return /^(?:[a-z]+\d+g|a1\.)/.test(instanceType);
}

/** Instances that save up processor time. */
export function isBurstable(instanceType: string): boolean {
  return /^t\d/.test(instanceType);
}

/** A script is plain shell; Terraform would take its `${` and `%{` for its own. Tokens of CDKTF stay. */
export function escapeForTerraform(script: string): string {
  return script.replaceAll(/\$\{(?!TfToken\[)/g, '$$${').replaceAll('%{', '%%{');
}
